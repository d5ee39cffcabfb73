import { Fault } from '../errors.ts'

/** Numbers of a file, not yet read: first its shape is held against what is expected. */
export interface Stored {
  /** As the file addresses it; for messages. */
  readonly name: string
  readonly shape: readonly number[]
  /** Row-major, in shared memory. */
  readonly read: () => Float32Array
}

/** How a number lies in a file. */
export interface Encoding { readonly kind: 'float' | 'bfloat' | 'signed' | 'unsigned', readonly bytes: number, readonly littleEndian: boolean }

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1)

/** Room for values that every thread reads. */
export const shared = (length: number): Float32Array => new Float32Array(new SharedArrayBuffer(length * 4))

/** Numbers of any encoding as float32. Throws `bad_file` for an encoding that is none. */
export function decode (bytes: Uint8Array, encoding: Encoding, length: number, name: string): Float32Array {
  const read = reader(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), encoding, name)
  const values = shared(length)
  for (let n = 0; n < length; n++) values[n] = read(n * encoding.bytes)
  return values
}

function reader (view: DataView, { kind, bytes, littleEndian: little }: Encoding, name: string): (at: number) => number {
  switch (`${kind}${bytes * 8}`) {
    case 'float16': return (at) => halfToNumber(view.getUint16(at, little))
    case 'float32': return (at) => view.getFloat32(at, little)
    case 'float64': return (at) => view.getFloat64(at, little)
    case 'bfloat16': return (at) => bfloatToNumber(view.getUint16(at, little))
    case 'signed8': return (at) => view.getInt8(at)
    case 'signed16': return (at) => view.getInt16(at, little)
    case 'signed32': return (at) => view.getInt32(at, little)
    case 'signed64': return (at) => Number(view.getBigInt64(at, little))
    case 'unsigned8': return (at) => view.getUint8(at)
    case 'unsigned16': return (at) => view.getUint16(at, little)
    case 'unsigned32': return (at) => view.getUint32(at, little)
    case 'unsigned64': return (at) => Number(view.getBigUint64(at, little))
    default: throw new Fault('bad_file', `"${name}" holds numbers of ${bytes * 8} bits of the kind ${kind}, which is no kind that Keras writes`)
  }
}

/** IEEE 754 binary16: one bit of sign, five of exponent, ten of fraction. */
export function halfToNumber (bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const fraction = bits & 0x3ff
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const word = new DataView(new ArrayBuffer(4))

/** bfloat16: the upper half of a float32. */
export function bfloatToNumber (bits: number): number {
  word.setUint32(0, bits << 16)
  return word.getFloat32(0)
}

export const shapeText = (shape: readonly (number | null)[]): string => `[${shape.map((size) => size ?? '?').join(', ')}]`
