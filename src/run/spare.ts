import type { Values } from '../model.ts'
import type { Traced } from './extract.ts'

/** Floats that wait for use in one thread at most: 32 MiB. */
const limit = 2 ** 23

const lent = new WeakSet<ArrayBufferLike>()
/** By their floats; those used longest ago first. */
const spare = new Map<number, ArrayBuffer[]>()
let floats = 0

/**
 * An array of `size` floats for an engine to write an answer into, in memory that has served where there is some: fresh memory costs the machine more than most
 * engines take to fill it. What stands in it is left over.
 */
export function borrow (size: number): Float32Array<ArrayBuffer> {
  const room = roomFor(size)
  const own = spare.get(room)
  const used = own?.pop()
  if (own?.length === 0) spare.delete(room)
  if (used !== undefined) floats -= room
  const buffer = used ?? new ArrayBuffer(room * Float32Array.BYTES_PER_ELEMENT)
  lent.add(buffer)
  return new Float32Array(buffer, 0, size)
}

/** In steps of a quarter at most, so that answers of many sizes share a few rooms. */
function roomFor (size: number): number {
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, size))) - 2)
  return Math.ceil(size / step) * step
}

/** Takes the arrays of answers back that are written out and that nobody looks at any more; parts of one batch come together. Others than those lent are left alone. */
export function giveBack (answers: readonly Traced[]): void {
  for (const { layers, outputs } of answers) {
    for (const { tensors } of layers) for (const values of Object.values(tensors)) take(values)
    for (const { values } of outputs) take(values)
  }
}

function take ({ data: { buffer } }: Values): void {
  if (!lent.delete(buffer)) return
  const room = buffer.byteLength / Float32Array.BYTES_PER_ELEMENT
  const own = spare.get(room) ?? []
  own.push(buffer as ArrayBuffer)
  // What was used last stands last.
  spare.delete(room)
  spare.set(room, own)
  floats += room
  while (floats > limit) dropOldest()
}

function dropOldest (): void {
  const [room, buffers] = spare.entries().next().value!
  buffers.pop()
  floats -= room
  if (buffers.length === 0) spare.delete(room)
}
