import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault, Gone } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { Receipt } from '../registry/entry.ts'
import { Hand } from './hand.ts'
import type { FromWorker, LoadCheck, Pool, Ran, WorkerData } from './protocol.ts'
import { Costs } from './order.ts'
import { Queue, sizeOf, type Limits, type Maker, type Queued } from './queue.ts'
import { soon, takers } from './takers.ts'

export interface PoolOptions {
  readonly engine: WorkerData['engine']
  readonly workers: number
  /** What may wait; more is refused with `queue_full`. */
  readonly queue: Limits
  /** A thread that works on the same jobs for longer, in milliseconds, is given up and replaced; unset: never. */
  readonly longest?: number
  /** Told when a thread dies and is replaced. */
  readonly onDeath?: (reason: string) => void
  /** Told of each job that is over; not of those that were refused or cancelled while they waited. */
  readonly onRun?: (ran: Ran) => void
}

/** How often it is looked whether somebody has waited long enough, in milliseconds. */
const often = 50
/** Before a thread that died young is started again, in milliseconds: twice as long each time. A life of `old` starts that anew. */
const [shortest, most, old] = [250, 30_000, 10_000]
/** Until the pool that began last has its first engine: no two of a process may start theirs at once (ops/engine.ts). */
let starting: Promise<unknown> = Promise.resolve()

/**
 * Starts the worker threads, each with an engine of its own, and gives the pool when the first one can work; `whole` starts the others. A job goes to a thread that is free at once, alone; jobs that had to wait go in a fair order
 * (order.ts), those that fit each other together. A thread that dies fails what it was running with `not_ready` and is replaced; its models are
 * loaded again. So is one that does not come back within `longest`.
 */
