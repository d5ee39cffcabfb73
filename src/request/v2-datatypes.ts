import { Fault } from '../errors.ts'
import { tooLarge, type Numbers } from './nested.ts'
import { half } from './typed.ts'
import { invalid } from './words.ts'

/** A kind of numbers of the Open Inference Protocol: bytes of one, little-endian; `range` where it is whole. */
interface Kind { readonly size: number, readonly range: readonly [number, number] | null, readonly read: (view: DataView, at: number) => number }

const signed = (bits: number): [number, number] => [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
const unsigned = (bits: number): [number, number] => [0, 2 ** bits - 1]
/** 64 bits are more than a double holds exactly; whatever is beyond this is read as beyond it. */
const safe = Number.MAX_SAFE_INTEGER

const bfloat = new DataView(new ArrayBuffer(4))

export const datatypes = {
  BOOL: { size: 1, range: [0, 1], read: (view, at) => view.getUint8(at) },
  UINT8: { size: 1, range: unsigned(8), read: (view, at) => view.getUint8(at) },
  UINT16: { size: 2, range: unsigned(16), read: (view, at) => view.getUint16(at, true) },
  UINT32: { size: 4, range: unsigned(32), read: (view, at) => view.getUint32(at, true) },
  UINT64: { size: 8, range: [0, safe], read: (view, at) => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true) },
  INT8: { size: 1, range: signed(8), read: (view, at) => view.getInt8(at) },
  INT16: { size: 2, range: signed(16), read: (view, at) => view.getInt16(at, true) },
  INT32: { size: 4, range: signed(32), read: (view, at) => view.getInt32(at, true) },
  INT64: { size: 8, range: [-safe, safe], read: (view, at) => view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true) },
  FP16: { size: 2, range: null, read: (view, at) => half(view.getUint16(at, true)) },
  BF16: {
    size: 2,
    range: null,
    // The upper half of a float32.
    read: (view, at) => {
      bfloat.setUint32(0, view.getUint16(at, true) << 16)
      return bfloat.getFloat32(0)
    }
  },
  FP32: { size: 4, range: null, read: (view, at) => view.getFloat32(at, true) },
  FP64: { size: 8, range: null, read: (view, at) => view.getFloat64(at, true) }
} as const satisfies Readonly<Record<string, Kind>>

export type Datatype = keyof typeof datatypes

/** The bytes of a tensor, row-major and as many as its shape needs, as numbers: float32, or float64 where `double` says that they are checked further. */
export function readBytes (bytes: Uint8Array, datatype: Datatype, shape: readonly number[], double: boolean, where: (n: number) => string): Numbers {
  const kind: Kind = datatypes[datatype]
  const count = bytes.length / kind.size
  if (datatype === 'FP32' && !double) {
    // Where they lie already, if a float32 may lie there.
    const data = bytes.byteOffset % 4 === 0 ? new Float32Array(bytes.buffer, bytes.byteOffset, count) : new Float32Array(new Uint8Array(bytes).buffer)
    for (let n = 0; n < count; n++) if (data[n] - data[n] !== 0) throw notFinite(data[n], where(n))
    return { shape, data, where }
  }
  if (datatype === 'FP64') {
    // What NumPy has where nothing else is said: without a call for each number it takes half the time.
    const doubles = bytes.byteOffset % 8 === 0 ? new Float64Array(bytes.buffer, bytes.byteOffset, count) : new Float64Array(new Uint8Array(bytes).buffer)
    const data = double ? doubles : new Float32Array(doubles)
    for (let n = 0; n < count; n++) {
      const x = doubles[n]
      if (x - x !== 0) throw notFinite(x, where(n))
      if (!Number.isFinite(Math.fround(x))) throw tooLarge(x, where(n))
    }
    return { shape, data, where }
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const data = double ? new Float64Array(count) : new Float32Array(count)
  const { size, range, read } = kind
  for (let n = 0; n < count; n++) {
    const x = read(view, n * size)
    if (x - x !== 0) throw notFinite(x, where(n))
    if (range !== null && (x < range[0] || x > range[1])) throw invalid(`a whole number from ${range[0]} to ${range[1]} (${datatype})`, x, where(n))
    if (!Number.isFinite(Math.fround(x))) throw tooLarge(x, where(n))
    data[n] = x
  }
  return { shape, data, where }
}

const notFinite = (x: number, pointer: string): Fault => new Fault('invalid_value', `expected a finite number, got ${x}: fill the gap, or give the value that the model masks`, pointer)
