import type { ModelAnswer } from '../../api/wire.ts'

/** Layers whose output at a step belongs to that step of their input. */
const keeping = new Set([
  'InputLayer', 'Masking', 'Embedding', 'Dense', 'TimeDistributed', 'Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Softmax', 'Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout',
  'GaussianNoise', 'ActivityRegularization', 'BatchNormalization', 'LayerNormalization', 'UnitNormalization', 'Normalization', 'Rescaling', 'Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum',
  // How Keras 3 writes a mask into a functional model.
  'ops.NotEqual', 'ops.Any'
])
const recurrent = new Set(['LSTM', 'GRU', 'SimpleRNN', 'CuDNNLSTM', 'CuDNNGRU', 'RNN', 'Bidirectional'])

/** Whether the steps of `layer` are those of the model's input: then they have its labels and its curves. */
export const readsInputSteps = (model: ModelAnswer, layer: string): boolean =>
  keepSteps(model, model.layers.slice(0, model.layers.findIndex(({ keys }) => keys.includes(layer))))

/** Whether the steps of an output with a step axis are those of the model's input, as those of `layer` are. */
export const writesInputSteps = (model: ModelAnswer): boolean => keepSteps(model, model.layers)

function keepSteps (model: ModelAnswer, layers: ModelAnswer['layers']): boolean {
  return model.inputs.length === 1 && layers.every(({ type, config }) => keeping.has(type) || (type === 'Concatenate' && config.axis === -1) ||
    (recurrent.has(type) && config.return_sequences !== false && config.go_backwards !== true))
}
