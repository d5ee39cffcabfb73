import type * as tfjs from '@tensorflow/tfjs-core'
import type { Ops } from '../ops.ts'
import type { Numbers, Tf } from './numbers.ts'
import { broadcastShape } from '../shape.ts'

/** The smaller and the larger of two. What is not a number stays visible, as in TensorFlow: WebAssembly's kernels drop it from `b`. */
export function extremes (tf: Tf, engine: 'tfjs' | 'wasm', number: Numbers['number']): Pick<Ops<tfjs.Tensor>, 'minimum' | 'maximum'> {
  type T = tfjs.Tensor
  const of = (op: (a: T, b: T) => T) => (a: T | number, b: T | number): T => {
    // A number comes second: it is always one.
    if (typeof a === 'number' || typeof b === 'number') return typeof a === 'number' ? op(number(b), number(a)) : op(number(a), number(b))
    const [first, second] = alike(number(a), number(b))
    return engine === 'tfjs' ? op(first, second) : tf.where(tf.equal(second, second), op(first, second), second)
  }

  /** Both in their common shape: tfjs-core does not sum the gradients of these ops back over the axes that were broadcast. */
  const alike = (a: T, b: T): [T, T] => {
    if (tf.util.arraysEqual(a.shape, b.shape)) return [a, b]
    const shape = broadcastShape(a.shape, b.shape)
    return [tf.broadcastTo(a, shape), tf.broadcastTo(b, shape)]
  }

  return { minimum: of(tf.minimum), maximum: of(tf.maximum) }
}
