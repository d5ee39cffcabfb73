import type * as tfjs from '@tensorflow/tfjs-core'
import type { ConvOptions, Ops } from '../ops.ts'
import type { Tf } from './numbers.ts'

type Kernel = (x: tfjs.Tensor4D, kernel: tfjs.Tensor4D, options: ConvOptions, padding: 'valid' | 'same') => tfjs.Tensor

/** Convolutions and pooling, TensorFlow's own 'same': the odd one of the padding goes behind. */
export function convolutions (tf: Tf, engine: 'tfjs' | 'wasm'): Pick<Ops<tfjs.Tensor>, 'conv' | 'depthwiseConv' | 'pool'> {
  const conv: Kernel = (x, kernel, { strides, dilation }, padding) => tf.conv2d(x, kernel, [...strides], padding, 'NHWC', [...dilation])
  const depthwise: Kernel = (x, kernel, { strides, dilation }, padding) => tf.depthwiseConv2d(x, kernel, [...strides], padding, 'NHWC', [...dilation])

  /** Every nth entry along an axis. */
  const every = (x: tfjs.Tensor, n: number, axis: number): tfjs.Tensor =>
    n === 1 ? x : tf.gather(x, tf.range(0, x.shape[axis]!, n, 'int32'), axis)

  const apply = (op: Kernel, image: tfjs.Tensor, weights: tfjs.Tensor, options: ConvOptions): tfjs.Tensor => {
    const [x, kernel] = [image as tfjs.Tensor4D, weights as tfjs.Tensor4D]
    const { strides, dilation, padding } = options
    const both = Math.max(...strides) > 1 && Math.max(...dilation) > 1
    if (!both && (padding === 'valid' || engine === 'tfjs')) return op(x, kernel, options, padding)
    // The zeros of 'same' are put there first: WebAssembly's kernels misplace the windows where a stride steps over the last entries.
    const { padInfo: { top, bottom, left, right } } =
      tf.backend_util.computeConv2DInfo(x.shape, kernel.shape, [...strides], [...dilation], padding, undefined, op === depthwise)
    const padded = padding === 'valid' ? x : tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]])
    if (!both) return op(padded, kernel, options, 'valid')
    // No kernel has strides and dilation at once, but Keras 3 has for depthwise layers: all windows, of which every nth is kept.
    return every(every(op(padded, kernel, { ...options, strides: [1, 1] }, 'valid'), strides[0], 1), strides[1], 2)
  }

  return {
    conv: (x, kernel, options) => {
      const { groups = 1 } = options
      if (groups === 1) return apply(conv, x, kernel, options)
      // No engine has groups on a processor: each group of channels meets its own filters.
      const kernels = tf.split(kernel, groups, 3)
      return tf.concat(tf.split(x, groups, 3).map((part, n) => apply(conv, part, kernels[n], options)), 3)
    },
    depthwiseConv: (x, kernel, options) => apply(depthwise, x, kernel, options),
    pool: (kind, x, { size, strides, padding }) => {
      const pool = kind === 'max' ? tf.maxPool : tf.avgPool
      return pool(x as tfjs.Tensor4D, [...size], [...strides], padding)
    }
  }
}
