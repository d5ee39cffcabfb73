import type * as tfjs from '@tensorflow/tfjs-core'
import type { Unary } from '../ops.ts'
import type { Numbers, Tf } from './numbers.ts'

type Function = (x: tfjs.Tensor) => tfjs.Tensor

/**
 * Functions of one operand. Both engines' kernels stay within 3e-7 of float64 (relative to the larger of 1 and the value) but for two of
 * WebAssembly: `sign` gives 0 for all that is nearer to 0 than 1e-7, and `log1p` takes the logarithm of the rounded 1 + x.
 */
export function unaries (tf: Tf, engine: 'tfjs' | 'wasm', float: Numbers['float'], number: Numbers['number']): (name: Unary, x: tfjs.Tensor) => tfjs.Tensor {
  const kernels: Record<Unary, Function> = {
    neg: tf.neg,
    abs: tf.abs,
    square: tf.square,
    sqrt: tf.sqrt,
    rsqrt: tf.rsqrt,
    exp: tf.exp,
    log: tf.log,
    log1p: tf.log1p,
    expm1: tf.expm1,
    tanh: tf.tanh,
    sigmoid: tf.sigmoid,
    relu: tf.relu,
    erf: tf.erf,
    floor: tf.floor,
    sign: tf.sign,
    softplus: tf.softplus
  }
  const mended: Partial<Record<Unary, Function>> = {
    sign: (x) => tf.where(tf.greater(x, number(0)), number(1), tf.where(tf.less(x, number(0)), number(-1), x)),
    // Kahan: with u = fl(1 + x), log(u) * x / (u - 1) is exact to rounding; where u is 1, log1p(x) is x; where u is x, 1 no longer counts.
    log1p: (x) => {
      const u = tf.add(x, number(1))
      const small = tf.equal(u, number(1))
      const large = tf.equal(u, x)
      const step = tf.where(tf.logicalOr(small, large), number(1), tf.sub(u, number(1)))
      const scaled = tf.where(large, tf.log(u), tf.div(tf.mul(tf.log(u), tf.where(large, number(1), x)), step))
      return tf.where(small, x, scaled)
    }
  }
  const functions = engine === 'wasm' ? { ...kernels, ...mended } : kernels
  return (name, x) => functions[name](float(x))
}
