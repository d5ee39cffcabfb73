import type { Value } from '../ops/onnx/builder.ts'
import { versions, type About, type ValueInfo } from '../ops/onnx/proto.ts'
import type { Served } from '../registry/entry.ts'
import { slotsOf } from '../request/inputs.ts'
import type { Sizes } from './sizes.ts'

/** One output of the file. */
export interface Tensor {
  readonly name: string
  /** Of the layer that gives it: its key, its class, and the words of its per-step tensors' axes where it has any. */
  readonly key: string
  readonly type: string
  readonly axes: readonly string[] | null
  /** Its name within the layer. */
  readonly what: string
  /** A mask is booleans, all else float32. */
  readonly value: Value
  readonly sizes: Sizes | undefined
}

/** What the file says of an input of the model. */
export function inputInfo ({ file }: Served, n: number, sizes: Sizes): ValueInfo {
  const { name, tokens } = slotsOf(file)[n]
  const words = `[${inputWords(sizes, tokens)}]`
  return { name, type: 'float', shape: sizes, doc: tokens === null ? words : `token ids, whole numbers from 0 to ${tokens - 1} as float32, ${words}` }
}

/** The second axis of what a recurrent net hears is its steps, of whatever number. */
const inputWords = (sizes: Sizes, tokens: number | null): string[] => wordsOf(sizes).map((word, axis) => axis === 1 && (sizes.length > 2 || tokens !== null) ? 'step' : word)

/** What it says of an output. */
export function outputInfo (name: string, { key, type, what, axes, value, sizes = value.shape }: Tensor): ValueInfo {
  return { name, type: value.type, shape: sizes, doc: `${what} of layer ${JSON.stringify(key)} (${type}), [${wordsOf(sizes, axes, value.type === 'bool')}]` }
}

/** And of itself. Values that are not text are JSON. */
export function aboutFile ({ id, version, digest, file, meta }: Served, writer: string, inputs: readonly Sizes[], outputs: readonly Tensor[]): About {
  const { features, outputLabels, scaler, text } = meta
  const properties = {
    model: id,
    version: String(version),
    digest,
    keras: file.kerasVersion ?? `${file.keras}`,
    statescope: writer,
    inputs: Object.fromEntries(slotsOf(file).map(({ name, tokens }, n) => [name, { axes: inputWords(inputs[n], tokens), tokens: tokens ?? undefined }])),
    outputs: Object.fromEntries(outputs.map(({ name, key, type, axes, value, sizes = value.shape }) => [name, { layer: key, type, axes: wordsOf(sizes, axes, value.type === 'bool') }])),
    notes: file.notes.length === 0 ? undefined : file.notes,
    features,
    outputLabels,
    scaler,
    text
  }
  return {
    producer: writer,
    doc: `The Keras model ${id}, version ${version} (${digest}), with outputs for what is inside it. IR version ${versions.ir}, opset ${versions.opset}. Per-step tensors are ` +
      'in input time, of backward layers too; where a step is masked, states carry over and gates are 0. Inputs are what Keras\' predict takes: the scaler is not applied.',
    properties: Object.fromEntries(Object.entries(properties).flatMap(([key, value]) => value === undefined ? [] : [[key, typeof value === 'string' ? value : JSON.stringify(value)]]))
  }
}

/** A word for each axis: a recurrent layer's own where they fit what is known of the sizes, else `feature` for the last. */
function wordsOf (sizes: Sizes, axes: readonly string[] | null = null, mask = false): string[] {
  const own = axes === null ? [] : mask ? [axes.slice(0, axes.indexOf('step') + 1)] : [axes, axes.filter((word) => word !== 'step')]
  return [...own.find((words) => fit(words, sizes)) ?? sizes.map((size, axis) => typeof size === 'string' ? size : axis > 0 && axis === sizes.length - 1 ? 'feature' : `axis_${axis}`)]
}

const fit = (words: readonly string[], sizes: Sizes): boolean =>
  words.length === sizes.length && sizes.every((size, axis) => typeof size === 'number' || (size === 'batch') === (words[axis] === 'batch'))
