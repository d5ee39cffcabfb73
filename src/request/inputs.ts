import { Fault } from '../errors.ts'
import type { ModelFile, Values } from '../model.ts'
import type { Meta } from '../registry/meta.ts'
import { onlyArray, StoredArray } from './arrays.ts'
import { checkId, readOneHot, readText } from './coding.ts'
import { readNested, type Numbers } from './nested.ts'
import type { Expected } from './shape.ts'
import { tokenCounts } from './tokens.ts'
import { isTyped, readTyped } from './typed.ts'
import { at, invalid, isList, isObject, list } from './words.ts'

/** One input of a model, as far as it decides what may be given for it. */
export interface Slot {
  readonly name: string
  /** The batch axis is open, whatever the file fixes: nothing survives a request, so any size will do. */
  readonly expected: Expected
  readonly whole: boolean
  readonly booleans: boolean
  /** How many token ids there are, for an input that an Embedding reads. */
  readonly tokens: number | null
}

const slots = new WeakMap<ModelFile, readonly Slot[]>()

export function slotsOf (file: ModelFile): readonly Slot[] {
  let known = slots.get(file)
  if (known === undefined) {
    const tokens = tokenCounts(file.graph)
    known = file.graph.inputs.map(({ name, shape, dtype }, n) => ({
      name, expected: [null, ...shape.slice(1)], whole: /^u?int/.test(dtype), booleans: dtype === 'bool', tokens: tokens[n]
    }))
    slots.set(file, known)
  }
  return known
}

/** The `inputs` of a request: every input of the model by name, `[batch, ...]` float32, all of one batch size. */
export function readInputs (value: unknown, file: ModelFile, meta: Meta, raw: boolean, pointer: string): Record<string, Values> {
  const all = slotsOf(file)
  const inputs: Record<string, Values> = {}
  for (const [slot, given, place] of shareOut(value, all, pointer)) {
    inputs[slot.name] = readInput(given, slot, meta, raw, place)
    const [first, here] = [inputs[all[0].name].shape[0], inputs[slot.name].shape[0]]
    if (here !== first) throw new Fault('wrong_shape', `the inputs are of different batch sizes: '${all[0].name}' has ${first}, '${slot.name}' has ${here}`, place)
  }
  return inputs
}

/** Which part of `inputs` is for which input of the model. */
function shareOut (value: unknown, all: readonly Slot[], pointer: string): [Slot, unknown, string][] {
  const names = all.map(({ name }) => name)
  const byName = isObject(value) && names.every((name) => Object.hasOwn(value, name)) && Object.keys(value).length === names.length
  if (byName) return all.map((slot) => [slot, value[slot.name], at(pointer, slot.name)])
  const only = all.length === 1 ? onlyArray(value) : null
  if (only !== null) return [[all[0], only[1], at(pointer, only[0])]]
  if (all.length === 1 && (isList(value) || (isObject(value) && isForm(value)))) return [[all[0], value, pointer]]
  const needed = `an object by input name (${list(names)})`
  if (!isObject(value)) throw invalid(all.length === 1 ? `nested lists, or ${needed}` : needed, value, pointer)
  const missing = names.find((name) => !Object.hasOwn(value, name))
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw new Fault('unknown_name', `there is no input '${unknown}'; expected ${needed}${all.length === 1 ? ', or nested lists' : ''}`, at(pointer, unknown))
  throw new Fault('unknown_name', `the input '${missing}' is missing; expected ${needed}`, pointer)
}

const isForm = (value: unknown): boolean => isObject(value) && (isTyped(value) || Object.hasOwn(value, 'oneHot') || Object.hasOwn(value, 'text'))

/** One input, in any of its forms. */
export function readInput (value: unknown, slot: Slot, meta: Meta, raw: boolean, pointer: string): Values {
  const { expected, whole, booleans, tokens } = slot
  if (isObject(value) && (Object.hasOwn(value, 'oneHot') || Object.hasOwn(value, 'text'))) {
    const form = Object.hasOwn(value, 'oneHot') ? 'oneHot' : 'text'
    const more = Object.keys(value).find((name) => name !== form)
    if (more !== undefined) throw new Fault('invalid_value', `'${form}' stands alone`, at(pointer, more))
    const place = at(pointer, form)
    const coded = form === 'oneHot' ? readOneHot(value.oneHot, expected, place) : readText(value.text, meta.text, expected, place)
    return checked(coded, slot)
  }
  const scaler = raw ? meta.scaler?.inputs : undefined
  const rules = { expected, double: scaler !== undefined || whole || tokens !== null, booleans }
  const stored = value instanceof StoredArray
  if (!stored && isObject(value) && !isTyped(value)) throw new Fault('invalid_value', `expected nested lists, {"shape", "data"}, {"oneHot"} or {"text"}, got an object with ${list(Object.keys(value))}`, pointer)
  const numbers = stored ? value.numbers(rules, pointer) : isObject(value) ? readTyped(value, rules, pointer) : readNested(value, rules, pointer)
  if (scaler === undefined) return checked(numbers, slot)
  return checked(scaled(numbers, scaler, pointer), slot)
}

/** (x - mean) / scale along the last axis, in double precision. */
function scaled ({ shape, data, where }: Numbers, { mean, scale }: { readonly mean: readonly number[], readonly scale: readonly number[] }, pointer: string): Numbers {
  const features = shape[shape.length - 1]
  if (mean.length !== features || scale.length !== features) {
    throw new Fault('invalid_value', `raw: the scaler of this model's statescope.json has ${mean.length} means and ${scale.length} scales for ${features} features`, pointer)
  }
  return { shape, where, data: data.map((x, n) => (x - mean[n % features]) / scale[n % features]) }
}

/** float32 at last; ids and whole numbers are checked while they still are what the request said. */
export function checked ({ shape, data, where }: Numbers, { whole, tokens }: Slot): Values {
  if (data instanceof Float32Array && tokens === null) return { shape, data }
  const values = new Float32Array(data)
  for (let n = 0; n < data.length; n++) {
    const x = data[n]
    if (tokens !== null) checkId(x, tokens, where(n))
    else if (whole && !Number.isInteger(x)) throw invalid('a whole number, as this input takes', x, where(n))
    else if (!Number.isFinite(values[n])) throw new Fault('invalid_value', `the scaler of this model's statescope.json makes ${x} of this number`, where(n))
    if ((whole || tokens !== null) && values[n] !== x) throw new Fault('invalid_value', `${x} cannot be held exactly as float32 (whole numbers up to 16777216 can)`, where(n))
  }
  return { shape, data: values }
}
