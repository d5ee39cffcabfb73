import { crc32 } from 'node:zlib'

/** An array as it was found in a file: its kind, its shape and its own bytes. */
export interface Found { readonly dtype: string, readonly shape: number[], readonly bytes: Buffer }

export const floats = ({ bytes }: Found): Float32Array => Float32Array.from({ length: bytes.length / 4 }, (_, n) => bytes.readFloatLE(4 * n))

/** Reads a stored zip archive of .npy files strictly: from its end, member by member, with each header and sum held against the other. */
export function readNpz (body: Uint8Array): Map<string, Found> {
  const file = Buffer.from(body.buffer, body.byteOffset, body.length)
  const end = file.length - 22
  expect(file.readUInt32LE(end) === 0x06054b50, 'the end record')
  const count = file.readUInt16LE(end + 10)
  let at = file.readUInt32LE(end + 16)
  expect(at + file.readUInt32LE(end + 12) === end, 'the directory ends where the end record starts')
  const found = new Map<string, Found>()
  let next = 0
  for (let n = 0; n < count; n++) {
    expect(file.readUInt32LE(at) === 0x02014b50, 'a directory entry')
    expect(file.readUInt16LE(at + 8) === 0x800 && file.readUInt16LE(at + 10) === 0, 'UTF-8, stored')
    const [sum, packed, size, nameLength] = [file.readUInt32LE(at + 16), file.readUInt32LE(at + 20), file.readUInt32LE(at + 24), file.readUInt16LE(at + 28)]
    const place = file.readUInt32LE(at + 42)
    const name = file.toString('utf8', at + 46, at + 46 + nameLength)
    expect(place === next && file.readUInt32LE(place) === 0x04034b50, 'members lie one after the other')
    expect(file.subarray(place + 4, place + 28).equals(file.subarray(at + 6, at + 30)) && file.readUInt16LE(at + 30) === 0, 'both headers say the same')
    expect(file.toString('utf8', place + 30, place + 30 + nameLength) === name, 'and the same name')
    const fieldAt = place + 30 + nameLength
    const start = fieldAt + file.readUInt16LE(place + 28)
    expect(file.readUInt16LE(fieldAt) === 0xd935 && file.readUInt16LE(fieldAt + 2) === start - fieldAt - 4 && file.readUInt16LE(fieldAt + 4) === 64, 'a field that aligns')
    expect(file.subarray(fieldAt + 6, start).every((byte) => byte === 0) && start % 64 === 0, 'to a multiple of 64')
    const data = file.subarray(start, start + size)
    expect(packed === size && crc32(data) === sum, 'size and sum')
    expect(name.endsWith('.npy') && !found.has(name.slice(0, -4)), 'a name of its own')
    found.set(name.slice(0, -4), readNpy(data))
    next = start + size
    at += 46 + nameLength
  }
  expect(at === end && next === file.readUInt32LE(end + 16), 'nothing between')
  return found
}

function readNpy (file: Buffer): Found {
  expect(file.toString('latin1', 0, 8) === '\x93NUMPY\x01\x00', 'NumPy 1.0')
  const start = 10 + file.readUInt16LE(8)
  expect(start % 64 === 0 && file[start - 1] === 10, 'the data starts at a multiple of 64')
  const [, dtype, shape] = /^\{'descr': '(.*)', 'fortran_order': False, 'shape': \((.*)\), \} *\n$/.exec(file.toString('latin1', 10, start))!
  return checked(dtype, shape.split(',').filter((size) => size.trim() !== '').map(Number), file.subarray(start))
}

/** Reads a safetensors file strictly. */
export function readSafetensors (body: Uint8Array): { metadata: Record<string, string>, arrays: Map<string, Found> } {
  const file = Buffer.from(body.buffer, body.byteOffset, body.length)
  const size = Number(file.readBigUInt64LE(0))
  expect(size % 8 === 0 && file[8] === 123, 'the header starts with { and ends at a multiple of eight')
  const { __metadata__: metadata, ...entries } = JSON.parse(file.toString('utf8', 8, 8 + size)) as Record<string, any>
  let next = 0
  const arrays = new Map(Object.entries(entries).sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1])
    .map(([name, { dtype, shape, data_offsets: [from, to] }]) => {
      expect(from === next, 'no gap')
      expect(dtype !== 'F32' || from % 4 === 0, 'float32 at a multiple of four')
      next = to
      return [name, checked(dtype, shape, file.subarray(8 + size + from, 8 + size + to))]
    }))
  expect(8 + size + next === file.length, 'nothing behind')
  expect(Object.values(metadata).every((value) => typeof value === 'string'), 'metadata is texts')
  return { metadata, arrays }
}

function checked (dtype: string, shape: number[], bytes: Buffer): Found {
  const each = dtype === '<f4' || dtype === 'F32' ? 4 : 1
  expect(['<f4', '|b1', '|u1', 'F32', 'BOOL'].includes(dtype), 'a known kind')
  expect(bytes.length === each * shape.reduce((a, b) => a * b, 1), 'as many bytes as the shape says')
  return { dtype, shape, bytes }
}

function expect (holds: boolean, what: string): void {
  if (!holds) throw new Error(`expected: ${what}`)
}
