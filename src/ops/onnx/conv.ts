import type { ConvOptions, Ops, PoolOptions } from '../ops.ts'
import type { Builder, Value } from './builder.ts'

type Convolutions = Pick<Ops<Value>, 'conv' | 'depthwiseConv' | 'pool'>

/** Convolutions: ONNX has channels first, so each is put between two transpositions (the runtime folds those of the weights). */
export function convolutions (b: Builder): Convolutions {
  const first = (x: Value): Value => transpose(b, x, [0, 3, 1, 2])
  const last = (x: Value): Value => transpose(b, x, [0, 2, 3, 1])
  const run = (x: Value, kernel: Value, { strides, padding, dilation }: ConvOptions, groups: number): Value => {
    const [filters, , ...window] = kernel.shape
    const places = [x.shape[1], x.shape[2]].map((size, n) => spread(size, window[n], strides[n], dilation[n], padding))
    const shape = [x.shape[0], filters, ...places]
    return last(b.node('Conv', [first(x), kernel], 'float', shape, { ...around(padding, x.shape.slice(1, 3), window, strides, dilation), strides, dilations: dilation, group: groups }))
  }
  return {
    conv: (x, kernel, options) => run(x, transpose(b, kernel, [3, 2, 0, 1]), options, options.groups ?? 1),
    depthwiseConv: (x, kernel, options) => {
      const [rows, columns, channels, multiplier] = kernel.shape
      // [row, column, channel, multiplier] -> [channel * multiplier, 1, row, column]
      const flat = b.node('Reshape', [transpose(b, kernel, [2, 3, 0, 1]), b.whole([channels * multiplier, 1, rows, columns])], 'float', [channels * multiplier, 1, rows, columns])
      return run(x, flat, options, channels)
    },
    pool: (kind, x, { size, strides, padding }: PoolOptions) => {
      const places = [x.shape[1], x.shape[2]].map((own, n) => spread(own, size[n], strides[n], 1, padding))
      const shape = [x.shape[0], x.shape[3], ...places]
      const attributes = { kernel_shape: size, strides, ...around(padding, x.shape.slice(1, 3), size, strides, [1, 1]) }
      return last(kind === 'max' ? b.node('MaxPool', [first(x)], 'float', shape, attributes) : b.node('AveragePool', [first(x)], 'float', shape, { ...attributes, count_include_pad: 0 }))
    }
  }
}

/**
 * The padding of windows, as TensorFlow lays it: 'same' puts the odd place behind. Onnxruntime's own automatic one does the same only without
 * dilation and where no stride goes beyond the window; it serves where a size is free.
 */
function around (padding: 'valid' | 'same', sizes: readonly number[], window: readonly number[], strides: readonly number[], dilation: readonly number[]): Record<string, string | readonly number[]> {
  if (padding === 'valid') return { auto_pad: 'VALID' }
  const reach = window.map((size, n) => (size - 1) * dilation[n] + 1)
  if (sizes.every((size, n) => size >= 0 || strides[n] === 1)) {
    const total = sizes.map((size, n) => size < 0 ? reach[n] - 1 : Math.max(0, (Math.ceil(size / strides[n]) - 1) * strides[n] + reach[n] - size))
    return { pads: [...total.map((one) => Math.floor(one / 2)), ...total.map((one) => Math.ceil(one / 2))] }
  }
  if (dilation.some((one) => one !== 1) || window.some((size, n) => size < strides[n])) {
    throw new RangeError('windows that step over a free axis with gaps, or dilated, have no padding that a graph can know')
  }
  return { auto_pad: 'SAME_UPPER' }
}

function transpose (b: Builder, x: Value, order: readonly number[]): Value {
  return b.node('Transpose', [x], x.type, order.map((axis) => x.shape[axis]), { perm: order })
}

/** Places a window has along an axis; free where the axis is. */
function spread (size: number, window: number, stride: number, dilation: number, padding: 'valid' | 'same'): number {
  if (size < 0) return -1
  return padding === 'same' ? Math.ceil(size / stride) : Math.ceil((size - (window - 1) * dilation) / stride)
}
