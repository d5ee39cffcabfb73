import type * as tfjs from '@tensorflow/tfjs-core'

/** The module that an engine hands out. */
export type Tf = typeof tfjs

/** How many scalars are kept; far more than all layers' equations name. */
const most = 512

export interface Numbers {
  /** The tensor itself, or as float where it holds whole numbers or booleans. */
  readonly float: (x: tfjs.Tensor) => tfjs.Tensor
  /** The same for operands that may be a number. */
  readonly number: (x: tfjs.Tensor | number) => tfjs.Tensor
}

/** What is kept, by engine: op sets come and go with the models, and each would leave its own behind. */
const kept = new WeakMap<Tf, Map<number, tfjs.Tensor>>()

/** Operands of arithmetic. A number becomes a scalar once, kept beyond every `tf.tidy`, instead of being uploaded at each op. */
export function numbers (tf: Tf): Numbers {
  const scalars = kept.get(tf) ?? new Map<number, tfjs.Tensor>()
  kept.set(tf, scalars)
  const float = (x: tfjs.Tensor): tfjs.Tensor => x.dtype === 'float32' ? x : tf.cast(x, 'float32')
  const scalar = (value: number): tfjs.Tensor => {
    // A Map takes -0 and 0 for one key.
    if (Object.is(value, -0)) return tf.scalar(value, 'float32')
    const known = scalars.get(value)
    if (known !== undefined) return known
    const fresh = tf.scalar(value, 'float32')
    if (scalars.size < most) scalars.set(value, tf.keep(fresh))
    return fresh
  }
  return { float, number: (x) => typeof x === 'number' ? scalar(x) : float(x) }
}
