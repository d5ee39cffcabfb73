import type { Batch } from '../request/probe.ts'
import { tolerance } from './receipt.ts'

/** The first so many answers are all checked. */
const first = 4
/** After those one sequence in so many is. */
const sequences = 32
/** An answer that comes so many milliseconds after the last check is checked. */
const pause = 1000
/** Shapes that are remembered; beyond them all count as new again. */
const remembered = 256

/** Which answers of a plan are checked, where not every one is. */
export interface Sampling {
  /** Is the answer to this batch checked? Asked once an answer. */
  due: (batch: Batch) => boolean
  /** From now on every answer is: one did not pass. */
  distrust: () => void
}

/** What is known of an answer's check: its own difference, the last one found where it had no check of its own, NaN where it is not finite, null where nothing recurrent ran. */
export interface Verdict { readonly difference: number | null, readonly checked: boolean }

/** Which answers of a plan are checked (`always`: all), on which of their sequences, and what came of it. */
export function checking (always: boolean): { next: (batch: Batch) => { checked: boolean, sequence: number, turn: number }, verdict: (checked: boolean, found: number | undefined) => Verdict } {
  const { due, distrust } = sampling()
  let checks = 0
  let last: number | null = null
  return {
    next: (batch) => {
      const checked = always || due(batch)
      // Each sequence of a batch has its turn, and then each once more.
      const count = checked ? checks++ : checks
      return { checked, sequence: count % batch.size, turn: Math.floor(count / batch.size) }
    },
    verdict: (checked, found) => {
      if (found === undefined) return { difference: null, checked }
      if (!checked) return { difference: Number.isNaN(found) ? found : last, checked }
      if (found > tolerance) distrust()
      if (!Number.isNaN(found)) last = found
      return { difference: found, checked }
    }
  }
}

/** Of as many steps and more, one in `sparse` is checked. */
const [long, sparse] = [8, 4]

/** How many of so many steps are checked; null: all. */
export const stepsChecked = (length: number): number | null => length < long ? null : Math.floor(length / sparse)

/** Which, where not all are: one in `sparse`, others each turn until all have been. */
export function stepsAt (length: number, turn: number): Float32Array {
  const count = Math.floor(length / sparse)
  const first = turn % (length - (count - 1) * sparse)
  return Float32Array.from({ length: count }, (_, n) => first + n * sparse)
}

/** The first answers, the first of each shape, then one sequence in so many, and at least one a second while there are any. `now`: a clock in milliseconds. */
export function sampling (now: () => number = () => performance.now()): Sampling {
  const shapes = new Set<string>()
  let [answers, waiting, last, trusted] = [0, 0, -Infinity, true]
  return {
    due: ({ inputs, size }) => {
      const shape = Object.values(inputs).map(({ shape }) => shape.join()).join(' ')
      const fresh = !shapes.has(shape)
      if (shapes.size === remembered) shapes.clear()
      shapes.add(shape)
      answers++
      waiting += size
      const due = !trusted || fresh || answers <= first || waiting >= sequences || now() - last >= pause
      if (due) [waiting, last] = [0, now()]
      return due
    },
    distrust: () => { trusted = false }
  }
}
