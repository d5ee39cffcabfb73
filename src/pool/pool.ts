import { SHARE_ENV, Worker } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { Receipt } from '../registry/entry.ts'
import type { EngineInfo, FromWorker, Job, LoadCheck, Pool, ToWorker, WorkerData } from './protocol.ts'

export interface PoolOptions {
  readonly engine: WorkerData['engine']
  readonly workers: number
  /** Requests that may wait; one more is refused with `queue_full`. */
  readonly queue: number
  /** Told when a thread dies and is replaced. */
  readonly onDeath?: (reason: string) => void
}

type Request = ToWorker extends infer Message ? Message extends { id: number } ? Omit<Message, 'id'> : never : never

/** A caller that waits for one answer of one worker. */
interface Waiting {
  readonly resolve: (message: FromWorker) => void
  readonly reject: (error: Fault) => void
}

/** One thread and what it owes. */
interface Hand {
  worker: Worker
  readonly waiting: Map<number, Waiting>
  /** A job is running; loads go beside the queue, in order. */
  busy: boolean
  alive: boolean
}

interface Queued { readonly model: string, readonly job: Job, readonly resolve: (body: Uint8Array<ArrayBuffer>) => void, readonly reject: (error: Fault) => void }

/**
 * Starts the worker threads, each with an engine of its own, and hands jobs to whichever is free, in the order they came. A thread that dies
 * fails what it was running with `not_ready` and is replaced; its models are loaded again.
 */
export async function startPool ({ engine, workers, queue: limit, onDeath }: PoolOptions): Promise<Pool> {
  const queue: Queued[] = []
  const loaded = new Map<string, { file: ModelFile, check: LoadCheck }>()
  let count = 0
  let closing = false

  const start = async (hand: Hand): Promise<EngineInfo> => await new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData: { engine, workers } satisfies WorkerData,
      // The native library reads the process' environment, not a worker's copy of it.
      env: SHARE_ENV
    })
    hand.worker = worker
    let cause = ''
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'started') {
        hand.alive = true
        resolve(message.engine)
        return
      }
      const waiting = hand.waiting.get(message.id)
      hand.waiting.delete(message.id)
      if (message.type === 'failed') waiting?.reject(new Fault(message.code, message.detail, message.pointer))
      else waiting?.resolve(message)
    })
    worker.on('error', (error: Error) => { cause = error.message })
    worker.on('exit', () => {
      const born = hand.alive
      hand.alive = false
      for (const { reject } of hand.waiting.values()) reject(new Fault('not_ready', 'the engine stopped while it worked on this; it is being started again: try once more in a few seconds'))
      hand.waiting.clear()
      if (!born) reject(new Error(cause))
      else if (!closing) {
        onDeath?.(cause)
        revive(hand).catch((error: Error) => onDeath?.(error.message))
      }
    })
  })

  const revive = async (hand: Hand): Promise<void> => {
    hand.busy = true
    await start(hand)
    for (const [model, { file, check }] of loaded) await ask(hand, { type: 'load', model, file, check })
    hand.busy = false
    next()
  }

  const ask = async (hand: Hand, message: Request): Promise<FromWorker> => await new Promise((resolve, reject) => {
    const id = count++
    hand.waiting.set(id, { resolve, reject })
    hand.worker.postMessage({ ...message, id })
  })

  const next = (): void => {
    for (const hand of hands) {
      if (hand.busy || !hand.alive) continue
      const first = queue.shift()
      if (first === undefined) return
      hand.busy = true
      ask(hand, { type: 'run', model: first.model, job: first.job })
        .then((message) => first.resolve((message as Extract<FromWorker, { type: 'answered' }>).body), first.reject)
        .finally(() => {
          hand.busy = false
          next()
        })
    }
  }

  const hands = Array.from({ length: workers }, (): Hand => ({ worker: undefined as unknown as Worker, waiting: new Map(), busy: false, alive: false }))
  const [info] = await Promise.all(hands.map(start))

  return {
    engine: info,
    load: async (model, file, check) => {
      const answers = await Promise.all(hands.map(async (hand) => await ask(hand, { type: 'load', model, file, check }))) as Extract<FromWorker, { type: 'loaded' }>[]
      const worst = answers.reduce((a, b) => b.reason !== undefined || b.receipt.maxDifference > a.receipt.maxDifference ? b : a)
      if (worst.reason === undefined) loaded.set(model, { file, check })
      return { receipt: worst.receipt satisfies Receipt, ...(worst.reason === undefined ? {} : { reason: worst.reason }) }
    },
    unload: async (model) => {
      loaded.delete(model)
      await Promise.all(hands.map(async (hand) => await ask(hand, { type: 'unload', model })))
    },
    run: async (model, job) => await new Promise((resolve, reject) => {
      if (closing) {
        reject(new Fault('not_ready', 'the service is stopping'))
        return
      }
      if (queue.length >= limit) {
        reject(new Fault('queue_full', `${limit} requests are waiting already: try again in a second`))
        return
      }
      queue.push({ model, job, resolve, reject })
      next()
    }),
    close: async () => {
      closing = true
      for (const { reject } of queue.splice(0)) reject(new Fault('not_ready', 'the service is stopping'))
      await Promise.all(hands.map(async ({ worker }) => await worker.terminate()))
    }
  }
}
