import { Fault } from '../errors.ts'
import { layers } from '../layers/table.ts'
import { isDict, string, type Dict } from './json.ts'

/** Classes of cells: they stand inside RNN alone. */
export const cells: ReadonlySet<string> = new Set(['LSTMCell', 'GRUCell', 'SimpleRNNCell', 'StackedRNNCells'])

/** Classes whose config is a graph of layers. */
export const models: ReadonlySet<string> = new Set(['Functional', 'Sequential'])

/** Names that classes had in other Kerases, or under which one layer hides in another's clothes. */
const renamed: Readonly<Record<string, string>> = {
  Model: 'Functional',
  UnifiedLSTM: 'LSTM',
  UnifiedGRU: 'GRU',
  CuDNNLSTM: 'LSTM',
  CuDNNGRU: 'GRU',
  BatchNormalizationV1: 'BatchNormalization',
  BatchNormalizationV2: 'BatchNormalization',
  SyncBatchNormalization: 'BatchNormalization',
  GroupQueryAttention: 'GroupedQueryAttention',
  // Keras 1
  Convolution1D: 'Conv1D',
  Convolution2D: 'Conv2D',
  AtrousConvolution1D: 'Conv1D',
  AtrousConvolution2D: 'Conv2D',
  SeparableConvolution2D: 'SeparableConv2D',
  TimeDistributedDense: 'Dense'
}

/** Classes whose arithmetic this service cannot know, and what to do about each. */
const advice: Readonly<Record<string, string>> = {
  Lambda: 'its arithmetic is Python code, which is never run here: replace it with a Keras layer (Rescaling, Reshape, Permute, Add, ...) and save the model again',
  TFOpLambda: 'its arithmetic is a call of TensorFlow in the model\'s code: replace it with a Keras layer (Add, Concatenate, Reshape, Rescaling, ...), or save the model with Keras 3',
  SlicingOpLambda: 'it is a slice (x[...]) in the model\'s code: replace it with a Keras layer (Cropping1D, return_sequences=False, ...), or save the model with Keras 3',
  Merge: 'this kind of merge has no counterpart: rebuild it with Add, Multiply, Average, Maximum, Concatenate or Dot and save the model again'
}

const elsewhere = 'only the layers that come with Keras are computed: rebuild the model with those and save it again'

/**
 * The canonical class of an entry of a config (`class_name`, `registered_name`, `module`). Throws `unsupported_layer`, naming layer and
 * class, for what is not in the table of layers. Names are looked up in that table and nowhere else.
 */
export function classOf (entry: Dict, path: string): { className: string, savedClass: string } {
  const given = string(entry.class_name)
  if (given === null) throw new Fault('bad_file', `layer "${path}" has no class_name`)
  const registered = string(entry.registered_name)
  const saved = given.slice(given.lastIndexOf('>') + 1)
  const owners = [given, registered ?? ''].filter((name) => name.includes('>')).map((name) => name.slice(0, name.lastIndexOf('>')))
  const module = string(entry.module)
  // A class of the user's script is saved without a module, but under the name it would be registered by.
  const scripted = entry.module === null && registered !== null && !registered.includes('>')
  const own = !scripted && owners.every(fromKeras) && (module === null || fromKeras(module)) && (registered === null || registered.endsWith(saved))
  if (!own) throw refused(path, registered ?? given, `it is a class of somebody's own (${registered ?? `${module}.${given}`}); ${elsewhere}`)
  if (isOperation(entry, saved)) {
    const operation = `ops.${saved}`
    // WithMask is this service's own, put into graphs where a nested model is given a mask.
    if (!layers.has(operation) || saved === 'WithMask') throw refused(path, `operation ${saved}`, 'this operation between layers is not computed: replace it with a Keras layer and save the model again')
    return { className: operation, savedClass: saved }
  }
  const className = Object.hasOwn(renamed, saved) ? renamed[saved] : saved
  const known = className === 'InputLayer' || models.has(className) || cells.has(className) || (layers.has(className) && !className.startsWith('ops.'))
  if (!known) throw refused(path, saved, Object.hasOwn(advice, saved) ? advice[saved] : elsewhere)
  return { className, savedClass: saved }
}

export function refused (path: string, className: string, why: string): Fault {
  return new Fault('unsupported_layer', `layer "${path}" (${className}) cannot be computed: ${why}`)
}

const fromKeras = (module: string): boolean => /^(tf_keras|tf\.keras|keras|keras_core|tensorflow(\.python|\._api\.v\d)?\.keras|tensorflow\.keras|builtins)(\.|$)/.test(module) || module === 'tensorflow.python.keras'

/** Keras 3 writes the operations between layers (`x + y`, a mask's `not_equal`) as layers; in `.h5` the bare config gives them away. */
function isOperation (entry: Dict, saved: string): boolean {
  const module = string(entry.module)
  if (module !== null) return /^keras(\.src)?\.ops(\.|$)/.test(module)
  if (!layers.has(`ops.${saved}`) || !isDict(entry.config) || !Array.isArray(entry.inbound_nodes)) return false
  return !('dtype' in entry.config) && !('trainable' in entry.config) && entry.inbound_nodes.some(isDict)
}
