import { Fault } from '../errors.ts'
import type { Values } from '../model.ts'
import type { Served } from '../registry/entry.ts'
import { checked, slotsOf, type Slot } from './inputs.ts'
import { readNested, type Numbers } from './nested.ts'
import type { Batch } from './probe.ts'
import { checkShape } from './shape.ts'
import { readTyped } from './typed.ts'
import { datatypes, readBytes, type Datatype } from './v2-datatypes.ts'
import { at, invalid, isObject, list, onlyMembers, type Json } from './words.ts'

/** What an inference request of the Open Inference Protocol asks for. */
export interface Inference {
  readonly batch: Batch
  readonly id: string | undefined
  /** In the order of the answer; which of them come as bytes and not as JSON. */
  readonly outputs: readonly { readonly name: string, readonly binary: boolean }[]
}

/**
 * The JSON part of a request and the bytes after it, held against the model's inputs. Numbers of any kind become float32, those out of range
 * are refused; bytes left over or missing are `malformed`. Which outputs there are is for the plan to say.
 */
export function decodeInference (json: unknown, bytes: Uint8Array, { file }: Pick<Served, 'file'>): Inference {
  if (!isObject(json)) throw invalid("an object with 'inputs'", json, '')
  onlyMembers(json, ['id', 'parameters', 'inputs', 'outputs'], '', 'the request')
  const { id, inputs } = json
  if (id !== undefined && typeof id !== 'string') throw invalid('a string', id, '/id')
  const parameters = readParameters(json.parameters, '/parameters')
  if (parameters.sequence_id !== undefined && parameters.sequence_id !== 0 && parameters.sequence_id !== '') {
    throw new Fault('invalid_value', 'nothing survives a request, so there are no sequences across requests: send all steps in one request', '/parameters/sequence_id')
  }
  if (!Array.isArray(inputs)) throw invalid(`a list of inputs (${list(file.graph.inputs.map(({ name }) => name))})`, inputs, '/inputs')
  const outputs = readOutputs(json.outputs, readFlag(parameters, 'binary_data_output', '/parameters') ?? false) ??
    file.graph.outputs.map(({ name }) => ({ name, binary: parameters.binary_data_output === true }))
  return { batch: readInputs(inputs, bytes, slotsOf(file)), id, outputs }
}

/** A body that is nothing but the bytes of a model's only input: all its sizes but one must be known. Answered in bytes. */
export function decodeRaw (bytes: Uint8Array, { file }: Pick<Served, 'file'>): Inference {
  const slots = slotsOf(file)
  if (slots.length !== 1) throw new Fault('malformed', `a body without JSON is for models of one input; this one takes ${list(slots.map(({ name }) => name))}`)
  const [slot] = slots
  const kind = datatypes[datatypeOf(slot)]
  const open = slot.expected.flatMap((size, axis) => size === null && axis > 0 ? [axis] : [])
  if (open.length > 1) throw new Fault('malformed', 'a body without JSON is for inputs of which one size alone is open: send the shape in JSON')
  // With an open step axis the bytes are one sequence.
  const axis = open[0] ?? 0
  const rest = slot.expected.reduce<number>((product, size, n) => n === axis ? product : product * (size ?? 1), kind.size)
  if (bytes.length === 0 || bytes.length % rest !== 0) throw new Fault('malformed', `expected bytes of ${datatypeOf(slot)}, a multiple of ${rest}, got ${bytes.length}`)
  const shape = slot.expected.map((size, n) => n === axis ? bytes.length / rest : size ?? 1)
  const numbers = readBytes(bytes, datatypeOf(slot), shape, isDouble(slot), (n) => at('', 'inputs', 0, 'data', n))
  return {
    batch: { inputs: { [slot.name]: checked(numbers, slot) }, initial: {}, size: shape[0] },
    id: undefined,
    outputs: file.graph.outputs.map(({ name }) => ({ name, binary: true }))
  }
}

/** What metadata says an input takes; the other kinds of numbers are taken as well. */
export function datatypeOf ({ whole, booleans, tokens }: Pick<Slot, 'whole' | 'booleans' | 'tokens'>): Datatype {
  return booleans ? 'BOOL' : whole || tokens !== null ? 'INT64' : 'FP32'
}

const isDouble = ({ whole, tokens }: Slot): boolean => whole || tokens !== null

function readParameters (value: unknown, pointer: string): Json {
  if (value !== undefined && !isObject(value)) throw invalid('an object', value, pointer)
  const { shared_memory_region: region } = value ?? {}
  if (region !== undefined) throw new Fault('invalid_value', 'shared memory is not served: send the tensor in the body', at(pointer, 'shared_memory_region'))
  return value ?? {}
}

function readFlag (parameters: Json, name: string, pointer: string): boolean | undefined {
  const value = parameters[name]
  if (value !== undefined && typeof value !== 'boolean') throw invalid('true or false', value, at(pointer, name))
  return value
}

