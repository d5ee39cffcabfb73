import type * as tfjs from '@tensorflow/tfjs-core'
import type { Ops } from '../ops.ts'
import type { Tf } from './numbers.ts'

/** The loop over steps: sequences are taken apart once and results put together once. Throws where there is no step to read. */
export function loop (tf: Tf): Ops<tfjs.Tensor>['scan'] {
  return (body, sequences, states, reverse = false) => {
    const steps = sequences[0].shape[0]
    if (steps === 0) throw new RangeError('A loop needs at least one step')
    const parts = sequences.map((sequence) => apart(tf, sequence))
    const results: tfjs.Tensor[][] = new Array(steps)
    let now = [...states]
    for (let n = 0; n < steps; n++) {
      const at = reverse ? steps - 1 - n : n
      // What a step makes on its way goes with it, so a long sequence holds its results alone.
      const next = tf.tidy(() => body(parts.map((part) => part[at]), now))
      results[at] = next.results
      now = next.states
    }
    return { results: results[0].map((_, k) => tf.stack(results.map((step) => step[k]), 0)), states: now }
  }
}

/** One tensor a step, in a way that tfjs-core can go back through: its gradient of `unstack` fails for a single step, and for masks. */
function apart (tf: Tf, sequence: tfjs.Tensor): tfjs.Tensor[] {
  if (sequence.shape[0] === 1) return [tf.squeeze(sequence, [0])]
  return tf.unstack(sequence.dtype === 'bool' ? fixed(tf, sequence) : sequence, 0)
}

/** The same mask, unconnected to what it was made from: for gradients it is the result of a function of a zero. */
function fixed (tf: Tf, mask: tfjs.Tensor): tfjs.Tensor {
  return tf.customGrad(() => ({ value: tf.clone(mask), gradFunc: () => tf.scalar(0) }))(tf.scalar(0))
}
