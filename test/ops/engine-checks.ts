import fc from 'fast-check'
import type tap from 'tap'
import type { Engine } from '../../src/ops/engine.ts'
import { activationFindings, windowFindings } from './goldens.ts'
import { eagerOps } from '../../src/ops/eager/ops.ts'
import { known } from './known.ts'
import { distance, eager, plain, values } from './subject.ts'
import { trials } from './trials.ts'

/** What every engine must pass. */
export function checkEngine (t: typeof tap, engine: Engine): void {
  const subject = eager(engine)

  t.test('each op agrees with the referee', async (t) => {
    for (const { name, drawn, bound } of trials) {
      try {
        fc.assert(fc.property(drawn, ({ what, inputs, computation }) => {
          const far = distance(subject.run(computation, inputs), plain.run(computation, inputs))
          if (!(far <= bound)) throw new Error(`${what} is off by ${far}`)
        }), { numRuns: 60, seed: 42 })
        t.pass(name)
      } catch (error) {
        t.fail(`${name}: ${(error as Error).message.slice(0, 1500)} ${String((error as Error).cause)}`)
      }
    }
  })

  for (const [what, findings] of [['TensorFlow\'s convolutions and pools', windowFindings(subject)], ['Keras\' activations', activationFindings(subject)]] as const) {
    t.test(what, async (t) => {
      for (const { what, far, bound } of findings) t.ok(far <= bound, `${what}: ${far}`)
    })
  }

  t.test('worked by hand', async (t) => {
    for (const { name, inputs, computation, expected } of known) t.equal(distance(subject.run(computation, inputs.map(values)), values(expected)), 0, name)
  })

  const { tf, name } = engine
  const ops = eagerOps(tf, name)

  t.test('an index that is not there is refused', async (t) => {
    for (const index of [3, -1]) t.throws(() => subject.run((ops, [x, n]) => ops.gather(x, n, 0), [values([1, 2, 3]), values([index])]))
  })

  t.test('a number is uploaded once', async (t) => {
    const x = tf.tensor1d([1, 2])
    const add = (): void => tf.tidy(() => { ops.add(ops.mul(x, 0.123), 4.567) })
    add()
    const before = tf.memory().numTensors
    for (let n = 0; n < 5; n++) add()
    t.equal(tf.memory().numTensors, before)
    t.strictSame([...ops.div(1, ops.mul(x, 0)).dataSync()], [Infinity, Infinity])
    t.strictSame([...ops.div(1, ops.mul(ops.unary('abs', x), -0)).dataSync()], [-Infinity, -Infinity], 'zero has a sign')
  })

  t.test('numbers without end do not fill the memory', async (t) => {
    const x = tf.tensor1d([1, 2])
    const before = tf.memory().numTensors
    for (let n = 0; n < 2000; n++) tf.tidy(() => { ops.add(x, n + 0.5) })
    t.ok(tf.memory().numTensors - before <= 512)
  })

  t.test('a loop holds its results alone', async (t) => {
    const x = tf.ones([50, 2, 3])
    const before = tf.memory().numTensors
    const { results, states } = ops.scan(([step], [h]) => {
      const next = ops.unary('tanh', ops.add(ops.mul(step, 0.5), h))
      return { results: [next, ops.sub(next, h)], states: [next] }
    }, [x], [tf.zeros([2, 3])])
    t.equal(results.length, 2)
    // The steps of the sequence, two results and one number at each step, the results put together, the zeros; the states are results.
    t.ok(tf.memory().numTensors - before <= 50 + 2 * 50 + 2 + 2, `${tf.memory().numTensors - before} tensors`)
    t.equal(states.length, 1)
  })

  t.test('constants may lie in shared memory', async (t) => {
    const shared = new Float32Array(new SharedArrayBuffer(16))
    shared.set([1, 2, 3, 4])
    t.strictSame([...ops.matmul(ops.constant(shared, [2, 2]), ops.constant(shared, [2, 2])).dataSync()], [7, 10, 15, 22])
    t.strictSame([...ops.constant(shared, [4]).dataSync()], [1, 2, 3, 4])
  })
}