/** Null where the request names none: the model's own outputs are meant. */
function readOutputs (value: unknown, binary: boolean): Inference['outputs'] | null {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return null
  if (!Array.isArray(value)) throw invalid('a list of outputs', value, '/outputs')
  const seen = new Set<string>()
  return value.map((output: unknown, n) => {
    const pointer = at('/outputs', n)
    if (!isObject(output)) throw invalid("an object with 'name'", output, pointer)
    onlyMembers(output, ['name', 'parameters'], pointer, 'an output')
    const { name } = output
    if (typeof name !== 'string') throw invalid('a string', name, at(pointer, 'name'))
    if (seen.has(name)) throw new Fault('invalid_value', `the output '${name}' is asked for twice`, at(pointer, 'name'))
    seen.add(name)
    const place = at(pointer, 'parameters')
    const parameters = readParameters(output.parameters, place)
    if (parameters.classification !== undefined && parameters.classification !== 0) {
      throw new Fault('invalid_value', 'the classification extension is not served: leave it out and sort the output yourself', at(place, 'classification'))
    }
    return { name, binary: readFlag(parameters, 'binary_data', place) ?? binary }
  })
}

function readInputs (given: readonly unknown[], bytes: Uint8Array, slots: readonly Slot[]): Batch {
  const inputs: Record<string, Values> = {}
  const places: Record<string, string> = {}
  const names = slots.map(({ name }) => name)
  let from = 0
  for (const [n, input] of given.entries()) {
    const pointer = at('/inputs', n)
    if (!isObject(input)) throw invalid("an object with 'name', 'shape', 'datatype' and 'data'", input, pointer)
    onlyMembers(input, ['name', 'shape', 'datatype', 'parameters', 'data'], pointer, 'an input')
    const slot = slots.find(({ name }) => name === input.name)
    if (slot === undefined) throw new Fault('unknown_name', `there is no input ${JSON.stringify(input.name)}; the model takes ${list(names)}`, at(pointer, 'name'))
    if (Object.hasOwn(inputs, slot.name)) throw new Fault('invalid_value', `the input '${slot.name}' is given twice`, at(pointer, 'name'))
    const { binary_data_size: size } = readParameters(input.parameters, at(pointer, 'parameters'))
    if (size !== undefined && (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)) throw invalid('a number of bytes', size, at(pointer, 'parameters', 'binary_data_size'))
    if (size !== undefined && from + size > bytes.length) {
      throw new Fault('malformed', `the body ends too early: input '${slot.name}' has ${size} bytes, and ${bytes.length - from} are left after the JSON and the inputs before it`, pointer)
    }
    const own = size === undefined ? null : bytes.subarray(from, from + size)
    from += size ?? 0
    inputs[slot.name] = checked(readInput(input, own, slot, pointer), slot)
    places[slot.name] = pointer
  }
  if (from < bytes.length) throw new Fault('malformed', `${bytes.length - from} bytes are left over after the last input: check Inference-Header-Content-Length and each binary_data_size`)
  const missing = names.find((name) => !Object.hasOwn(inputs, name))
  if (missing !== undefined) throw new Fault('unknown_name', `the input '${missing}' is missing; the model takes ${list(names)}`, '/inputs')
  const [size] = inputs[names[0]].shape
  for (const name of names) {
    if (inputs[name].shape[0] !== size) throw new Fault('wrong_shape', `the inputs are of different batch sizes: '${names[0]}' has ${size}, '${name}' has ${inputs[name].shape[0]}`, at(places[name], 'shape'))
  }
  return { inputs, initial: {}, size }
}

function readInput (input: Json, bytes: Uint8Array | null, slot: Slot, pointer: string): Numbers {
  const { shape, datatype, data } = input
  if (typeof datatype !== 'string' || !Object.hasOwn(datatypes, datatype)) throw invalid(`one of ${Object.keys(datatypes).join(', ')}`, datatype, at(pointer, 'datatype'))
  if (!Array.isArray(shape)) throw invalid('a list of sizes', shape, at(pointer, 'shape'))
  for (const [axis, size] of shape.entries()) if (!Number.isSafeInteger(size) || size < 0) throw invalid('a whole number', size, at(pointer, 'shape', axis))
  const sizes = shape as number[]
  checkShape(sizes, slot.expected, at(pointer, 'shape'))
  const kind = datatypes[datatype as Datatype]
  const place = at(pointer, 'data')
  if (bytes !== null) {
    if (data !== undefined) throw new Fault('invalid_value', "an input has 'data' or a binary_data_size, not both", place)
    const count = sizes.reduce((a, b) => a * b, 1)
    if (bytes.length !== count * kind.size) throw new Fault('malformed', `expected ${count * kind.size} bytes (${count} of ${datatype}), the binary_data_size is ${bytes.length}`, at(pointer, 'parameters', 'binary_data_size'))
    return readBytes(bytes, datatype as Datatype, sizes, isDouble(slot), (n) => at(place, n))
  }
  const rules = { expected: slot.expected, double: isDouble(slot), booleans: datatype === 'BOOL' }
  const numbers = Array.isArray(data) && Array.isArray(data[0])
    ? readNested(data, { ...rules, expected: sizes }, place)
    : readTyped({ shape: sizes, dtype: kind.range === null ? 'float32' : 'int64', data: Array.isArray(data) ? data : refuseData(data, place) }, rules, pointer)
  if (kind.range !== null) {
    const [low, high] = kind.range
    for (const [n, x] of numbers.data.entries()) if (!Number.isInteger(x) || x < low || x > high) throw invalid(`a whole number from ${low} to ${high} (${datatype})`, x, numbers.where(n))
  }
  return numbers
}

/** A string would be read as base64, which the protocol does not have. */
function refuseData (data: unknown, pointer: string): never {
  throw invalid('a list of numbers, or a binary_data_size in the parameters', data, pointer)
}
