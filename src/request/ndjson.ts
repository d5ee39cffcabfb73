import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { Served } from '../registry/entry.ts'
import { decodeRequest, type Decoded, type RequestKind } from './decode.ts'
import type { Batch } from './probe.ts'
import { ScannedList } from './scanned.ts'
import { isTyped } from './typed.ts'
import { at, isObject, type Json } from './words.ts'

/**
 * One line of an NDJSON body, with the fields of its address: one sequence, its inputs as in any request (`[1, step, feature]`) or without the batch axis
 * (`[step, feature]`, one text, one list of ids). The batch is of one sequence. Throws Fault with pointers into the line.
 */
export function decodeLine (body: Json, entry: Pick<Served, 'file' | 'meta'>, kind: RequestKind): Decoded {
  const wrapped: string[] = []
  const inputs = withBatchAxis(body.inputs, entry.file, wrapped)
  try {
    const decoded = decodeRequest({ ...body, inputs }, entry, kind)
    if (decoded.batch.size !== 1) throw new Fault('wrong_shape', `a line is one sequence, there are ${decoded.batch.size}: give each a line of its own`, '/inputs')
    return decoded
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault(error.code, error.message, unwrapped(error.pointer, wrapped))
  }
}

/** The inputs with the batch axis that a line may leave out; the places where it was added go to `wrapped`. */
function withBatchAxis (value: unknown, { graph: { inputs } }: ModelFile, wrapped: string[]): unknown {
  const byName = isObject(value) && inputs.every(({ name }) => Object.hasOwn(value, name)) && Object.keys(value).length === inputs.length
  if (byName) return Object.fromEntries(inputs.map(({ name, shape }) => [name, wrap(value[name], shape.length, at('/inputs', name), wrapped)]))
  return inputs.length === 1 ? wrap(value, inputs[0].shape.length, '/inputs', wrapped) : value
}

function wrap (value: unknown, rank: number, pointer: string, wrapped: string[]): unknown {
  const more = (list: unknown, place: string): unknown[] => {
    wrapped.push(place)
    return [list]
  }
  if (Array.isArray(value)) return depth(value) === rank - 1 ? more(value, pointer) : value
  if (value instanceof ScannedList) {
    if (value.shape.length !== rank - 1) return value
    wrapped.push(pointer)
    return value.wrapped()
  }
  if (!isObject(value)) return value
  if (typeof value.text === 'string') return { ...value, text: more(value.text, at(pointer, 'text')) }
  if (Array.isArray(value.oneHot) && depth(value.oneHot) === rank - 2) return { ...value, oneHot: more(value.oneHot, at(pointer, 'oneHot')) }
  // One more axis of one in front changes the place of no number, in either order.
  if (isTyped(value) && Array.isArray(value.shape) && value.shape.length === rank - 1) return { ...value, shape: [1, ...value.shape] }
  return value
}

/** How deep a list is nested, by its first elements. */
const depth = (value: unknown): number => Array.isArray(value) ? 1 + depth(value[0]) : 0

/** A pointer as the line has it. */
function unwrapped (pointer: string | undefined, wrapped: readonly string[]): string | undefined {
  const place = wrapped.find((place) => pointer === `${place}/0` || pointer?.startsWith(`${place}/0/`) === true)
  return pointer === undefined || place === undefined ? pointer : place + pointer.slice(place.length + 2)
}

/** Each sequence of a batch as a batch of its own, made when its turn comes. */
export function * sequencesOf ({ inputs, initial, size }: Batch): Generator<Batch> {
  for (let n = 0; n < size; n++) {
    const cut = (all: Batch['inputs']): Batch['inputs'] => Object.fromEntries(Object.entries(all).map(([name, { shape, data }]) => {
      const each = data.length / size
      return [name, { shape: [1, ...shape.slice(1)], data: data.slice(n * each, (n + 1) * each) }]
    }))
    yield { inputs: cut(inputs), initial: Object.fromEntries(Object.entries(initial).map(([key, states]) => [key, cut(states)])), size: 1 }
  }
}
