import { Fault } from '../errors.ts'
import type { ModelFile, Values } from '../model.ts'
import type { StepInput } from '../plan/step-inputs.ts'
import type { Meta } from '../registry/meta.ts'
import { readInput, slotsOf } from './inputs.ts'
import type { Batch } from './probe.ts'
import { at, invalid, isObject, list } from './words.ts'

/** What stands in for the steps that are not there. */
export interface Baseline {
  /** Whence it comes. */
  readonly kind: 'mean' | 'zeros' | 'masked' | 'given'
  /** By input name, `[1 | batch, step, ...]`, as the model reads it. */
  readonly values: Readonly<Record<string, Values>>
}

interface Asked {
  readonly file: ModelFile
  readonly meta: Meta
  readonly raw: boolean
  readonly inputs: readonly StepInput[]
  readonly batch: Pick<Batch, 'inputs' | 'size'>
}

const pointer = '/baseline'

/**
 * `"mean"` (trainingMean of statescope.json), `"zeros"` and `"masked"` in the model's own units; else an array in the units of the inputs: a step, a sequence
 * of steps, or a sequence for each of the batch, in any form that inputs have; for several step inputs an object by name. Left out: the mean where there
 * is one, else masked steps where the model masks, else zeros.
 */
export function readBaseline (value: unknown, asked: Asked): Baseline {
  const { meta, inputs } = asked
  if (value === undefined) {
    const { tokens } = slotsOf(asked.file).find(({ name }) => name === inputs[0].name)!
    const kind = meta.trainingMean !== undefined && inputs.length === 1 && tokens === null ? 'mean' : inputs.every(({ masking }) => masking !== null) ? 'masked' : 'zeros'
    return readBaseline(kind, asked)
  }
  if (value === 'mean' || value === 'zeros' || value === 'masked') {
    return { kind: value, values: Object.fromEntries(inputs.map((input) => [input.name, value === 'mean' ? meanOf(input, asked) : filled(input, asked, value === 'zeros' ? 0 : absent(input))])) }
  }
  if (typeof value === 'string') throw invalid('"mean", "zeros", "masked" or an array', value, pointer)
  const byName = isObject(value) && inputs.every(({ name }) => Object.hasOwn(value, name)) && Object.keys(value).length === inputs.length
  if (inputs.length > 1 && !byName) throw invalid(`"mean", "zeros", "masked" or an object by input name (${list(inputs.map(({ name }) => name))})`, value, pointer)
  return { kind: 'given', values: Object.fromEntries(inputs.map(({ name }) => [name, byName ? readGiven(value[name], name, asked, asked.raw, at(pointer, name)) : readGiven(value, name, asked, asked.raw, pointer)])) }
}

function absent ({ name, masking }: StepInput): number {
  if (masking === null) throw new Fault('invalid_value', `the model does not mask steps of its input "${name}" (a Masking layer, or an Embedding with mask_zero, does): choose "zeros", "mean" or an array`, pointer)
  return masking === 'id 0' ? 0 : masking.value
}

function filled ({ name }: StepInput, { batch }: Asked, value: number): Values {
  const [, ...rest] = batch.inputs[name].shape
  return { shape: [1, ...rest], data: new Float32Array(rest.reduce((a, b) => a * b, 1)).fill(value) }
}

function meanOf ({ name }: StepInput, asked: Asked): Values {
  const { meta, inputs, file } = asked
  if (meta.trainingMean === undefined) throw new Fault('invalid_value', "this model's statescope.json has no trainingMean: choose \"zeros\" or an array, or add one", pointer)
  if (inputs.length > 1 || slotsOf(file).find((slot) => slot.name === name)!.tokens !== null) {
    throw new Fault('invalid_value', 'a trainingMean is for models of one step input that takes numbers: choose "zeros" or an array', pointer)
  }
  try {
    return readGiven(meta.trainingMean, name, asked, false, pointer)
  } catch (error) {
    throw error instanceof Fault ? new Fault('invalid_value', `the trainingMean of this model's statescope.json does not fit: ${error.message}. Choose "zeros" or an array`, pointer) : error
  }
}

/** One array: a step (its features), a sequence `[step, ...]`, or `[batch, step, ...]`. */
function readGiven (value: unknown, name: string, { file, meta, batch }: Asked, raw: boolean, place: string): Values {
  const slot = slotsOf(file).find((one) => one.name === name)!
  const { shape: [, steps, ...rest] } = batch.inputs[name]
  const form = isObject(value) && !Object.hasOwn(value, 'shape')
  const missing = form ? 0 : 2 + rest.length - depth(value)
  if (missing > 2) throw invalid(`"mean", "zeros", "masked" or an array: one step of ${list(rest.map(String))} numbers, or ${steps} of them`, value, place)
  const [size, data] = readWrapped(value, missing, place, (whole) => {
    const { shape: [size], data } = readInput(whole, { ...slot, expected: [null, missing === 2 ? 1 : steps, ...rest] }, meta, raw, place)
    return [size, data]
  })
  if (size !== 1 && size !== batch.size) throw new Fault('wrong_shape', `expected a baseline of one sequence, or one for each of the ${batch.size} of the batch; got ${size}`, place)
  if (missing < 2) return { shape: [size, steps, ...rest], data }
  const all = new Float32Array(steps * data.length)
  for (let n = 0; n < steps; n++) all.set(data, n * data.length)
  return { shape: [1, steps, ...rest], data: all }
}

/** How many axes an array has, by its first elements. */
function depth (value: unknown): number {
  if (isObject(value)) return Array.isArray(value.shape) ? value.shape.length : 0
  let axes = 0
  for (let first = value; Array.isArray(first); first = first[0]) axes++
  return axes
}

/** Reads an array with the axes that it lacks in front; what is wrong in it is pointed to as it was given. */
function readWrapped<R> (value: unknown, missing: number, place: string, read: (whole: unknown) => R): R {
  const axes = Math.max(0, missing)
  if (isObject(value)) return read(axes === 0 ? value : { ...value, shape: [...Array<number>(axes).fill(1), ...value.shape as number[]] })
  const added = '/0'.repeat(axes)
  try {
    return read(Array.from({ length: axes }).reduce<unknown>((inner) => [inner], value))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const { code, message, pointer = place } = error
    const words = code === 'wrong_shape' && axes > 0 ? `${message} (with the axes in front that the baseline leaves out)` : message
    throw new Fault(code, words, pointer.startsWith(place + added) ? place + pointer.slice(place.length + added.length) : pointer)
  }
}
