import { Fault } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { JsonWriter, jsonSize } from './json-writer.ts'
import { bytesOf, internalsOf, sizeOf, type NamedArray } from './named.ts'
import { room } from './room.ts'
import type { Trace } from './trace.ts'

/** What the head of an answer of the Open Inference Protocol holds. */
export interface V2Head {
  readonly model: string
  readonly version: string
  readonly digest: string
  readonly id?: string
  /** In the order of the answer; null: all that the trace has, as bytes. */
  readonly outputs: readonly { readonly name: string, readonly binary: boolean }[] | null
}

/**
 * Bytes before an answer of which the first four say how long its JSON is: that goes into a header, which only the other side of the pool can set. Eight, so
 * that tensors lie at whole words: into shared memory V8 copies byte by byte otherwise.
 */
export const prefix = 8

/**
 * The answer to an inference of the Open Inference Protocol: `prefix` with the length of the JSON (0 where it is all there is), the JSON, then the
 * tensors asked for in bytes, in the order of the JSON: little-endian float32, row-major,
 * a mask a byte a step. The JSON is filled up with spaces to a multiple of
 * eight, so that a reader may view the tensors where they lie. JSON has no infinity and no NaN: such an output is refused except in bytes.
 */
export function encodeV2 (head: Readonly<Record<string, unknown>>, trace: Trace, _plan: Plan): Uint8Array {
  const { model, version, digest, id, outputs } = head as unknown as V2Head
  const arrays = arraysByName(trace)
  const wanted = outputs === null ? [...arrays.values()].map((array) => ({ array, binary: true })) : outputs.map(({ name, binary }) => ({ array: found(arrays, name), binary }))
  const bytes = wanted.filter(({ binary }) => binary).map(({ array }) => bytesOf(array))

  const json = new JsonWriter(1024 + wanted.reduce((size, { array, binary }) => size + 3 * array.name.length + 160 + (binary ? 0 : jsonSize(array)), 0))
  json.open('{')
  json.member('model_name', model)
  json.member('model_version', version)
  if (id !== undefined) json.member('id', id)
  const { engine, checked, maxDifference, tolerance, sound, warning } = trace.receipt
  json.member('parameters', { digest, engine, checked: checked.join(', '), max_difference: maxDifference, tolerance, sound, warning })
  json.key('outputs')
  json.open('[')
  for (const { array, binary } of wanted) {
    const { name, shape, data, boolean = false } = array
    json.open('{')
    json.member('name', name)
    json.member('datatype', boolean ? 'BOOL' : 'FP32')
    json.member('shape', shape)
    if (binary) {
      json.member('parameters', { binary_data_size: sizeOf(array) })
    } else {
      json.key('data')
      if (boolean) json.value(Array.from(data, (value) => value !== 0))
      else json.values({ shape: [data.length], data })
      if (json.nonFinite > 0) throw new Fault('not_acceptable', `output '${name}' holds values that are not finite, which JSON cannot write: ask for it with "binary_data": true`)
    }
    json.close('}')
  }
  json.close(']')
  json.close('}')
  const text = json.finish()

  const length = bytes.length === 0 ? text.length : Math.ceil(text.length / 8) * 8
  const size = prefix + length + bytes.reduce((sum, part) => sum + part.length, 0)
  const body = room(size).subarray(0, size)
  new DataView(body.buffer).setUint32(0, bytes.length === 0 ? 0 : length, true)
  body.set(text, prefix)
  body.fill(32, prefix + text.length, prefix + length)
  let at = prefix + length
  for (const part of bytes) {
    body.set(part, at)
    at += part.length
  }
  return body
}

/** Every array of a trace by its name in the contract; an output of the model before an internal of the same name. */
function arraysByName (trace: Trace): Map<string, NamedArray> {
  const arrays = new Map<string, NamedArray>(trace.outputs.map(({ name, values }) => [name, { name, ...values }]))
  for (const array of internalsOf(trace)) if (!arrays.has(array.name)) arrays.set(array.name, array)
  return arrays
}

function found (arrays: ReadonlyMap<string, NamedArray>, name: string): NamedArray {
  const array = arrays.get(name)
  // Of all that a plan names only a mask may be missing.
  if (array === undefined) throw new Fault('unknown_name', `there is no output '${name}': nothing masks this layer`, '/outputs')
  return array
}
