import type { Values } from '../model.ts'
import { nestedWriter, plainRows, type NestedWriter } from './float32-rows.ts'
import { compiledRows } from './float32-wasm.ts'
import { room } from './room.ts'

/** Made at the first need, one a thread: it keeps no state between two arrays. */
let writeNested: NestedWriter | undefined

function nested (): NestedWriter {
  if (writeNested !== undefined) return writeNested
  try {
    writeNested = nestedWriter(compiledRows)
  } catch {
    // The same bytes, slower: WebAssembly is off in this Node.js (`--jitless` for one).
    writeNested = nestedWriter(plainRows)
  }
  return writeNested
}

const encoder = new TextEncoder()
const comma = 44
const openers = new Set([123, 91, 58]) // { [ :

/** JSON as bytes, written in one pass: no tree, no string of the numbers. Commas are set by what stands before. */
export class JsonWriter {
  /** Values that were NaN or infinite so far, written as null. */
  nonFinite = 0
  #bytes: Uint8Array
  #at = 0

  /** `capacity`: a guess of the bytes to come; it grows. */
  constructor (capacity = 4096) {
    this.#bytes = room(capacity)
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
    this.#separate(0)
    this.nonFinite += nested()(shape, data, (text) => {
      this.#reserve(text.length)
      this.#bytes.set(text, this.#at)
      this.#at += text.length
    }, this.#at)
  }

  /** The whole text. The writer is of no use after. */
  finish (): Uint8Array {
    return this.#bytes.subarray(0, this.#at)
  }

  #text (text: string): void {
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    this.#separate(3 * text.length)
    this.#at += encoder.encodeInto(text, this.#bytes.subarray(this.#at)).written
  }

  /** A comma, unless this is the first member or a member's value. */
  #separate (bytes: number): void {
    this.#reserve(bytes + 1)
    if (this.#at > 0 && !openers.has(this.#bytes[this.#at - 1])) this.#bytes[this.#at++] = comma
  }

  #reserve (bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return
    const grown = room(Math.max(this.#at + bytes, Math.ceil(this.#bytes.length * 1.5)))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
  }
}

/** About what an array will take as JSON: eleven bytes and a comma a number in [-1, 1]. */
export const jsonSize = ({ data }: Values): number => 12 * data.length
