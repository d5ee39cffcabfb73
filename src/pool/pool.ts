import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { Receipt } from '../registry/entry.ts'
import { Hand } from './hand.ts'
import type { FromWorker, LoadCheck, Pool, Ran, WorkerData } from './protocol.ts'
import { Queue, type Limits, type Maker } from './queue.ts'

export interface PoolOptions {
  readonly engine: WorkerData['engine']
  readonly workers: number
  /** What may wait; more is refused with `queue_full`. */
  readonly queue: Limits
  /** Told when a thread dies and is replaced. */
  readonly onDeath?: (reason: string) => void
  /** Told of each job that is over; not of those that were refused or cancelled while they waited. */
  readonly onRun?: (ran: Ran) => void
}

/**
 * Starts the worker threads, each with an engine of its own. A job goes to a thread that is free at once, alone; jobs that had to wait go in the order
 * they came, those that fit each other together. A thread that dies fails what it was running with `not_ready` and is replaced; its models are
 * loaded again.
 */
export async function startPool ({ engine, workers, queue: limits, onDeath, onRun }: PoolOptions): Promise<Pool> {
  const queue = new Queue(limits)
  /** Whose memory an answer lies in. */
  const makers = new WeakMap<SharedArrayBuffer, Maker>()
  const loaded = new Map<string, { file: ModelFile, check: LoadCheck }>()
  let closing = false

  /** A thread that is free takes its share of what waits: the others will be free soon, and what ran together is answered one after the other. */
  const next = (): void => {
    for (const hand of hands) {
      if (hand.busy) continue
      const jobs = queue.take(Math.ceil(queue.length / hands.length))
      if (jobs.length === 0) return
      for (const { begun } of jobs) begun?.(jobs.length)
      hand.run(jobs)
    }
  }

  const revive = async (hand: Hand): Promise<void> => {
    await hand.start()
    for (const [model, { file, check }] of loaded) await hand.ask<'load'>({ type: 'load', model, file, check })
    hand.busy = false
    next()
  }

  const hands = Array.from({ length: workers }, () => new Hand({ engine, workers, alive: new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT) }, {
    onFree: next,
    onDeath: (hand, reason) => {
      onDeath?.(reason)
      revive(hand).catch((error: Error) => onDeath?.(error.message))
    }
  }))
  // The first engine in the process prepares what all of them share (ops/engine.ts).
  const info = await hands[0].start()
  await Promise.all(hands.slice(1).map(async (hand) => await hand.start()))
  for (const hand of hands) hand.busy = false

  return {
    engine: info,
    state: () => ({
      waiting: { requests: queue.length, bytes: queue.bytes },
      workers: hands.map(({ alive, busy, memory: [tensors, bytes] }) => ({ alive, busy, tensors, bytes }))
    }),
    load: async (model, file, check) => {
      const answers = await Promise.all(hands.map(async (hand) => await hand.ask<'load'>({ type: 'load', model, file, check }))) as Extract<FromWorker, { type: 'loaded' }>[]
      const worst = answers.reduce((a, b) => b.reason !== undefined || b.receipt.maxDifference > a.receipt.maxDifference ? b : a)
      if (worst.reason === undefined) loaded.set(model, { file, check })
      return { receipt: worst.receipt satisfies Receipt, ...(worst.reason === undefined ? {} : { reason: worst.reason }) }
    },
    unload: async (model) => {
      loaded.delete(model)
      await Promise.all(hands.map(async (hand) => await hand.ask<'unload'>({ type: 'unload', model })))
    },
    run: async (model, job) => {
      if (closing) throw new Fault('not_ready', 'the service is stopping')
      return await new Promise((resolve, reject) => {
        const since = performance.now()
        let [start, together] = [since, 0]
        const over = (): void => { if (together > 0) onRun?.({ model, queued: start - since, ran: performance.now() - start, together }) }
        queue.push({
          model,
          job,
          begun: (number) => { [start, together] = [performance.now(), number] },
          resolve: (body, by) => {
            over()
            if (body.buffer instanceof SharedArrayBuffer) makers.set(body.buffer, by)
            resolve(body)
          },
          reject: (error) => {
            over()
            reject(error)
          }
        })
        next()
      })
    },
    sent: ({ buffer }) => {
      if (!(buffer instanceof SharedArrayBuffer)) return
      makers.get(buffer)?.takeBack(buffer)
      // What is given back twice would hold two answers at once.
      makers.delete(buffer)
    },
    close: async () => {
      closing = true
      for (const { reject } of queue.clear()) reject(new Fault('not_ready', 'the service is stopping'))
      await Promise.all(hands.map(async (hand) => await hand.close()))
    }
  }
}
