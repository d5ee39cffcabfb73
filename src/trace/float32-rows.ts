import { longest, writeFloat32 } from './float32.ts'

/** Where things lie in a row writer's memory. The records are the compiled writer's. */
export const layout = {
  /** 1024 of 64 bytes. */
  records: 0,
  floats: 65536,
  /** How many floats; the compiled writer reads up to three more. */
  window: 4096,
  text: 81984,
  /** Where the memory ends, in pages of 64 KiB. */
  pages: 3
} as const

export interface RowWriter {
  buffer: ArrayBuffer
  /**
   * Writes `count` rows of `size` floats each (one at the least of both), which lie at `from`, at `at`, with commas between the floats and
   * `],[` between the rows, and returns where the text ends. Up to `overrun` bytes after it may change too.
   */
  rows: (from: number, at: number, size: number, count: number) => number
}

/** Writes a float by its bits (signed) and returns where its text ends: what a row writer does not do itself. */
export type Other = (bits: number, at: number) => number

const overrun = 32
/** With what stands between it and the next. */
const longestWithNext = longest + 3

/** The row writer without WebAssembly. */
export function plainRows (other: Other): RowWriter {
  const buffer = new ArrayBuffer(layout.pages * 65536)
  const bytes = new Uint8Array(buffer)
  const bits = new Uint32Array(buffer)
  const floats = new Float32Array(buffer)
  return {
    buffer,
    rows (from, at, size, count) {
      let n = from / 4
      for (let row = 0; row < count; row++) {
        if (row > 0) {
          bytes[at++] = closing
          bytes[at++] = comma
          bytes[at++] = opening
        }
        for (const end = n + size; n < end; n++) {
          const value = floats[n]
          at = value - value === 0 ? writeFloat32(bytes, at, value, bits[n]) : other(bits[n], at)
          bytes[at++] = comma
        }
        at--
      }
      return at
    }
  }
}

const comma = 44
const opening = 91
const closing = 93
const nullText = Buffer.from('null')
/** Bytes that are copied at once. */
const word = 8

/**
 * Writes nested lists, one level an axis of `shape` (rank 0: a number alone), and returns how many numbers were not finite (`null`).
 * `sink` takes the text piece by piece; a piece is overwritten after. Where `offset` is the place of the text in what it is copied to, source and
 * target lie alike to the word: into shared memory V8 copies word by word then, and byte by byte otherwise.
 */
export type NestedWriter = (shape: readonly number[], data: Float32Array, sink: (piece: Uint8Array) => void, offset?: number) => number

/** A writer with a small memory of its own, which windows of floats pass through. */
export function nestedWriter (writer: (other: Other) => RowWriter): NestedWriter {
  const float = new Float32Array(1)
  const floatBits = new Int32Array(float.buffer)
  let nonFinite = 0
  const { buffer, rows } = writer((bits, at) => {
    floatBits[0] = bits
    const value = float[0]
    if (value - value === 0) return writeFloat32(text, at, value, bits >>> 0)
    nonFinite++
    text.set(nullText, at)
    return at + nullText.length
  })
  const text = new Uint8Array(buffer)
  const floats = new Float32Array(buffer, layout.floats, layout.window)

  return (shape, data, sink, offset = 0) => {
    if (data.length === 0) {
      sink(Buffer.from(emptyLists(shape)))
      return 0
    }
    nonFinite = 0
    const rank = shape.length
    const size = rank === 0 ? 1 : shape[rank - 1]
    const rowsOfList = rank < 2 ? 1 : shape[rank - 2]
    let base = layout.text + offset % word
    let at = base
    for (let n = 0; n < rank; n++) text[at++] = opening
    let start = 0
    let loaded = 0
    for (let from = 0, to = 0; from < data.length; from = to) {
      if (from === loaded) {
        start = from
        loaded = Math.min(from + layout.window, data.length)
        floats.set(data.subarray(from, loaded))
      }
      // As many whole rows of a list as there are, else a part of a row.
      const row = from / size
      const count = from % size === 0 ? Math.min(Math.floor((loaded - from) / size), rowsOfList - row % rowsOfList) : 0
      to = count > 0 ? from + count * size : Math.min(from - from % size + size, loaded)
      if (at + (to - from) * longestWithNext + 2 * rank + overrun > text.length) {
        // Whole words, and the rest with the next piece.
        const end = at - at % word
        sink(text.subarray(base, end))
        text.copyWithin(layout.text, end, at)
        base = layout.text
        at = base + at - end
      }
      at = rows(layout.floats + 4 * (from - start), at, count > 0 ? size : to - from, Math.max(count, 1))
      const closed = to % size === 0 ? listsClosed(shape, to / size) : 0
      for (let n = 0; n < closed; n++) text[at++] = closing
      if (to < data.length) {
        text[at++] = comma
        for (let n = 0; n < closed; n++) text[at++] = opening
      }
    }
    sink(text.subarray(base, at))
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
