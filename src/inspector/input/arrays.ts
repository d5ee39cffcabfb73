import { Unreadable } from './reading.ts'

/** An array of a file, before it becomes nested lists. `order` F: the first axis is the fastest. */
export interface Flat { readonly shape: readonly number[], readonly order: 'C' | 'F', readonly data: ArrayLike<number | boolean> }

type Nested = number | boolean | readonly Nested[]

/**
 * The same numbers as nested lists, as a request's JSON has them. Throws Unreadable at a number that JSON cannot say.
 * @param name what the array is called, for the message
 */
export function nested ({ shape, order, data }: Flat, name: string): Nested {
  const strides = shape.map((_, axis) => (order === 'F' ? shape.slice(0, axis) : shape.slice(axis + 1)).reduce((a, b) => a * b, 1))
  const at = (place: readonly number[], from: number): Nested => {
    const axis = place.length
    if (axis < shape.length) return Array.from({ length: shape[axis] }, (_, n) => at([...place, n], from + n * strides[axis]))
    const value = data[from]
    if (typeof value === 'number' && !Number.isFinite(value)) throw new Unreadable(`${name}[${place.join(', ')}] is ${value}: the model reads finite numbers only. Mend it in the file.`)
    return value
  }
  return at([], 0)
}

/** Sizes along the first entries of nested lists; null where entries of one axis differ in length or kind. */
export function shapeOf (value: unknown): number[] | null {
  if (!Array.isArray(value)) return []
  if (value.length === 0) return [0]
  const inner = shapeOf(value[0])
  if (inner === null) return null
  const same = value.every((entry) => {
    const other = shapeOf(entry)
    return other !== null && other.length === inner.length && other.every((size, axis) => size === inner[axis])
  })
  return same ? [value.length, ...inner] : null
}

/** Kinds of numbers by NumPy's names: bytes of one, and how to read it. */
const kinds: Readonly<Record<string, readonly [size: number, read: (view: DataView, at: number, little: boolean) => number | bigint | boolean]>> = {
  b1: [1, (view, at) => view.getUint8(at) !== 0],
  u1: [1, (view, at) => view.getUint8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  u8: [8, (view, at, little) => view.getBigUint64(at, little)],
  i1: [1, (view, at) => view.getInt8(at)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  i8: [8, (view, at, little) => view.getBigInt64(at, little)],
  f2: [2, (view, at, little) => half(view.getUint16(at, little))],
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)]
}

export const isKind = (kind: string): boolean => Object.hasOwn(kinds, kind)

/** So many numbers of one kind. Throws Unreadable where there are not as many bytes as they need, or for a whole number that a float64 would change. */
export function numbersOf (bytes: Uint8Array, kind: string, little: boolean, shape: readonly number[], name: string): (number | boolean)[] {
  const [size, read] = kinds[kind]
  const length = shape.reduce((a, b) => a * b, 1)
  if (bytes.length !== length * size) throw new Unreadable(`${name} has ${bytes.length} bytes where its shape needs ${length * size}: the file is damaged or cut off.`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length }, (_, n) => {
    const value = read(view, n * size, little)
    if (typeof value !== 'bigint') return value
    const number = Number(value)
    if (!Number.isSafeInteger(number)) throw new Unreadable(`${name} holds ${value}, which is too large to be held exactly.`)
    return number
  })
}

/** IEEE 754 binary16. */
function half (bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}
