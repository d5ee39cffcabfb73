import type { ModelAnswer } from '../../api/wire.ts'

/** Layers that give a step for each step that they read, in the same order. Recurrent ones among them: without return_sequences they give no steps that another could read. */
const keeping = new Set(['InputLayer', 'Embedding', 'Masking', 'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'ActivityRegularization', 'Identity', 'Dense', 'Activation',
  'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'ThresholdedReLU', 'Softmax', 'BatchNormalization', 'LayerNormalization', 'UnitNormalization', 'RMSNormalization', 'Add', 'Subtract', 'Multiply', 'Average', 'Minimum', 'Maximum',
  'LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional'])

/**
 * Why the steps that a layer reads need not be those of the model's input: the layer in between that may move, join or make steps; null where each step is one of the input, in its order.
 * Whatever is not known to keep them counts as one that does not.
 */
export function mover (model: Pick<ModelAnswer, 'layers'>, key: string): string | null {
  const places = new Map(model.layers.flatMap((layer) => layer.calls.map((call) => [call.key, { layer, call }] as const)))
  const seen = new Set<string>()
  const before = (own: string): string | null => {
    for (const { key: from, argument } of places.get(own)?.call.inbound ?? []) {
      // A state to start from and a mask bring no steps of their own.
      if (argument?.startsWith('initial_state') === true || argument === 'mask' || seen.has(from)) continue
      seen.add(from)
      const found = places.get(from)
      if (found === undefined) return from
      const { path, type, config } = found.layer
      if (!keeping.has(type) || config.go_backwards === true) return `${path} (${type})`
      const further = before(from)
      if (further !== null) return further
    }
    return null
  }
  return places.has(key) ? before(key) : key
}
