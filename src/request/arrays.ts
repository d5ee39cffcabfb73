import { Fault } from '../errors.ts'
import { indices, type NumberRules, type Numbers } from './nested.ts'
import { checkShape } from './shape.ts'
import { readBytes, type Datatype } from './v2-datatypes.ts'
import { at, isObject, type Json } from './words.ts'

/** What a name begins with that is a state to start from. */
const states = 'initialState/'

/** What is said of an array in a body that is not JSON. */
export interface Stored {
  readonly datatype: Datatype
  readonly shape: readonly number[]
  /** Little-endian, as many as the shape needs. */
  readonly bytes: Uint8Array
  /** The first axis is the fastest, as in NumPy's Fortran order. */
  readonly columnMajor?: boolean
}

/** An array of a body that is not JSON, where it lies; it stands in the request's fields where JSON has nested lists. */
export class StoredArray {
  // Private, so that it has no members that could be taken for those of a JSON object.
  readonly #stored: Stored

  constructor (stored: Stored) {
    this.#stored = stored
  }

  /** Its numbers, row-major. Throws Fault with a pointer to the array, or to the number as if it were nested lists. */
  numbers ({ expected, double, booleans }: NumberRules, pointer: string): Numbers {
    const { datatype, shape, bytes, columnMajor = false } = this.#stored
    checkShape(shape, expected, pointer)
    if (datatype === 'BOOL' && booleans !== true) throw new Fault('invalid_value', 'expected numbers, got true and false: convert the array to float32', pointer)
    const where = (n: number): string => at(pointer, ...indices(shape, n))
    if (!columnMajor) return readBytes(bytes, datatype, shape, double, where)
    const { data } = readBytes(bytes, datatype, shape, double, (n) => at(pointer, ...indices(shape.toReversed(), n).reverse()))
    return { shape, data: rowMajor(data, shape), where }
  }
}

/** Numbers whose first axis is the fastest, in the order in which the last one is. */
function rowMajor<Data extends Float32Array | Float64Array> (data: Data, shape: readonly number[]): Data {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((a, b) => a * b, 1))
  const place = shape.map(() => 0)
  const result = data.slice() as Data
  let from = 0
  for (let n = 0; n < data.length; n++) {
    result[n] = data[from]
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]
      if (++place[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      place[axis] = 0
    }
  }
  return result
}

/** Where an array stands in the JSON of the same request. */
export const pointerTo = (name: string): string => name.startsWith(states) ? at('/initialState', ...name.slice(states.length).split('/')) : at('/inputs', name)

/**
 * The body that says in JSON what these arrays say: `initialState/lstm/hidden` is a state to start from, any other name that of an input. `__metadata__` is
 * said of the arrays, and is none.
 * @throws Fault invalid_value for a name that is there twice
 */
export function bodyOf (arrays: readonly (readonly [name: string, array: StoredArray])[]): Json {
  const names = new Set<string>()
  for (const [name] of arrays) {
    if (names.has(name)) throw new Fault('invalid_value', `there are two arrays '${name}'`, pointerTo(name))
    names.add(name)
  }
  const given = arrays.filter(([name]) => name !== '__metadata__')
  const inputs = Object.fromEntries(given.filter(([name]) => !name.startsWith(states)))
  const initial = given.filter(([name]) => name.startsWith(states)).map(([name, array]) => [name.slice(states.length), array])
  return initial.length === 0 ? { inputs } : { inputs, initialState: Object.fromEntries(initial) }
}

/** The one array of a body, whatever it is called: what serves a model of one input. */
export function onlyArray (value: unknown): [name: string, array: StoredArray] | null {
  if (!isObject(value)) return null
  const [first, ...rest] = Object.entries(value)
  return first !== undefined && rest.length === 0 && first[1] instanceof StoredArray ? [first[0], first[1]] : null
}

/** States by the names that arrays have (`outer/lstm/final/hidden`) as JSON has them, by layer and nested; anything else as it is. */
export function statesByLayer (value: Json, layers: readonly string[]): Json {
  const entries = Object.entries(value)
  if (!entries.some(([, array]) => array instanceof StoredArray)) return value
  const groups = new Map<string, [path: string[], array: unknown][]>()
  for (const [name, array] of entries) {
    // One key may begin with another: the longest is meant. What begins with none is refused by its whole name.
    const layer = layers.filter((key) => name.startsWith(`${key}/`)).reduce((a, b) => b.length > a.length ? b : a, '')
    const [key, path] = layer === '' ? [name, []] : [layer, name.slice(layer.length + 1).split('/')]
    groups.set(key, [...groups.get(key) ?? [], [path, array]])
  }
  return Object.fromEntries([...groups].map(([key, group]) => [key, nest(group, at('/initialState', key))]))
}

function nest (group: readonly (readonly [path: readonly string[], array: unknown])[], pointer: string): unknown {
  if (group.length === 1 && group[0][0].length === 0) return group[0][1]
  if (group.some(([path]) => path.length === 0)) throw new Fault('invalid_value', 'one name is that of an array and of arrays below it', pointer)
  const members = [...new Set(group.map(([[first]]) => first))]
  return Object.fromEntries(members.map((member) => [member, nest(group.filter(([[first]]) => first === member).map(([[, ...rest], array]) => [rest, array]), at(pointer, member))]))
}
