import type { Layer, ModelFile, Node, Weight } from '../../src/model.ts'
import { numbers } from '../cells/support.ts'

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export const weight = (shape: readonly number[], seed: number): Weight => ({ shape, data: numbers(size(shape), seed) })

export function layer (path: string, className: string, config: Record<string, unknown>, shapes: Record<string, readonly number[]> = {}): Layer {
  return { path, className, config, weights: Object.fromEntries(Object.entries(shapes).map(([name, shape], n) => [name, weight(shape, path.length + n)])), children: {} }
}

/** A chain of layers after one input of `[batch, ...shape]`. */
export function chain (shape: readonly (number | null)[], layers: readonly Layer[], keras: 2 | 3 = 3): ModelFile {
  const input = layer('x', 'InputLayer', {})
  const all = [input, ...layers]
  const nodes: Node[] = all.map(({ path }, n) => ({ key: path, layer: path, args: n === 0 ? [] : [{ ref: { node: n - 1, index: 0 } }], kwargs: {} }))
  return {
    name: 'chain',
    format: 'keras',
    kerasVersion: null,
    keras,
    layerOrder: all.map(({ path }) => path),
    notes: [],
    digest: 'sha256:0',
    graph: {
      inputs: [{ name: 'x', node: 0, shape: [null, ...shape], dtype: 'float32' }],
      outputs: [{ name: all[all.length - 1].path, ref: { node: all.length - 1, index: 0 } }],
      nodes,
      layers: Object.fromEntries(all.map((one) => [one.path, one]))
    }
  }
}

/** An LSTM behind a Masking layer, and a Dense on top. */
export function maskedLstm (features: number, units: number): ModelFile {
  return chain([null, features], [
    layer('masking', 'Masking', { mask_value: 0 }),
    layer('lstm', 'LSTM', { units, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, return_sequences: true, return_state: false, go_backwards: false }, {
      kernel: [features, 4 * units], recurrent_kernel: [units, 4 * units], bias: [4 * units]
    }),
    layer('dense', 'Dense', { units: 2, activation: 'linear', use_bias: true }, { kernel: [units, 2], bias: [2] })
  ])
}

/** The same without the mask. */
export function openLstm (features: number, units: number): ModelFile {
  const { graph: { layers } } = maskedLstm(features, units)
  return chain([null, features], [layers.lstm, layers.dense])
}
