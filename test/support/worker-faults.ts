import { execFileSync } from 'node:child_process'
import { isMainThread, parentPort } from 'node:worker_threads'

// To be imported before the service (`node --import`): its threads then do what a line of NDJSON names as its id. Nothing in the service knows of this.

const faults: Readonly<Record<string, () => void>> = {
  'fault: throw': () => { throw new Error('planted') },
  'fault: exit': () => process.exit(3),
  'fault: memory': () => {
    const hog: number[][] = []
    for (;;) hog.push(Array<number>(1e5).fill(0.5))
  },
  // A native call, which nothing interrupts.
  'fault: native': () => { execFileSync('sleep', ['9']) },
  'fault: short': () => { execFileSync('sleep', ['2']) },
  'fault: loop': () => { for (;;); }
}

interface Message { readonly parts?: readonly { readonly head: { readonly id?: unknown } }[] }

if (!isMainThread) {
  parentPort!.on('message', ({ parts = [] }: Message) => {
    for (const { head } of parts) if (typeof head.id === 'string') faults[head.id]?.()
  })
}
