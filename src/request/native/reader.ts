import { createRequire } from 'node:module'
import { join } from 'node:path'

/** What came of a list (`Outcome` in numbers.h). */
type Read = (bytes: Uint8Array, from: number, into: Float32Array | Float64Array, found: Float64Array) => number
const full = 2

/** A list's sizes, its numbers as float32 in an array of their own, the same before they were rounded, read when asked for, and where the byte after its last bracket is. */
export interface NativeList { readonly shape: readonly number[], readonly singles: Float32Array, readonly doubles: () => Float64Array, readonly end: number }

/** Reads the list whose first bracket stands at `from`; null for all that it cannot read, be it wrong, no regular list of numbers, or a number of more than 19 digits. */
export type NativeReader = (bytes: Uint8Array, from: number) => NativeList | null

/** Numbers of the list that was read last, as of most: the memory of a new array would cost more than reading them. */
const scratch = new Float32Array(2 ** 18)
/** The end, how many numbers there are, and the sizes of 16 axes, 0 behind the last. */
const found = new Float64Array(18)

const reader = (read: Read): NativeReader => (bytes, from) => {
  let into = scratch
  let outcome = read(bytes, from, into, found)
  // Not as many at once as the bytes may hold: a body may have hundreds of lists.
  for (; outcome === full; outcome = read(bytes, from, into, found)) into = new Float32Array(4 * into.length)
  if (outcome !== 0) return null
  const [end, count, ...sizes] = found
  const doubles = (): Float64Array => {
    const into = new Float64Array(count)
    read(bytes, from, into, found)
    return into
  }
  return { shape: sizes.filter((size) => size > 0), singles: into.slice(0, count), doubles, end }
}

/** What scripts/native.mjs makes of addon.cc. */
function load (name: 'read' | 'portable'): NativeReader | null {
  try {
    return reader((createRequire(import.meta.url)(join(import.meta.dirname, '..', '..', '..', 'native', 'numbers.node')) as Record<typeof name, Read>)[name])
  } catch {
    return null
  }
}

/** Null where it was not built. */
export const nativeReader = load('read')

/** The same as it is where the processor has no AVX2. */
export const portableReader = (): NativeReader | null => load('portable')
