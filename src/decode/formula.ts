import { plain } from '../layers/plain-table.ts'
import type { Layer } from '../model.ts'
import { parameter, variable, type Expression } from './expression.ts'
import type { Nothing } from './program.ts'
import { refuse } from './refuse.ts'
import { writer } from './writer.ts'

/** A layer that is one formula along the last axis. */
export interface Formula {
  readonly kind: 'formula'
  readonly name: string
  readonly className: string
  readonly place: readonly string[]
  /** Names of the weights that the formula has. */
  readonly arrays: readonly string[]
  readonly result: Expression
  /** Axes of the input, the batch among them. */
  readonly rank: number
}

const classes: ReadonlySet<string> = new Set([
  'Dense', 'Activation', 'ReLU', 'LeakyReLU', 'ELU', 'ThresholdedReLU', 'Softmax',
  'Identity', 'Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D', 'AlphaDropout', 'GaussianNoise', 'GaussianDropout', 'ActivityRegularization'
])

/** Stands for the mask of the input: of interest is only whether a layer hands it on. */
const mask = variable('mask', null)

/** The stage of a layer that is one formula, or none, and whether its output is masked as its input is. Throws `unsupported_layer` for classes and settings that are not. */
export function formula (layer: Layer, { name, place, rank, keras, masked }: { name: string, place: readonly string[], rank: number, keras: 1 | 2 | 3, masked: boolean }): { stages: (Formula | Nothing)[], masked: boolean } {
  const { className } = layer
  if (!classes.has(className) || layer.graph !== undefined) {
    refuse('programs are written for LSTM, GRU, SimpleRNN, Bidirectional, Dense, Embedding, Masking, activations and dropout')
  }
  const arrays = Object.keys(layer.weights)
  const weights = Object.fromEntries(Object.entries(layer.weights).map(([array, { shape }]) => [array, variable(array, shape[shape.length - 1])]))
  const { outputs: [result], masks: [handed] } = plain.get(className)!({
    ops: writer(rank),
    layer,
    keras,
    weights,
    weightsOf: () => ({}),
    inputs: [parameter],
    masks: [masked ? mask : null],
    named: {},
    values: {},
    wanted: new Set(),
    lastStep: false,
    initial: {},
    run: () => { throw new Error('a formula has no layer in it') }
  })
  return { stages: [result === parameter ? { kind: 'nothing', className } : { kind: 'formula', name, className, place, arrays, result, rank }], masked: handed === mask }
}
