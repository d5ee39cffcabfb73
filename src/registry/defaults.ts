import type { Origin } from './spec.ts'

/**
 * What Keras assumes where a config leaves a key out (files of older Kerases lack the keys that came later). Only keys that change a
 * result. A key with a null in the file is not left out.
 */
type Defaults = Readonly<Record<string, unknown>>

const recurrent: Defaults = { return_sequences: false, return_state: false, go_backwards: false, time_major: false, zero_output_for_mask: false }
const cell: Defaults = { activation: 'tanh', use_bias: true }
const convolution = (space: 1 | 2): Defaults => ({
  strides: Array(space).fill(1), padding: 'valid', dilation_rate: Array(space).fill(1), data_format: 'channels_last', groups: 1, activation: 'linear', use_bias: true, depth_multiplier: 1
})
const pooling = (space: 1 | 2): Defaults => ({ pool_size: Array(space).fill(2), strides: null, padding: 'valid', data_format: 'channels_last' })
const globalPooling: Defaults = { data_format: 'channels_last', keepdims: false }
const affine: Defaults = { center: true, scale: true, epsilon: 1e-3, axis: -1 }
const attention: Defaults = { dropout: 0, use_bias: true, attention_axes: null, output_shape: null, sliding_window: null, use_gate: false }

const table: Readonly<Record<string, Defaults>> = {
  LSTM: { ...recurrent, ...cell },
  LSTMCell: cell,
  GRU: { ...recurrent, ...cell },
  GRUCell: cell,
  SimpleRNN: { ...recurrent, ...cell },
  SimpleRNNCell: cell,
  RNN: recurrent,
  StackedRNNCells: { reverse_state_order: false },
  ConvLSTM1D: { ...recurrent, ...cell, ...convolution(1), activation: 'tanh' },
  ConvLSTM2D: { ...recurrent, ...cell, ...convolution(2), activation: 'tanh' },
  Bidirectional: { merge_mode: 'concat' },

  Dense: { activation: 'linear', use_bias: true },
  Embedding: { mask_zero: false },
  Masking: { mask_value: 0 },

  Activation: { activation: 'linear' },
  ReLU: { max_value: null, negative_slope: 0, threshold: 0 },
  LeakyReLU: { negative_slope: 0.3 },
  PReLU: { shared_axes: null },
  ELU: { alpha: 1 },
  ThresholdedReLU: { theta: 1 },
  Softmax: { axis: -1 },

  Dropout: { rate: 0 },
  Flatten: { data_format: 'channels_last' },
  Concatenate: { axis: -1 },
  Dot: { normalize: false },

  Conv1D: convolution(1),
  Conv2D: convolution(2),
  Conv1DTranspose: { ...convolution(1), output_padding: null },
  Conv2DTranspose: { ...convolution(2), output_padding: null },
  DepthwiseConv1D: convolution(1),
  DepthwiseConv2D: convolution(2),
  SeparableConv1D: convolution(1),
  SeparableConv2D: convolution(2),
  MaxPooling1D: pooling(1),
  MaxPooling2D: pooling(2),
  AveragePooling1D: pooling(1),
  AveragePooling2D: pooling(2),
  GlobalMaxPooling1D: globalPooling,
  GlobalMaxPooling2D: globalPooling,
  GlobalAveragePooling1D: globalPooling,
  GlobalAveragePooling2D: globalPooling,
  UpSampling1D: { size: 2 },
  UpSampling2D: { size: [2, 2], data_format: 'channels_last', interpolation: 'nearest' },
  Cropping1D: { cropping: [1, 1] },
  Cropping2D: { cropping: [[0, 0], [0, 0]], data_format: 'channels_last' },
  ZeroPadding1D: { padding: 1, data_format: 'channels_last' },
  ZeroPadding2D: { padding: [1, 1], data_format: 'channels_last' },

  BatchNormalization: affine,
  LayerNormalization: { ...affine, rms_scaling: false },
  GroupNormalization: { ...affine, groups: 32 },
  UnitNormalization: { axis: -1 },
  RMSNormalization: { axis: -1, epsilon: 1e-6 },
  Normalization: { axis: -1, mean: null, variance: null, invert: false },
  Rescaling: { offset: 0 },

  Attention: { use_scale: false, score_mode: 'dot', dropout: 0 },
  AdditiveAttention: { use_scale: true, dropout: 0 },
  MultiHeadAttention: attention,
  GroupedQueryAttention: attention
}

/** Of Keras 1 and of the Keras 2 that was a package of its own (2.0 to 2.2); Keras 2.3 and TensorFlow's Keras 2 went over to the newer ones. */
function gates ({ keras, version }: Origin): Defaults {
  const [, minor] = (version ?? '').split('.').map(Number)
  const withinTensorFlow = /tf/.test(version ?? '')
  const early = keras === 1 || (keras === 2 && minor < 3 && !withinTensorFlow)
  return {
    recurrent_activation: early ? 'hard_sigmoid' : 'sigmoid',
    // The key is as old as the choice: where it is missing there was none, but for hand-written configs of a current Keras.
    reset_after: !(keras === 1 || (keras === 2 && minor < 4 && !withinTensorFlow))
  }
}

export function defaultsOf (className: string, origin: Origin): Defaults {
  const own = table[className] ?? {}
  switch (className) {
    case 'LSTM': case 'LSTMCell': {
      const { recurrent_activation: activation } = gates(origin)
      return { ...own, recurrent_activation: activation }
    }
    case 'GRU': case 'GRUCell':
      return { ...own, ...gates(origin) }
    case 'ConvLSTM1D': case 'ConvLSTM2D':
      return { ...own, recurrent_activation: origin.keras === 3 ? 'sigmoid' : 'hard_sigmoid' }
    default:
      return own
  }
}
