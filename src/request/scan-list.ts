import { nativeReader, type NativeReader } from './native/reader.ts'
import { readRow, type Cursor } from './scan-row.ts'
import { ScannedList } from './scanned.ts'

/** Lists nested deeper are read as all else is: no model's input has as many axes. */
const deepest = 16

/** Numbers of the list that was read last: the memory of a new array would cost a quarter of reading them. */
const scratch = new Float64Array(2 ** 18)
/** How often that has begun, so that a list knows whether its numbers still are there. */
let turns = 0

/** The sizes of a list, its numbers in the first entries of `into`, and where the byte after its last bracket is. */
interface Read { readonly shape: readonly number[], readonly into: Float64Array, readonly count: number, readonly end: number }

/**
 * The regular nested list of numbers whose first bracket stands at `from`, and where the byte after its last is; null for whatever else stands there, right or wrong.
 * The last byte of `bytes` must be a closing brace. What `native` cannot read, or where there is none, is read here.
 */
export function scanList (bytes: Buffer, view: DataView, from: number, native: NativeReader | null = nativeReader): { list: ScannedList, end: number } | null {
  const turn = ++turns
  const found = native?.(bytes, from)
  if (found != null) return { list: new ScannedList(found.shape, found.singles, found.doubles), end: found.end }
  const read = readList(bytes, view, from, scratch)
  if (read === null) return null
  const { shape, into, count, end } = read
  const short = into === scratch
  const doubles = (): Float64Array => short && turn === turns ? scratch.slice(0, count) : readList(bytes, view, from, new Float64Array(count))!.into
  return { list: new ScannedList(shape, new Float32Array(into.subarray(0, count)), doubles), end }
}

/** Into `into`, or a larger array where that is too small. */
function readList (bytes: Buffer, view: DataView, from: number, into: Float64Array): Read | null {
  let at = from
  let rank = 0
  while (bytes[at] === 91) {
    if (++rank > deepest) return null
    at = blanks(bytes, at + 1)
  }
  const last = rank - 1
  const shape = Array<number>(rank).fill(0)
  // Entries read so far of the lists that are open.
  const counts = Array<number>(rank).fill(0)
  const cursor: Cursor = { at, count: 0 }
  if (!readRow(bytes, view, cursor, into, into.length)) {
    // The row may be too long. A number takes a digit and what ends it.
    const most = Math.ceil((bytes.indexOf(93, at) - at) / 2)
    if (most <= into.length) return null
    into = new Float64Array(most)
    if (!readRow(bytes, view, cursor, into, most)) return null
  }
  const size = shape[last] = cursor.count

  for (;;) {
    // A row is read: close what is full, and open the next row.
    let axis = last - 1
    let c = 0
    for (; axis >= 0; axis--) {
      counts[axis]++
      cursor.at = blanks(bytes, cursor.at)
      c = bytes[cursor.at++]
      if (c !== 93) break
      if (shape[axis] === 0) shape[axis] = counts[axis]
      else if (shape[axis] !== counts[axis]) return null
      counts[axis] = 0
    }
    if (axis < 0) return { shape, into, count: cursor.count, end: cursor.at }
    if (c !== 44) return null
    for (; axis < last; axis++) {
      cursor.at = blanks(bytes, cursor.at)
      if (bytes[cursor.at++] !== 91) return null
    }
    const full = cursor.count + size
    if (full > into.length) {
      const larger = new Float64Array(2 * full)
      larger.set(into)
      into = larger
    }
    if (!readRow(bytes, view, cursor, into, full) || cursor.count !== full) return null
  }
}

/** The first byte from `at` on that is no blank. */
export function blanks (bytes: Buffer, at: number): number {
  let c = bytes[at]
  while (c === 32 || c === 10 || c === 13 || c === 9) c = bytes[++at]
  return at
}
