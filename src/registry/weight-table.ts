import type { LayerSpec } from './spec.ts'

/** A weight that a layer must have. */
export interface Slot {
  readonly name: string
  /** null where the config does not tell the size (what the layer's input decides). */
  readonly shape: readonly (number | null)[] | null
  readonly trainable: boolean
  /** In a `.keras` file, the part of the layer that keeps it (`cell`, `query_dense`); '' for the layer itself. */
  readonly part: string
}

type Config = LayerSpec['config']
type Shape = Slot['shape']

const slot = (name: string, shape: Shape, { trainable = true, part = '' } = {}): Slot => ({ name, shape, trainable, part })
const number = (config: Config, key: string): number | null => typeof config[key] === 'number' ? config[key] : null
const times = (count: number, size: number | null): number | null => size === null ? null : count * size
const one = (value: unknown): number | null => typeof value === 'number' ? value : Array.isArray(value) && typeof value[0] === 'number' ? value[0] : null

/** Kernel, recurrent kernel and bias of a cell with `gates` gates; a layer keeps them in the cell within. */
const cell = (gates: number, part: string) => (config: Config): Slot[] => {
  const units = number(config, 'units')
  const width = times(gates, units)
  const bias = gates === 3 && config.reset_after === true ? [2, width] : [width]
  return [
    slot('kernel', [null, width], { part }),
    slot('recurrent_kernel', [units, width], { part }),
    ...config.use_bias === false ? [] : [slot('bias', bias, { part })]
  ]
}

const bias = (config: Config, size: number | null): Slot[] => config.use_bias === false ? [] : [slot('bias', [size])]

/** Sizes of a kernel along the axes of the convolution. */
const window = (config: Config, space: number): (number | null)[] =>
  Array.from({ length: space }, (_, n) => Array.isArray(config.kernel_size) ? number({ size: config.kernel_size[n] }, 'size') : one(config.kernel_size))

const convolution = (space: number) => (config: Config): Slot[] => {
  const filters = number(config, 'filters')
  return [slot('kernel', [...window(config, space), null, filters]), ...bias(config, filters)]
}

const transposedConvolution = (space: number) => (config: Config): Slot[] => {
  const filters = number(config, 'filters')
  return [slot('kernel', [...window(config, space), filters, null]), ...bias(config, filters)]
}

const depthwise = (space: number) => (config: Config): Slot[] =>
  [slot('depthwise_kernel', [...window(config, space), null, number(config, 'depth_multiplier')]), ...bias(config, null)]

const separable = (space: number) => (config: Config): Slot[] => {
  const filters = number(config, 'filters')
  return [
    slot('depthwise_kernel', [...window(config, space), null, number(config, 'depth_multiplier')]),
    slot('pointwise_kernel', [...Array<number>(space).fill(1), null, filters]),
    ...bias(config, filters)
  ]
}

const convolutionalLstm = (space: number) => (config: Config): Slot[] => {
  const filters = number(config, 'filters')
  const [part, width] = ['cell', times(4, filters)]
  return [
    slot('kernel', [...window(config, space), null, width], { part }),
    slot('recurrent_kernel', [...window(config, space), filters, width], { part }),
    ...config.use_bias === false ? [] : [slot('bias', [width], { part })]
  ]
}

const affine = (config: Config): Slot[] => [
  ...config.scale === false ? [] : [slot('gamma', null)],
  ...config.center === false ? [] : [slot('beta', null)]
]

/** What batch renormalisation remembers of training. */
const renorm = (config: Config): Slot[] => config.renorm === true ? ['moving_stddev', 'renorm_mean', 'renorm_stddev'].map((name) => slot(name, null, { trainable: false })) : []

const normalization = (config: Config): Slot[] => (config.mean ?? null) !== null
  ? []
  : [slot('mean', null, { trainable: false }), slot('variance', null, { trainable: false }), slot('count', null, { trainable: false })]

/** `heads` of query and of key and value; sizes of a head. */
const attention = (config: Config, heads: readonly [number | null, number | null], size: number | null, valueSize: number | null): Slot[] => {
  const dense = (name: string, kernel: Shape, own: Shape): Slot[] => [
    slot(`${name}/kernel`, kernel, { part: name }),
    ...config.use_bias === false ? [] : [slot(`${name}/bias`, own, { part: name })]
  ]
  return [
    ...dense('query', [null, heads[0], size], [heads[0], size]),
    ...dense('key', [null, heads[1], size], [heads[1], size]),
    ...dense('value', [null, heads[1], valueSize], [heads[1], valueSize]),
    ...dense('attention_output', config.output_shape === null ? [heads[0], valueSize, null] : null, null)
  ]
}

const table: Readonly<Record<string, (config: Config) => Slot[]>> = {
  LSTM: cell(4, 'cell'),
  LSTMCell: cell(4, ''),
  GRU: cell(3, 'cell'),
  GRUCell: cell(3, ''),
  SimpleRNN: cell(1, 'cell'),
  SimpleRNNCell: cell(1, ''),
  ConvLSTM1D: convolutionalLstm(1),
  ConvLSTM2D: convolutionalLstm(2),

  Dense: (config) => [slot('kernel', [null, number(config, 'units')]), ...bias(config, number(config, 'units'))],
  Embedding: (config) => [slot('embeddings', [number(config, 'input_dim'), number(config, 'output_dim')])],
  PReLU: () => [slot('alpha', null)],

  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv1DTranspose: transposedConvolution(1),
  Conv2DTranspose: transposedConvolution(2),
  DepthwiseConv1D: depthwise(1),
  DepthwiseConv2D: depthwise(2),
  SeparableConv1D: separable(1),
  SeparableConv2D: separable(2),

  BatchNormalization: (config) => [...affine(config), slot('moving_mean', null, { trainable: false }), slot('moving_variance', null, { trainable: false }), ...renorm(config)],
  LayerNormalization: (config) => config.rms_scaling === true ? affine({ ...config, center: false, scale: true }) : affine(config),
  GroupNormalization: affine,
  RMSNormalization: () => [slot('scale', null)],
  Normalization: normalization,

  Attention: (config) => [
    ...config.use_scale === true ? [slot('scale', [])] : [],
    ...config.score_mode === 'concat' ? [slot('concat_score_weight', [])] : []
  ],
  AdditiveAttention: (config) => config.use_scale === false ? [] : [slot('scale', [null])],
  MultiHeadAttention: (config) => {
    const heads = number(config, 'num_heads')
    const size = number(config, 'key_dim')
    return attention(config, [heads, heads], size, number(config, 'value_dim') ?? size)
  },
  GroupedQueryAttention: (config) => {
    const size = number(config, 'head_dim')
    return attention(config, [number(config, 'num_query_heads'), number(config, 'num_key_value_heads')], size, size)
  }
}

/** A layer's own weights in the order of `get_weights()`, not those of layers inside it. Classes that are not here have none. */
export const slotsOf = (layer: LayerSpec): Slot[] => Object.hasOwn(table, layer.className) ? table[layer.className](layer.config) : []

/** Layers inside a layer, in the order in which Keras counts their weights. */
export function innerLayers (layer: LayerSpec): readonly LayerSpec[] {
  if (layer.model !== null) return layer.model.layers
  // By number for stacked cells: the keys of a record keep that order of their own.
  return Object.values(layer.children)
}

export const hasWeights = (layer: LayerSpec): boolean => slotsOf(layer).length > 0 || innerLayers(layer).some(hasWeights)
