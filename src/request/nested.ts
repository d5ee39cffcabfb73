import { Fault } from '../errors.ts'
import { ScannedList } from './scanned.ts'
import { checkShape, shapeWords, type Expected } from './shape.ts'
import { at, got, invalid } from './words.ts'

/** Numbers out of a request, row-major, still in double precision where the next step needs it. */
export interface Numbers {
  readonly shape: readonly number[]
  readonly data: Float32Array | Float64Array
  /** JSON pointer to the nth number. */
  readonly where: (n: number) => string
}

export interface NumberRules {
  readonly expected: Expected
  /** Keep double precision: the values are scaled or checked first. */
  readonly double: boolean
  /** true and false stand for 1 and 0. */
  readonly booleans?: boolean
}

/** Nested lists of numbers into one array: first the lists alone are checked, then each number is read once. */
export function readNested (value: unknown, rules: NumberRules, pointer: string): Numbers {
  const { expected } = rules
  if (value instanceof ScannedList) {
    const { shape } = value
    checkShape(shape, expected, pointer)
    return { shape, data: rules.double ? value.doubles() : value.singles, where: (n) => at(pointer, ...indices(shape, n)) }
  }
  const shape: number[] = []
  let first: unknown = value
  while (Array.isArray(first)) {
    shape.push(first.length)
    first = first[0]
  }
  if (shape.length < expected.length && first !== undefined && typeof first !== 'number' && typeof first !== 'boolean') {
    throw invalid(`a list (the whole being ${shapeWords(expected)})`, first, at(pointer, ...shape.map(() => 0)))
  }
  if (shape.length !== expected.length || shape.includes(0)) checkShape(shape, expected, pointer)

  let rows: unknown[][] = [value as unknown[]]
  for (let axis = 1; axis < shape.length; axis++) rows = listsWithin(rows, axis, shape, expected, pointer)

  const size = shape[shape.length - 1] ?? 1
  const data = rules.double ? new Float64Array(rows.length * size) : new Float32Array(rows.length * size)
  const where = (n: number): string => at(pointer, ...indices(shape, n))
  let n = 0
  for (const row of rows) {
    for (let i = 0; i < size; i++, n++) {
      const x = row[i]
      if (typeof x === 'number') {
        data[n] = x
        const single = Math.fround(x)
        if (single - single !== 0) throw tooLarge(x, where(n))
      } else if (typeof x === 'boolean' && rules.booleans === true) {
        data[n] = x ? 1 : 0
      } else {
        throw notANumber(x, where(n))
      }
    }
  }
  checkShape(shape, expected, pointer)
  return { shape, data, where }
}

/** All lists one axis further in, each as long as the first of all. */
function listsWithin (lists: readonly unknown[][], axis: number, shape: readonly number[], expected: Expected, pointer: string): unknown[][] {
  const inner: unknown[][] = []
  for (const each of lists) {
    for (const entry of each) {
      if (Array.isArray(entry) && entry.length === shape[axis]) {
        inner.push(entry)
        continue
      }
      const place = at(pointer, ...indices(shape.slice(0, axis), inner.length))
      if (!Array.isArray(entry)) throw invalid(`a list of ${shape[axis]} (the whole being ${shapeWords(expected)})`, entry, place)
      throw new Fault('wrong_shape', `the lists are ragged: this one has ${entry.length} entries where the first has ${shape[axis]}; expected ${shapeWords(expected)}`, place)
    }
  }
  return inner
}

/** Row-major place of the nth entry. */
export function indices (shape: readonly number[], n: number): number[] {
  const place: number[] = []
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place.unshift(n % shape[axis])
    n = Math.floor(n / shape[axis])
  }
  return place
}

export const tooLarge = (x: number, pointer: string): Fault =>
  new Fault('invalid_value', `expected a number that is finite as float32 (at most 3.4028235e38), got ${x}`, pointer)

export function notANumber (x: unknown, pointer: string): Fault {
  const advice = x === null
    ? ': JSON has no NaN; fill a missing value, or give the value that the model masks'
    : typeof x === 'string' ? ': numbers stand without quotes; a text goes in {"text": [...]}' : ''
  return new Fault('invalid_value', `expected a number, got ${got(x)}${advice}`, pointer)
}
