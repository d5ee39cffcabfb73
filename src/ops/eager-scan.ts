import type * as tfjs from '@tensorflow/tfjs-core'
import type { Ops } from './ops.ts'
import type { Tf } from './eager-numbers.ts'

/** The loop over steps: sequences are taken apart once and results put together once. Throws where there is no step to read. */
export function loop (tf: Tf): Ops<tfjs.Tensor>['scan'] {
  return (body, sequences, states, reverse = false) => {
    const steps = sequences[0].shape[0]
    if (steps === 0) throw new RangeError('A loop needs at least one step')
    const parts = sequences.map((sequence) => tf.unstack(sequence, 0))
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
