import type { Layer, Weight } from '../../src/model.ts'
import { layer } from '../request/models.ts'

/** A weight whose values are their own places, from `from`. */
export const counted = (from: number, ...shape: number[]): Weight =>
  ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => from + n) })

const base = { use_bias: true, activation: 'tanh', return_sequences: true }

export const lstm = (path: string, units: number, features: number, config: Record<string, unknown> = {}, className = 'LSTM'): Layer =>
  layer(path, className, { ...base, units, recurrent_activation: 'sigmoid', ...config }, {
    weights: { kernel: counted(0, features, 4 * units), recurrent_kernel: counted(100, units, 4 * units), ...(config.use_bias === false ? {} : { bias: counted(200, 4 * units) }) }
  })

export const gru = (path: string, units: number, features: number, after: boolean, className = 'GRU'): Layer =>
  layer(path, className, { ...base, units, recurrent_activation: 'hard_sigmoid', reset_after: after }, {
    weights: { kernel: counted(0, features, 3 * units), recurrent_kernel: counted(100, units, 3 * units), bias: after ? counted(200, 2, 3 * units) : counted(200, 3 * units) }
  })

export const simple = (path: string, units: number, features: number, className = 'SimpleRNN'): Layer =>
  layer(path, className, { ...base, units }, { weights: { kernel: counted(0, features, units), recurrent_kernel: counted(100, units, units), bias: counted(200, units) } })

export const dense = (path: string, units: number, features: number): Layer =>
  layer(path, 'Dense', { units, kernel_initializer: 'zeros' }, { weights: { kernel: counted(0, features, units), bias: counted(50, units) } })

export const normalization = (path: string, features: number): Layer => layer(path, 'BatchNormalization', { trainable: true }, {
  weights: { gamma: counted(0, features), beta: counted(10, features), moving_mean: counted(20, features), moving_variance: counted(30, features) }
})

export const bidirectional = (path: string): Layer =>
  layer(path, 'Bidirectional', { merge_mode: 'concat' }, { children: { forward: gru(`${path}/forward`, 1, 2, true), backward: gru(`${path}/backward`, 1, 2, true) } })

export const stacked = (path: string): Layer => layer(path, 'RNN', {}, {
  children: { cell: layer(`${path}/cell`, 'StackedRNNCells', {}, { children: { 0: lstm(`${path}/cells/0`, 1, 2, {}, 'LSTMCell'), 1: simple(`${path}/cells/1`, 1, 1, 'SimpleRNNCell') } }) }
})
