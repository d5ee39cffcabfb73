/** Sets of units as bits, 32 a word: each step of a sequence has one. A masked step has none, and belongs to no span. */
export interface OnUnits {
  readonly steps: number
  /** Words of a set. */
  readonly words: number
  /** `[step, word]`: units above the threshold. */
  readonly on: Uint32Array
  /** `[step]`: 1 where the step is not masked. */
  readonly seen: Uint8Array
}

/** Steps from `from` on and before `to` at each of which all of `units` are on; and how it stands among others. */
export interface Span {
  readonly sequence: number
  readonly from: number
  readonly to: number
  /** Selected units that are on throughout, in order. */
  readonly units: readonly number[]
  /** Units that are not selected, and on throughout too. */
  readonly others: number
  /** Of `units`, how many are off just before, and how many just after: where they all go on and off together it is twice their number. */
  readonly edges: number
}

/** Which units of one sequence are above a threshold. values `[step, unit]`, mask `[step]`. */
export function onUnits (values: Float32Array, units: number, mask: Float32Array | null, threshold: number): OnUnits {
  const steps = values.length / units
  const words = Math.ceil(units / 32)
  const on = new Uint32Array(steps * words)
  const seen = new Uint8Array(steps)
  for (let step = 0; step < steps; step++) {
    if (mask !== null && mask[step] === 0) continue
    seen[step] = 1
    for (let unit = 0; unit < units; unit++) if (values[step * units + unit] > threshold) on[step * words + (unit >>> 5)] |= 1 << (unit & 31)
  }
  return { steps, words, on, seen }
}

/** A set of units, of the words of `onUnits`. */
export function setOf (units: readonly number[], words: number): Uint32Array {
  const set = new Uint32Array(words)
  for (const unit of units) set[unit >>> 5] |= 1 << (unit & 31)
  return set
}

/** The units of a set, in order. */
export const unitsIn = (set: Uint32Array): number[] =>
  [...set].flatMap((bits, word) => Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (bits >>> bit & 1) === 1).map((bit) => 32 * word + bit))

/** The units that are on at every step of a span. */
export function throughout ({ words, on }: OnUnits, from: number, to: number): Uint32Array {
  const set = on.slice(from * words, (from + 1) * words)
  for (let step = from + 1; step < to; step++) for (let word = 0; word < words; word++) set[word] &= on[step * words + word]
  return set
}

/** How many units are in a set. */
function sizeOf (set: Uint32Array): number {
  let size = 0
  for (let bits of set) for (; bits !== 0; bits &= bits - 1) size++
  return size
}

/**
 * The spans of a sequence at which some of the selected units are on throughout, and which cannot be made longer without losing one of these. Whatever other span
 * has units on lies in one of them that has the same. By their first step, then by their last.
 */
export function * spansOf (sequence: number, units: OnUnits, selected: Uint32Array, countOthers: boolean): Generator<Span> {
  const { steps, words, on } = units
  const none = new Uint32Array(words)
  const at = (step: number): Uint32Array => step < 0 || step >= steps ? none : on.subarray(step * words, (step + 1) * words)
  const and = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((bits, word) => bits & b[word])
  const without = (a: Uint32Array, b: Uint32Array): Uint32Array => a.map((bits, word) => bits & ~b[word])
  const isEmpty = (set: Uint32Array): boolean => set.every((bits) => bits === 0)
  for (let from = 0; from < steps; from++) {
    let all = at(from)
    // A span that begins here has a unit that goes on here: with none of these it could begin earlier.
    let fresh = without(and(all, selected), at(from - 1))
    for (let to = from + 1; !isEmpty(fresh); to++) {
      const own = and(all, selected)
      const next = and(all, at(to))
      if (without(own, next).some((bits) => bits !== 0)) {
        yield {
          sequence,
          from,
          to,
          units: unitsIn(own),
          others: countOthers ? sizeOf(without(all, selected)) : 0,
          edges: sizeOf(without(own, at(from - 1))) + sizeOf(without(own, at(to)))
        }
      }
      all = next
      fresh = and(fresh, next)
    }
  }
}
