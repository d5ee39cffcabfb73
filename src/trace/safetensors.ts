import { constants } from 'node:buffer'
import { Fault } from '../errors.ts'
import { bytesOf, sizeOf, type Packer } from './named.ts'
import { room } from './room.ts'

/**
 * The safetensors format: the header's length as eight bytes, little-endian; a JSON header filled with spaces to a multiple of eight; the arrays one after
 * the other without gaps. `__metadata__` holds texts only: what is no text stands there as JSON.
 * Source: the format's own description in the README of the safetensors project.
 * @throws Fault too_large for more bytes than Node can hold in one piece
 */
export const packSafetensors: Packer = (metadata, arrays) => {
  // Bytes come last: each float32 stays at a multiple of four.
  const ordered = [...arrays.filter(({ boolean }) => boolean !== true), ...arrays.filter(({ boolean }) => boolean === true)]
  const texts = Object.entries(metadata).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])
  let end = 0
  const entries = ordered.map((array) => {
    const start = end
    end += sizeOf(array)
    return [array.name, { dtype: array.boolean === true ? 'BOOL' : 'F32', shape: array.shape, data_offsets: [start, end] }]
  })
  const header = Buffer.from(JSON.stringify({ __metadata__: Object.fromEntries(texts), ...Object.fromEntries(entries) }))
  const dataAt = 8 + Math.ceil(header.length / 8) * 8
  if (dataAt + end > constants.MAX_LENGTH) throw new Fault('too_large', 'this answer is too large for one piece: ask for fewer sequences, layers, tensors or steps at once, or for application/x-ndjson')
  const body = room(dataAt + end).subarray(0, dataAt + end)
  new DataView(body.buffer).setBigUint64(0, BigInt(dataAt - 8), true)
  body.set(header, 8)
  body.fill(32, 8 + header.length, dataAt)
  let at = dataAt
  for (const array of ordered) {
    body.set(bytesOf(array), at)
    at += sizeOf(array)
  }
  return body
}
