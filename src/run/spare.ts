import type { Values } from '../model.ts'
import type { Traced } from './extract.ts'

/** Floats that wait for use in one thread at most: 64 MiB. */
const limit = 2 ** 24

const lent = new WeakSet<ArrayBufferLike>()
const spare = new Map<number, Float32Array[]>()
let floats = 0

/**
 * An array of `size` floats for an engine to write an answer into: one that has served where there is one, as fresh memory costs the machine more than most
 * engines take to fill it. What stands in it is left over.
 */
export function borrow (size: number): Float32Array<ArrayBuffer> {
  const own = spare.get(size)?.pop() as Float32Array<ArrayBuffer> | undefined
  if (own !== undefined) floats -= size
  const array = own ?? new Float32Array(size)
  lent.add(array.buffer)
  return array
}

/** Takes the arrays of answers back that are written out and that nobody looks at any more; parts of one batch come together. Others than those lent are left alone. */
export function giveBack (answers: readonly Traced[]): void {
  for (const { layers, outputs } of answers) {
    for (const { tensors } of layers) for (const values of Object.values(tensors)) take(values)
    for (const { values } of outputs) take(values)
  }
}

function take ({ data: { buffer } }: Values): void {
  const size = buffer.byteLength / Float32Array.BYTES_PER_ELEMENT
  if (!lent.delete(buffer) || floats + size > limit) return
  spare.set(size, [...spare.get(size) ?? [], new Float32Array(buffer)])
  floats += size
}
