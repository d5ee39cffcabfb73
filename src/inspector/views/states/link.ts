import type { LayerLine, ModelAnswer } from '../../api/wire.ts'

/** Layers whose output at a step belongs to that step of what they read. */
const keeping = new Set([
  'Masking', 'Embedding', 'Dense', 'TimeDistributed', 'Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'Softmax', 'Dropout', 'SpatialDropout1D', 'AlphaDropout', 'GaussianDropout', 'GaussianNoise',
  'ActivityRegularization', 'BatchNormalization', 'LayerNormalization', 'UnitNormalization', 'Normalization', 'Rescaling', 'Add', 'Subtract', 'Multiply', 'Average', 'Maximum', 'Minimum'
])
const recurrent = new Set(['LSTM', 'GRU', 'SimpleRNN', 'CuDNNLSTM', 'CuDNNGRU', 'RNN', 'Bidirectional'])

type Wired = Pick<ModelAnswer, 'inputs' | 'layers'>

/** Whether the steps that the layer of `key` reads are those of the model's first input: then they have its labels and its curves. */
export const readsInputSteps = (model: Wired, key: string): boolean => !timeMajor(model, key) && inboundKeeps(model, key, new Map())

/** Of a time-major layer the first axis of its input is the step: what the page takes for a sequence is none. */
const timeMajor = ({ layers }: Wired, key: string): boolean => layers.some(({ keys, config }) => keys.includes(key) && config.time_major === true)

/** Whether what the layer of `key` gives at a step belongs to that step of the model's first input. */
export const writesInputSteps = (model: Wired, key: string): boolean => gives(model, key, new Map())

/** known: what was found of other layers; a graph of many branches is walked once. */
function gives (model: Wired, key: string, known: Map<string, boolean>): boolean {
  const before = known.get(key)
  if (before !== undefined) return before
  const layer = model.layers.find(({ keys }) => keys.includes(key))
  const found = layer !== undefined && (layer.type === 'InputLayer' ? layer.path === model.inputs[0].name : keeps(layer) && inboundKeeps(model, key, known))
  known.set(key, found)
  return found
}

/** Its sequences alone are looked at: initial states and masks have no say in which step is which. */
function inboundKeeps (model: Wired, key: string, known: Map<string, boolean>): boolean {
  const inbound = model.layers.flatMap(({ calls }) => calls).find((call) => call.key === key)?.inbound.filter(({ argument }) => argument === undefined) ?? []
  return inbound.length > 0 && inbound.every(({ key, output }) => output === 0 && gives(model, key, known))
}

function keeps ({ type, config }: LayerLine): boolean {
  return keeping.has(type) || (type === 'Concatenate' && config.axis === -1) || (recurrent.has(type) && config.return_sequences !== false && config.go_backwards !== true && config.time_major !== true)
}
