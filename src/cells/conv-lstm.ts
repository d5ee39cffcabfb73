import type { CellCall } from './cell.ts'
import { lstmOf } from './lstm.ts'

/** Sizes as Keras gives them: one number for all axes, or one an axis; a ConvLSTM1D is a 2D one with a single row. */
function pair (value: unknown): [number, number] {
  const all = Array.isArray(value) ? value as number[] : [value as number]
  return all.length === 1 ? [1, all[0]] : [all[0], all[1]]
}

/** A convolution over x `[..., row, column, channel]` or `[..., column, channel]`, whatever axes come before. */
function convolve<T> ({ ops, layer }: CellCall<T>, x: T, kernel: T, from: 'input' | 'recurrent'): T {
  const flat = ops.shape(kernel).length === 3
  const spatial = flat ? 2 : 3
  const size = ops.shape(x)
  const merged = size.length > spatial + 1
  let image = merged ? ops.reshape(x, [-1, ...size.slice(-spatial)]) : x
  if (flat) image = ops.expandDims(image, 1)
  const { config } = layer
  const input = from === 'input'
  let result = ops.conv(image, flat ? ops.expandDims(kernel, 0) : kernel, {
    strides: input ? pair(flat ? one(config.strides) : config.strides ?? [1, 1]) : [1, 1],
    padding: input ? (config.padding ?? 'valid') as 'valid' | 'same' : 'same',
    dilation: input ? pair(flat ? one(config.dilation_rate) : config.dilation_rate ?? [1, 1]) : [1, 1]
  })
  if (flat) result = ops.squeeze(result, 1)
  return merged ? ops.splitFirst(result, x) : result
}

const one = (value: unknown): number => Array.isArray(value) ? value[0] as number : (value ?? 1) as number

/** ConvLSTM (Shi et al. 2015, without peepholes, as Keras has it): an LSTM that hears through convolutions; its unit is a filter. */
export const convLstm = lstmOf({
  units: ({ layer }) => layer.config.filters as number,
  input: (call, x, bias) => {
    const heard = convolve(call, x, call.weights.kernel, 'input')
    return bias && call.weights.bias !== undefined ? call.ops.add(heard, call.weights.bias) : heard
  },
  recurrent: (call, hidden) => convolve(call, hidden, call.weights.recurrent_kernel, 'recurrent')
})
