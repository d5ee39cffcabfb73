import { Fault } from '../errors.ts'
import { notANumber, tooLarge, type NumberRules, type Numbers } from './nested.ts'
import { ScannedList } from './scanned.ts'
import { checkShape } from './shape.ts'
import { at, invalid, isList, onlyMembers, type Json } from './words.ts'

/** Little-endian kinds of numbers that base64 may hold: bytes of one, and how to read it. */
const dtypes: ReadonlyMap<string, { readonly size: number, readonly whole: boolean, readonly read: (view: DataView, at: number) => number }> = new Map([
  ['float16', { size: 2, whole: false, read: (view: DataView, at: number) => half(view.getUint16(at, true)) }],
  ['float32', { size: 4, whole: false, read: (view: DataView, at: number) => view.getFloat32(at, true) }],
  ['float64', { size: 8, whole: false, read: (view: DataView, at: number) => view.getFloat64(at, true) }],
  ['uint8', { size: 1, whole: true, read: (view: DataView, at: number) => view.getUint8(at) }],
  ['int32', { size: 4, whole: true, read: (view: DataView, at: number) => view.getInt32(at, true) }],
  ['int64', { size: 8, whole: true, read: (view: DataView, at: number) => Number(view.getBigInt64(at, true)) }]
])

/** `{"shape", "dtype"?, "order"?, "data"}`: a flat list, or the bytes of the numbers in base64, little-endian. */
export const isTyped = (value: Json): boolean => Object.hasOwn(value, 'data') || Object.hasOwn(value, 'shape')

export function readTyped (value: Json, rules: NumberRules, pointer: string): Numbers {
  onlyMembers(value, ['shape', 'dtype', 'order', 'data'], pointer, 'an array of this form')
  const { shape, dtype = 'float32', order = 'C' } = value
  const data = value.data instanceof ScannedList && value.data.shape.length > 1 ? value.data.lists() : value.data
  const kind = typeof dtype === 'string' ? dtypes.get(dtype) : undefined
  if (kind === undefined) throw invalid(`one of ${[...dtypes.keys()].join(', ')}`, dtype, at(pointer, 'dtype'))
  if (order !== 'C' && order !== 'F') throw invalid('"C" (last axis fastest) or "F" (first axis fastest)', order, at(pointer, 'order'))
  if (!Array.isArray(shape)) throw invalid('a list of sizes', shape, at(pointer, 'shape'))
  for (const [axis, size] of shape.entries()) {
    if (!Number.isInteger(size) || size < 0) throw invalid('a whole number', size, at(pointer, 'shape', axis))
  }
  const sizes = shape as number[]
  checkShape(sizes, rules.expected, at(pointer, 'shape'))
  const count = sizes.reduce((a, b) => a * b, 1)
  const place = at(pointer, 'data')
  if (data instanceof ScannedList && data.singles.length === count && order === 'C' && !kind.whole) {
    return { shape: sizes, data: rules.double ? data.doubles() : data.singles, where: (n) => at(place, n) }
  }
  const reader = isList(data) ? fromList(data, kind.whole, count, rules, place) : fromBase64(data, String(dtype), count, place)

  const values = rules.double ? new Float64Array(count) : new Float32Array(count)
  const source = order === 'C' ? (n: number) => n : columnMajor(sizes)
  const where = (n: number): string => isList(data) ? at(place, source(n)) : place
  for (let n = 0; n < count; n++) {
    const x = reader(source(n))
    const single = Math.fround(x)
    if (single - single !== 0) throw tooLarge(x, where(n))
    values[n] = x
  }
  return { shape: sizes, data: values, where }
}

function fromList (list: readonly unknown[] | ScannedList, whole: boolean, count: number, rules: NumberRules, pointer: string): (n: number) => number {
  const data: ArrayLike<unknown> = list instanceof ScannedList ? list.doubles() : list
  if (data.length !== count) throw new Fault('wrong_shape', `expected ${count} numbers for this shape, got ${data.length}`, pointer)
  return (n) => {
    const x = data[n]
    if (typeof x === 'boolean' && rules.booleans === true) return x ? 1 : 0
    if (typeof x !== 'number') throw notANumber(x, at(pointer, n))
    if (whole && !Number.isInteger(x)) throw invalid('a whole number, as dtype says', x, at(pointer, n))
    return x
  }
}

function fromBase64 (data: unknown, dtype: string, count: number, pointer: string): (n: number) => number {
  if (typeof data !== 'string') throw invalid('a flat list of numbers, or base64', data, pointer)
  const { size, read } = dtypes.get(dtype)!
  // Buffer skips over what is not base64; a damaged array must not become a shorter one.
  if (data.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(data)) throw new Fault('invalid_value', 'expected base64 (A-Z a-z 0-9 + / with = at the end, in groups of four)', pointer)
  const bytes = Buffer.from(data, 'base64')
  if (bytes.length !== count * size) throw new Fault('wrong_shape', `expected ${count * size} bytes (${count} of ${dtype}), got ${bytes.length}`, pointer)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return (n) => {
    const x = read(view, n * size)
    if (!Number.isFinite(x)) throw new Fault('invalid_value', `expected finite numbers, got ${x} as number ${n} (counted from 0)`, pointer)
    return x
  }
}

/** Where the nth entry in row-major order lies when the first axis is the fastest. */
function columnMajor (shape: readonly number[]): (n: number) => number {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1))
  return (n) => {
    let source = 0
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += (n % shape[axis]) * strides[axis]
      n = Math.floor(n / shape[axis])
    }
    return source
  }
}

/** IEEE 754 binary16. */
export function half (bits: number): number {
  const sign = bits >= 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
}
