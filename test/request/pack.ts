import { crc32, deflateRawSync } from 'node:zlib'
import type { Datatype } from '../../src/request/v2-datatypes.ts'

/** An array to write in a file: its numbers row-major, whatever the file's order will be. */
export interface Given { readonly name: string, readonly datatype: Datatype, readonly shape: readonly number[], readonly values: readonly number[], readonly columnMajor?: boolean }

const kinds: Readonly<Record<Datatype, readonly [npy: string, safetensors: string, size: number, write: (view: DataView, at: number, value: number) => void]>> = {
  BOOL: ['|b1', 'BOOL', 1, (view, at, value) => view.setUint8(at, value)],
  UINT8: ['|u1', 'U8', 1, (view, at, value) => view.setUint8(at, value)],
  UINT16: ['<u2', 'U16', 2, (view, at, value) => view.setUint16(at, value, true)],
  UINT32: ['<u4', 'U32', 4, (view, at, value) => view.setUint32(at, value, true)],
  UINT64: ['<u8', 'U64', 8, (view, at, value) => view.setBigUint64(at, BigInt(value), true)],
  INT8: ['|i1', 'I8', 1, (view, at, value) => view.setInt8(at, value)],
  INT16: ['<i2', 'I16', 2, (view, at, value) => view.setInt16(at, value, true)],
  INT32: ['<i4', 'I32', 4, (view, at, value) => view.setInt32(at, value, true)],
  INT64: ['<i8', 'I64', 8, (view, at, value) => view.setBigInt64(at, BigInt(value), true)],
  // Whole numbers up to 2048 alone, which half precision has.
  FP16: ['<f2', 'F16', 2, (view, at, value) => view.setUint16(at, half(value), true)],
  BF16: ['<V2', 'BF16', 2, (view, at, value) => { view.setUint16(at, new Uint32Array(Float32Array.of(value).buffer)[0] >>> 16, true) }],
  FP32: ['<f4', 'F32', 4, (view, at, value) => view.setFloat32(at, value, true)],
  FP64: ['<f8', 'F64', 8, (view, at, value) => view.setFloat64(at, value, true)]
}

function half (value: number): number {
  if (value === 0) return Object.is(value, -0) ? 0x8000 : 0
  const exponent = Math.floor(Math.log2(Math.abs(value)))
  return (value < 0 ? 0x8000 : 0) | (exponent + 15) << 10 | (Math.abs(value) / 2 ** exponent - 1) * 1024
}

/** The numbers in the order that the file has them. */
function bytesOf ({ datatype, shape, values, columnMajor = false }: Given): Buffer {
  const [,, size, write] = kinds[datatype]
  const bytes = Buffer.alloc(values.length * size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const strides = shape.map((_, axis) => (columnMajor ? shape.slice(0, axis) : shape.slice(axis + 1)).reduce((a, b) => a * b, 1))
  for (const [n, value] of values.entries()) {
    let [rest, place] = [n, 0]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      place += rest % shape[axis] * strides[axis]
      rest = Math.floor(rest / shape[axis])
    }
    write(view, place * size, value)
  }
  return bytes
}

/** A `.npy` file; `descr` and `header` in place of the right ones, for those that are wrong. */
export function npy (given: Given, { descr, header }: { descr?: string, header?: string } = {}): Buffer {
  const tuple = given.shape.length === 1 ? `(${given.shape[0]},)` : `(${given.shape.join(', ')})`
  const literal = header ?? `{'descr': '${descr ?? kinds[given.datatype][0]}', 'fortran_order': ${given.columnMajor === true ? 'True' : 'False'}, 'shape': ${tuple}, }`
  const head = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${literal.padEnd(Math.ceil((literal.length + 11) / 64) * 64 - 11)}\n`, 'latin1')
  head.writeUInt16LE(head.length - 10, 8)
  return Buffer.concat([head, bytesOf(given)])
}

/** A zip archive, stored or deflated; `said` are sizes that its members do not have. */
export function zip (files: readonly (readonly [name: string, bytes: Buffer])[], { deflated = false, said }: { deflated?: boolean, said?: number } = {}): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, bytes] of files) {
    const data = deflated ? deflateRawSync(bytes) : bytes
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20)
    facts.writeUInt16LE(0x800, 2)
    facts.writeUInt16LE(deflated ? 8 : 0, 4)
    facts.writeUInt32LE(crc32(bytes), 10)
    facts.writeUInt32LE(data.length, 14)
    facts.writeUInt32LE(said ?? bytes.length, 18)
    facts.writeUInt16LE(Buffer.byteLength(name), 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(at, 10)
    locals.push(Buffer.from('PK\x03\x04'), facts, Buffer.from(name), data)
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), facts, place, Buffer.from(name))
    at += 30 + Buffer.byteLength(name) + data.length
  }
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(directory.reduce((sum, { length }) => sum + length, 0), 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...directory, end])
}

export const npz = (arrays: readonly Given[], deflated = false): Buffer => zip(arrays.map((given) => [`${given.name}.npy`, npy(given)]), { deflated })

/** A safetensors file; `entries` in place of what is right of the arrays they name. */
export function safetensors (arrays: readonly Given[], entries: Readonly<Record<string, object>> = {}): Buffer {
  const parts = arrays.map(bytesOf)
  let at = 0
  const header = Buffer.from(JSON.stringify(Object.fromEntries(arrays.map(({ name, datatype, shape }, n) => {
    const place = [at, at += parts[n].length]
    return [name, { dtype: kinds[datatype][1], shape, data_offsets: place, ...entries[name] }]
  }))))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([size, header, ...parts])
}
