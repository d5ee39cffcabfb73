import type { Values } from '../model.ts'
import { longest, writeFloat32 } from './float32.ts'

const encoder = new TextEncoder()
const comma = 44
const openers = new Set([123, 91, 58]) // { [ :

/** JSON as bytes, written in one pass: no tree, no string of the numbers. Commas are set by what stands before. */
export class JsonWriter {
  /** Values that were NaN or infinite so far, written as null. */
  nonFinite = 0
  #bytes: Uint8Array<ArrayBuffer>
  #at = 0

  /** `capacity`: a guess of the bytes to come; it grows. */
  constructor (capacity = 4096) {
    this.#bytes = new Uint8Array(capacity)
  }

  open (bracket: '{' | '['): void {
    this.#separate(1)
    this.#bytes[this.#at++] = bracket.charCodeAt(0)
  }

  close (bracket: '}' | ']'): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = bracket.charCodeAt(0)
  }

  /** A member's name; its value comes next. */
  key (name: string): void {
    this.#text(`${JSON.stringify(name)}:`)
  }

  /** Plain data as `JSON.stringify` has it; not for arrays of float32. */
  value (value: unknown): void {
    this.#text(JSON.stringify(value))
  }

  /** One member of an object. */
  member (name: string, value: unknown): void {
    this.key(name)
    this.value(value)
  }

  /** Nested lists of numbers, one level an axis; a number alone for rank 0. */
  values ({ shape, data }: Values): void {
    this.#separate(1)
    this.#nested(shape, 0, data, new Uint32Array(data.buffer, data.byteOffset, data.length), 0)
  }

  /** The whole text. The writer is of no use after. */
  finish (): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at)
  }

  #nested (shape: readonly number[], axis: number, data: Float32Array, bits: Uint32Array, from: number): void {
    if (axis === shape.length) {
      this.#reserve(longest)
      this.#at = this.#row(data, bits, from, from + 1)
      return
    }
    const size = shape[axis]
    const last = axis === shape.length - 1
    const stride = last ? 1 : shape.slice(axis + 1).reduce((a, b) => a * b, 1)
    this.#reserve(2 + size * (last ? longest + 1 : 1))
    this.#bytes[this.#at++] = 91
    if (last) {
      this.#at = this.#row(data, bits, from, from + size)
    } else {
      for (let n = 0; n < size; n++) {
        if (n > 0) {
          this.#reserve(1)
          this.#bytes[this.#at++] = comma
        }
        this.#nested(shape, axis + 1, data, bits, from + n * stride)
      }
    }
    this.#reserve(1)
    this.#bytes[this.#at++] = 93
  }

  #row (data: Float32Array, bits: Uint32Array, from: number, to: number): number {
    const bytes = this.#bytes
    let at = this.#at
    for (let n = from; n < to; n++) {
      if (n > from) bytes[at++] = comma
      const value = data[n]
      if (value - value === 0) {
        at = writeFloat32(bytes, at, value, bits[n])
      } else {
        this.nonFinite++
        bytes[at++] = 110
        bytes[at++] = 117
        bytes[at++] = 108
        bytes[at++] = 108
      }
    }
    return at
  }

  #text (text: string): void {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    this.#separate(3 * text.length)
    this.#at += encoder.encodeInto(text, this.#bytes.subarray(this.#at)).written
  }

  /** A comma, unless this is the first member or a member's value. */
  #separate (room: number): void {
    this.#reserve(room + 1)
    if (this.#at > 0 && !openers.has(this.#bytes[this.#at - 1])) this.#bytes[this.#at++] = comma
  }

  #reserve (room: number): void {
    if (this.#at + room <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#at + room, Math.ceil(this.#bytes.length * 1.5)))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
  }
}

/** About what an array will take as JSON: eleven bytes and a comma a number in [-1, 1]. */
export const jsonSize = ({ data }: Values): number => 12 * data.length
