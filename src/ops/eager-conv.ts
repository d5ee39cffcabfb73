import type * as tfjs from '@tensorflow/tfjs-core'
import type { Ops } from './ops.ts'
import type { Tf } from './eager-numbers.ts'

/** Convolutions and pooling, TensorFlow's own 'same': the odd one of the padding goes behind. */
export function convolutions (tf: Tf): Pick<Ops<tfjs.Tensor>, 'conv' | 'depthwiseConv' | 'pool'> {
  return {
    conv: (x, kernel, { strides, padding, dilation, groups = 1 }) => {
      const one = (x: tfjs.Tensor, kernel: tfjs.Tensor): tfjs.Tensor =>
        tf.conv2d(x as tfjs.Tensor4D, kernel as tfjs.Tensor4D, [...strides], padding, 'NHWC', [...dilation])
      if (groups === 1) return one(x, kernel)
      // No engine has groups on a processor: each group of channels meets its own filters.
      const kernels = tf.split(kernel, groups, 3)
      return tf.concat(tf.split(x, groups, 3).map((part, n) => one(part, kernels[n])), 3)
    },
    depthwiseConv: (x, kernel, { strides, padding, dilation }) =>
      tf.depthwiseConv2d(x as tfjs.Tensor4D, kernel as tfjs.Tensor4D, [...strides], padding, 'NHWC', [...dilation]),
    pool: (kind, x, { size, strides, padding }) => {
      const pool = kind === 'max' ? tf.maxPool : tf.avgPool
      return pool(x as tfjs.Tensor4D, [...size], [...strides], padding)
    }
  }
}
