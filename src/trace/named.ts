import { Fault } from '../errors.ts'
import type { Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import { stepsOf, type Trace } from './trace.ts'

/** An array of a binary answer: float32, or true and false (a mask). */
export interface NamedArray extends Values {
  /** Its path in the JSON answer: `lstm/gates/forget`, `outputs/dense`. */
  readonly name: string
  readonly boolean?: boolean
}

/** Everything of an answer that is no array, in the order of the JSON answer. */
export type Metadata = Readonly<Record<string, unknown>>

/** Writes arrays and what is said of them as one body. */
export type Packer = (metadata: Metadata, arrays: readonly NamedArray[]) => Uint8Array

/** Every array of the layers, in their order, by its name in the contract: a mask is true and false. */
export const internalsOf = ({ layers }: Pick<Trace, 'layers'>): NamedArray[] =>
  layers.flatMap(({ key, tensors }) => Object.entries(tensors).map(([name, values]) => ({ name: `${key}/${name}`, boolean: /(^|\/)mask$/.test(name), ...values })))

/**
 * Every array of a trace, in its order: a layer's under its key, the model's outputs under `outputs/`; those of the run with clamps under `intervened/` and
 * `intervenedLayers/`.
 * @throws Fault invalid_value where two have one name: only a layer called `outputs`, or like the other two, can do this
 */
export function arraysOf (trace: Trace): NamedArray[] {
  const outputs = (place: string, all: Trace['outputs']): NamedArray[] => all.map(({ name, values }) => ({ name: `${place}/${name}`, ...values }))
  const { intervened } = trace
  const arrays = [
    ...internalsOf(trace),
    ...outputs('outputs', trace.outputs),
    ...(intervened === undefined ? [] : [...outputs('intervened', intervened.outputs), ...internalsOf(intervened).map((array) => ({ ...array, name: `intervenedLayers/${array.name}` }))])
  ]
  const names = new Set<string>()
  for (const { name } of arrays) {
    if (names.has(name)) throw new Fault('invalid_value', `two arrays of this answer are called '${name}': ask for the layer without the outputs, or for JSON`, '/layers')
    names.add(name)
  }
  return arrays
}

/** What the JSON answer says beside its arrays. Nothing is null for not being finite here, so nothing is counted. */
export function metadataOf (head: Metadata, trace: Trace, plan: Plan): Metadata {
  if (plan.layers.length === 0) return { ...head, receipt: trace.receipt }
  const layers = plan.layers.map(({ key, type, units, axes }, n) => {
    const members = Object.entries({ type, units, axes, stepIndices: trace.layers[n].stepIndices })
    return [key, Object.fromEntries(members.filter(([, value]) => value !== null && value !== undefined))]
  })
  return { ...head, batch: trace.batch, steps: stepsOf(trace, plan), layers: Object.fromEntries(layers), receipt: trace.receipt }
}

/** The bytes of an array as they are stored: float32 as the machine has it (little-endian wherever Node runs its packages), a boolean as one byte. */
export const bytesOf = ({ data, boolean }: NamedArray): Uint8Array =>
  boolean === true ? Uint8Array.from(data, (value) => value === 0 ? 0 : 1) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

/** How many bytes that is. */
export const sizeOf = ({ data, boolean }: NamedArray): number => boolean === true ? data.length : data.byteLength
