import { availableParallelism } from 'node:os'
import type { Hand } from './hand.ts'
import type { Costs } from './order.ts'
import type { Queue } from './queue.ts'

/** Milliseconds of a job in a thread below which the HTTP side, with its client, has about as much to do for it. */
const small = 0.75
/** Milliseconds in which a thread is free soon. */
export const soon = 3
/** The share of its time in which the HTTP side has something to do (Node's event loop utilization), from which on it needs a core. */
const much = 0.4

const available = availableParallelism()

/**
 * The threads that may take what waits now. Where there are as many as cores, the last one shares a core with the HTTP side; while that has much to do, for small jobs that costs
 * more than it brings: run together by the threads before it, they take less than shared out. So it takes them then only where one of those is not free soon, or one more would be
 * refused; larger jobs it takes like the others.
 * Of the threads `cores - 1`, one at least, are those before it.
 */
export function takers (hands: ReadonlyArray<Pick<Hand, 'busy' | 'work'>>, queue: Pick<Queue, 'length' | 'milliseconds' | 'full'>, costs: Pick<Costs, 'time'>, now: number, loop: number, cores = available): number {
  const before = Math.min(hands.length, Math.max(1, cores - 1))
  const isSoonFree = ({ busy, work }: Pick<Hand, 'busy' | 'work'>): boolean =>
    !busy || (work !== null && now - work.since < soon && work.jobs.reduce((sum, job) => sum + costs.time(job), 0) < soon)
  return loop > much && queue.milliseconds < small * queue.length && !queue.full() && hands.slice(0, before).every(isSoonFree) ? before : hands.length
}
