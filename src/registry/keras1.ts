import { refused } from './classes.ts'
import { type Dict } from './json.ts'

/** Keras 1's keys in the words of Keras 3. */
const common: Readonly<Record<string, string>> = {
  nb_filter: 'filters',
  border_mode: 'padding',
  bias: 'use_bias',
  inner_activation: 'recurrent_activation',
  p: 'rate',
  dropout_W: 'dropout',
  dropout_U: 'recurrent_dropout',
  atrous_rate: 'dilation_rate',
  subsample: 'strides',
  subsample_length: 'strides',
  filter_length: 'kernel_size',
  pool_length: 'pool_size',
  stride: 'strides',
  length: 'size',
  beta_init: 'beta_initializer',
  gamma_init: 'gamma_initializer'
}

const units: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'SimpleRNN', 'Dense'])

/** How Keras 1's Merge joins, as the layers that took its place. */
const merges: Readonly<Record<string, string>> = { sum: 'Add', mul: 'Multiply', ave: 'Average', max: 'Maximum', concat: 'Concatenate' }

/** The class that took the place of a Merge; undefined for modes that have none that is known to give the same numbers. */
export const mergeClass = (config: Dict): string | undefined => typeof config.mode === 'string' && Object.hasOwn(merges, config.mode) ? merges[config.mode] : undefined

/** A config of Keras 1. Throws `unsupported_layer` for what has no counterpart. */
export function inKeras3Words (className: string, savedClass: string, config: Dict, path: string): Record<string, unknown> {
  const named: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(config)) named[Object.hasOwn(common, key) ? common[key] : key] = value
  if (units.has(className)) named.units = config.output_dim
  if ('nb_row' in config) named.kernel_size = [config.nb_row, config.nb_col]
  if ('dim_ordering' in config) named.data_format = config.dim_ordering === 'th' ? 'channels_first' : 'channels_last'
  if (savedClass === 'Merge' && config.mode === 'concat') named.axis = config.concat_axis
  if (className === 'BatchNormalization' && (config.mode ?? 0) !== 0) throw refused(path, savedClass, `its mode ${JSON.stringify(config.mode)} normalises by the batch itself: only mode 0 can be computed`)
  return named
}