export async function startPool ({ engine, workers, queue: limits, longest = Infinity, onDeath, onRun }: PoolOptions): Promise<Pool> {
  const costs = new Costs()
  const queue = new Queue(limits, costs)
  /** Whose memory an answer lies in. */
  const makers = new WeakMap<SharedArrayBuffer, Maker>()
  const loaded = new Map<string, { file: ModelFile, check: LoadCheck }>()
  /** Threads that have started and still load what there is: what is loaded meanwhile comes to them too. */
  const joining = new WeakSet<Hand>()
  const hasJoined = (hand: Hand): boolean => hand.alive && !joining.has(hand)
  let closing = false
  const isClosing = (): boolean => closing
  let watch: NodeJS.Timeout | null = null
  /** How busy this side is, and what that was found from. */
  let [loop, looked] = [0, performance.eventLoopUtilization()]
  /** A second look at what waits for a thread that should be free soon. */
  let second: NodeJS.Timeout | null = null

  /** A thread that is free takes its share of what waits: the others will be free soon, and what ran together is answered one after the other. */
  const next = (): void => {
    if (queue.length === 0) return
    const taking = hands.slice(0, takers(hands, queue, costs, performance.now(), loop))
    for (const hand of taking) {
      while (!hand.busy) {
        const jobs = queue.take(Math.ceil(queue.length / taking.length)).filter((queued) => !isOver(queued, performance.now()))
        if (jobs.length > 0) {
          for (const queued of jobs) queued.begun?.(jobs.length)
          hand.run(jobs)
        } else if (queue.length === 0) return
      }
    }
    if (queue.length > 0 && taking.length < hands.length) {
      second ??= setTimeout(() => {
        second = null
        next()
      }, soon).unref()
    }
  }

  const look = (): void => {
    const now = performance.now()
    const utilization = performance.eventLoopUtilization()
    loop = (loop + performance.eventLoopUtilization(utilization, looked).utilization) / 2
    looked = utilization
    queue.remove((queued) => isOver(queued, now))
    let working = false
    for (const hand of hands) {
      if (hand.work === null) continue
      working = true
      for (const { patience, reject } of hand.work.jobs) if (patience !== null && patience.until <= now) reject(late())
      if (now - hand.work.since > longest) hand.giveUp(`it has worked on the same for ${Math.round((now - hand.work.since) / 1000)} s`)
    }
    if (working || queue.length > 0 || watch === null) return
    clearInterval(watch)
    watch = null
  }

  const revive = async (hand: Hand, after: number): Promise<void> => {
    await wait(after)
    if (closing) return
    joining.add(hand)
    try {
      await hand.start()
    } catch (error) {
      if (isClosing()) return
      onDeath?.((error as Error).message)
      return await revive(hand, pause(hand))
    }
    const { lives } = hand
    for (const [model, { file, check }] of loaded) {
      try {
        const { reason } = await hand.ask<'load'>({ type: 'load', model, file, check }) as Extract<FromWorker, { type: 'loaded' }>
        // Other threads have it: what is wrong is this one.
        if (reason !== undefined) return hand.giveUp(`${model} does not pass its check in it: ${reason}`)
      } catch (error) {
        // Where it has died again, that has begun this anew.
        if (hand.lives !== lives || !hand.alive) return
        onDeath?.((error as Error).message)
      }
    }
    joining.delete(hand)
    hand.busy = false
    next()
  }

  const young = new WeakMap<Hand, number>()
  const pause = (hand: Hand): number => {
    const times = performance.now() - hand.bornAt < old ? (young.get(hand) ?? 0) + 1 : 0
    young.set(hand, times)
    return times === 0 ? 0 : Math.min(most, shortest * 2 ** (times - 1))
  }

  const hands = Array.from({ length: workers }, () => new Hand({ engine, workers }, {
    onFree: (jobs, milliseconds) => {
      costs.learn(jobs, milliseconds)
      next()
    },
    onDeath: (hand, reason) => {
      onDeath?.(reason)
      if (!closing) revive(hand, pause(hand)).catch((error: Error) => onDeath?.(error.message))
    }
  }))
  // The first engine in the process prepares what all of them share (ops/engine.ts); with it there is somebody to serve.
  const before = starting
  const start = before.catch(() => {}).then(async () => await hands[0].start())
  starting = start
  const info = await start
  hands[0].busy = false
  let whole: Promise<unknown> | null = null

  return {
    engine: info,
    whole: async () => { await (whole ??= Promise.all(hands.slice(1).map(async (hand) => await revive(hand, 0)))) },
    state: () => ({
      waiting: { requests: queue.length, bytes: queue.bytes },
      lost: hands.reduce((sum, { lost }) => sum + lost, 0),
      workers: hands.map(({ alive, busy, memory: [tensors, bytes] }) => ({ alive, busy, tensors, bytes }))
    }),
    full: (share) => queue.full(share),
    load: async (model, file, check) => {
      // From here on a thread that is started anew loads it too.
      loaded.set(model, { file, check })
      // It may be that all of them are being started again.
      while (!isClosing() && !hands.some(hasJoined)) await wait(often)
      const asked = await Promise.allSettled(hands.filter(hasJoined).map(async (hand) => await hand.ask<'load'>({ type: 'load', model, file, check })))
      const answers = asked.flatMap((one) => one.status === 'fulfilled' ? [one.value as Extract<FromWorker, { type: 'loaded' }>] : [])
      const failed = asked.find((one) => one.status === 'rejected' && (answers.length === 0 || !(one.reason instanceof Fault && one.reason.code === 'not_ready')))
      if (failed !== undefined || answers.length === 0) {
        loaded.delete(model)
        throw failed === undefined ? new Fault('not_ready', 'none of the threads that compute is alive') : (failed as PromiseRejectedResult).reason
      }
      const worst = answers.reduce((a, b) => b.reason !== undefined || b.receipt.maxDifference > a.receipt.maxDifference ? b : a)
      if (worst.reason !== undefined) loaded.delete(model)
      return { receipt: worst.receipt satisfies Receipt, ...(worst.reason === undefined ? {} : { reason: worst.reason }) }
    },
    unload: async (model) => {
      loaded.delete(model)
      costs.forget(model)
      // One that dies meanwhile has it no more.
      await Promise.allSettled(hands.filter(({ alive }) => alive).map(async (hand) => await hand.ask<'unload'>({ type: 'unload', model })))
    },
    run: async (model, job, patience) => {
      if (closing) throw new Fault('not_ready', 'the service is stopping')
      return await new Promise((resolve, reject) => {
        const since = performance.now()
        let [start, together] = [since, 0]
        let open = true
        /** It is answered once: by a thread, by its deadline, or because nobody waits. */
        const settle = (then: () => void): void => {
          if (!open) return
          open = false
          if (together > 0) onRun?.({ model, queued: start - since, ran: performance.now() - start, together })
          then()
        }
        const queued: Queued = {
          model,
          job,
          size: sizeOf(job.batch),
          patience: patience ?? null,
          begun: (number) => { [start, together] = [performance.now(), number] },
          resolve: (body, by) => {
            if (body.buffer instanceof SharedArrayBuffer) {
              if (open) makers.set(body.buffer, by)
              else by.takeBack(body.buffer)
            }
            settle(() => resolve(body))
          },
          reject: (error) => settle(() => reject(error))
        }
        if (isOver(queued, since)) return
        // Those who have left make room.
        if (queue.length >= limits.requests) queue.remove((other) => isOver(other, since))
        queue.push(queued)
        if (watch === null) {
          watch = setInterval(look, often).unref()
          looked = performance.eventLoopUtilization()
        }
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
      if (watch !== null) clearInterval(watch)
      if (second !== null) clearTimeout(second)
      for (const { reject } of queue.remove(() => true)) reject(new Fault('not_ready', 'the service is stopping'))
      await Promise.all(hands.map(async (hand) => await hand.close()))
    }
  }
}

const late = (): Fault => new Fault('deadline', 'the answer was not there in time: ask for fewer sequences, steps or layers at once, or allow more time (X-Request-Timeout up to REQUEST_TIMEOUT_S)')

/** Answers a job for which nobody waits any longer, and says so. */
function isOver ({ patience, reject }: Queued, now: number): boolean {
  if (patience === null) return false
  if (patience.gone()) reject(new Gone())
  else if (patience.until <= now) reject(late())
  else return false
  return true
}
