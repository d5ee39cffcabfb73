import { useEffect, useState } from 'preact/hooks'
import { Refusal, send, type Call } from '../../api/call.ts'
import type { Problem } from '../../api/wire.ts'
import { eventReader } from './events.ts'

/** A character as POST /generate gives it. */
export interface Written {
  readonly text: string
  readonly probabilities: Readonly<Record<string, number>>
  readonly states?: Readonly<Record<string, unknown>>
}

export interface Writing {
  readonly steps: readonly Written[]
  readonly pending: boolean
  readonly cancelled: boolean
  readonly error: Error | null
  readonly cancel: () => void
}

/** Drawn so often while characters come, not for each of them. */
const apart = 100

/** Asks for a text and gives it as it comes, whenever the call changes; null asks nothing. */
export function useWriting (call: Call | null, length: number): Writing {
  const [state, setState] = useState<Omit<Writing, 'cancel'>>({ steps: [], pending: false, cancelled: false, error: null })
  const [controller, setController] = useState<AbortController | null>(null)
  useEffect(() => {
    const own = new AbortController()
    setController(own)
    setState({ steps: [], pending: call !== null, cancelled: false, error: null })
    if (call !== null) {
      write(call, length, own.signal, (steps) => setState((before) => ({ ...before, steps }))).then(
        (steps) => { if (!own.signal.aborted) setState({ steps, pending: false, cancelled: false, error: null }) },
        (error: Error) => { if (!own.signal.aborted) setState((before) => ({ ...before, pending: false, error })) }
      )
    }
    return () => own.abort()
  }, [JSON.stringify(call)])
  const cancel = (): void => {
    controller?.abort()
    setState((before) => ({ ...before, pending: false, cancelled: true }))
  }
  return { ...state, cancel }
}

async function write (call: Call, length: number, signal: AbortSignal, show: (steps: readonly Written[]) => void): Promise<readonly Written[]> {
  const response = await send(call, signal)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const read = eventReader()
  const steps: Written[] = []
  let drawn = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    for (const { event, data } of read(value)) {
      if (event === 'error') {
        const problem = JSON.parse(data) as Problem
        show([...steps])
        throw new Refusal(problem.detail, problem)
      }
      steps.push(JSON.parse(data) as Written)
    }
    if (!signal.aborted && performance.now() - drawn > apart) {
      drawn = performance.now()
      show([...steps])
    }
  }
  if (steps.length < length) {
    show([...steps])
    throw new Refusal(`The service ended the text after ${steps.length} of ${length} characters.`)
  }
  return steps
}
