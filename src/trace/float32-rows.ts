import { longest, writeFloat32 } from './float32.ts'

/** Where things lie in a row writer's memory. The tables are the compiled writer's. */
export const layout = {
  /** f32 by biased exponent: the first float from the power of ten in the range on, or Infinity. */
  tenWithin: 0,
  /** 32 bytes by 2 * biased exponent + (1 from that power on): f64 scale, i64 half gap, i32 digits before the point. */
  scales: 2048,
  /** 32 bytes by the trailing zeros of the last three digits, 0-3: i64 half of the step in parts, i32 2^20 / step rounded up (0 for 1000), i32 step. */
  steps: 18432,
  /** 8 bytes by three digits, and once more for 1000: their text, u8 9 less its trailing zeros, u8 remainder by 100, u8 by 10, u8 digits over three. */
  groups: 18560,
  floats: 26624,
  /** How many floats. */
  window: 4096,
  text: 43008,
  /** Where the memory ends, in pages of 64 KiB. */
  pages: 2
} as const

export interface RowWriter {
  buffer: ArrayBuffer
  /**
   * Writes the floats between two addresses (one at the least) at a third, each with a comma after it, and returns where the text ends.
   * Up to `overrun` bytes after the text may change too.
   */
  row: (from: number, to: number, at: number) => number
}

/** Writes a float by its bits (signed) and returns where its text ends: what a row writer does not do itself. */
export type Other = (bits: number, at: number) => number

const overrun = 16

/** The row writer without WebAssembly. */
export function plainRows (other: Other): RowWriter {
  const buffer = new ArrayBuffer(layout.pages * 65536)
  const bytes = new Uint8Array(buffer)
  const bits = new Uint32Array(buffer)
  const floats = new Float32Array(buffer)
  return {
    buffer,
    row (from, to, at) {
      for (let n = from / 4; n < to / 4; n++) {
        const value = floats[n]
        at = value - value === 0 ? writeFloat32(bytes, at, value, bits[n]) : other(bits[n], at)
        bytes[at++] = comma
      }
      return at
    }
  }
}

const comma = 44
const opening = 91
const closing = 93
const nullText = Buffer.from('null')

/**
 * Writes nested lists, one level an axis of `shape` (rank 0: a number alone), and returns how many numbers were not finite (`null`).
 * `sink` takes the text piece by piece; a piece is overwritten after.
 */
export type NestedWriter = (shape: readonly number[], data: Float32Array, sink: (piece: Uint8Array) => void) => number

/** A writer with a small memory of its own, which windows of floats pass through. */
export function nestedWriter (rows: (other: Other) => RowWriter): NestedWriter {
  const float = new Float32Array(1)
  const floatBits = new Int32Array(float.buffer)
  let nonFinite = 0
  const { buffer, row } = rows((bits, at) => {
    floatBits[0] = bits
    const value = float[0]
    if (value - value === 0) return writeFloat32(text, at, value, bits >>> 0)
    nonFinite++
    text.set(nullText, at)
    return at + nullText.length
  })
  const text = new Uint8Array(buffer)
  const floats = new Float32Array(buffer, layout.floats, layout.window)

  return (shape, data, sink) => {
    if (data.length === 0) {
      sink(Buffer.from(emptyLists(shape)))
      return 0
    }
    nonFinite = 0
    const rank = shape.length
    const size = rank === 0 ? 1 : shape[rank - 1]
    let at: number = layout.text
    for (let n = 0; n < rank; n++) text[at++] = opening
    let from = 0
    let start = 0
    let loaded = 0
    for (let end = size; from < data.length; end += size) {
      while (from < end) {
        if (from === loaded) {
          start = from
          loaded = Math.min(from + layout.window, data.length)
          floats.set(data.subarray(from, loaded))
        }
        const to = Math.min(end, loaded)
        // A comma a float; after the row all the lists may close and open again.
        if (at + (to - from) * (longest + 1) + 2 * rank + overrun > text.length) {
          sink(text.subarray(layout.text, at))
          at = layout.text
        }
        at = row(layout.floats + 4 * (from - start), layout.floats + 4 * (to - start), at)
        from = to
      }
      // The brackets stand before the row's last comma.
      at--
      const closed = listsClosed(shape, end / size)
      for (let n = 0; n < closed; n++) text[at++] = closing
      if (from < data.length) {
        text[at++] = comma
        for (let n = 0; n < closed; n++) text[at++] = opening
      }
    }
    sink(text.subarray(layout.text, at))
    return nonFinite
  }
}

/** How many lists end with the last of so many rows. */
function listsClosed (shape: readonly number[], rows: number): number {
  let closed = Math.min(1, shape.length)
  for (let axis = shape.length - 2; axis >= 0 && rows % shape[axis] === 0; axis--) {
    rows /= shape[axis]
    closed++
  }
  return closed
}

/** Nested lists without a number: some axis is 0. */
function emptyLists (shape: readonly number[]): string {
  return `[${Array.from({ length: shape[0] }, () => emptyLists(shape.slice(1))).join()}]`
}
