import fc from 'fast-check'
import t from 'tap'
import { eagerOps } from '../../src/ops/eager/ops.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { fromValues, plainOps } from '../../src/ops/plain/ops.ts'
import { trials } from './trials.ts'

const engine = await loadEngine('auto')

/** Whole numbers do not change with what they are cut from, but tfjs-core hands the gradient through; the others do not read the values of x. */
const without = /to int|whole numbers|^fill|^range|stack of masks|unstack of masks/
/** What tfjs-core refuses. */
const refused = /dilation rates greater than 1|rank-[56] tensors/

/** Numbers apart from each other and from 0, so that no step of the difference crosses an edge. */
const spread = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, n) => (((n * 37 + seed) % 101) / 101 * 3.9 + 0.01) * ((n * 7 + seed) % 3 === 0 ? -1 : 1))

t.test('gradients of tfjs are those of the referee', { skip: engine.name === 'tfjs' ? false : 'no native engine is set up' }, async (t) => {
  const { tf, name: kind } = engine
  const [ops, plain] = [eagerOps(tf, kind), plainOps()]
  for (const { name, drawn } of trials.filter(({ name }) => !without.test(name))) {
    let [worst, done] = [0, 0]
    for (const { inputs, computation } of fc.sample(drawn, { numRuns: 12, seed: 5 })) {
      // A scalar is only ever a number; large ones would take long here.
      if (inputs[0].shape.length === 0 || inputs[0].data.length > 150) continue
      const moved = inputs.map(({ shape, data }, n) => ({ shape, data: spread(data.length, n * 11 + 3) }))
      const weigh = (size: number): Float32Array => spread(size, 50)
      const value = (x: Float64Array): number => {
        const y = computation(plain, [{ shape: moved[0].shape, data: x }, ...moved.slice(1).map(fromValues)]).data
        const weights = weigh(y.length)
        return y.reduce((sum, each, n) => sum + each * weights[n], 0)
      }
      const gradient = (): Float32Array => tf.tidy(() => tf.grad((x) => {
        const y = computation(ops, [x, ...moved.slice(1).map(({ data, shape }) => ops.constant(data, shape))])
        return tf.sum(tf.mul(y, tf.tensor(weigh(y.size), y.shape)))
      })(ops.constant(moved[0].data, moved[0].shape)).dataSync()) as Float32Array
      let got
      try { got = gradient() } catch (error) {
        if (refused.test((error as Error).message)) continue
        throw error
      }
      const x = Float64Array.from(moved[0].data)
      for (let n = 0; n < x.length; n++) {
        const slope = (value(x.with(n, x[n] + 1e-5)) - value(x.with(n, x[n] - 1e-5))) / 2e-5
        worst = Math.max(worst, Math.abs(got[n] - slope) / Math.max(1, Math.abs(slope)))
      }
      done++
    }
    t.ok(done > 0 && worst < 1e-4, `${name}: ${worst}, ${done} times`)
  }
})
