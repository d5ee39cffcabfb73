import fc from 'fast-check'
import t from 'tap'
import type * as tfjs from '@tensorflow/tfjs-core'
import type { FusedLstm, Ops } from '../../src/ops/ops.ts'
import { eagerOps } from '../../src/ops/eager/ops.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { plainOps, toValues } from '../../src/ops/plain/ops.ts'
import { distance } from './subject.ts'
import { filled } from './trials.ts'

const parts = ['input', 'forget', 'candidate', 'output', 'cell', 'hidden'] as const

/** The LSTM's equations step by step: i, f, o = sigmoid, g = tanh of [x, h].W + b; c = f * c + i * g; h = o * tanh(c). */
function stepByStep<T> (ops: Ops<T>, x: T, hidden: T, cell: T, kernel: T, bias: T, units: number): FusedLstm<T> {
  const { results } = ops.scan(([now], [h, c]) => {
    const all = ops.add(ops.matmul(ops.concat([now, h], -1), kernel), bias)
    const [input, forget, candidate, output] = [0, 1, 2, 3].map((n) =>
      ops.unary(n === 2 ? 'tanh' : 'sigmoid', ops.slice(all, -1, n * units, (n + 1) * units)))
    const next = ops.add(ops.mul(forget, c), ops.mul(input, candidate))
    const given = ops.mul(output, ops.unary('tanh', next))
    return { results: [input, forget, candidate, output, next, given], states: [given, next] }
  }, [x], [hidden, cell])
  return Object.fromEntries(parts.map((part, n) => [part, results[n]])) as Record<typeof parts[number], T>
}

const engine = await loadEngine('auto')

t.test('one kernel gives every gate and state of an LSTM', { skip: engine.name === 'tfjs' ? false : 'no native engine is set up' }, async (t) => {
  const { tf } = engine
  const [native, referee] = [eagerOps(tf, 'tfjs'), plainOps()]
  const warned = t.capture(console, 'warn')
  const some = (max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max })
  fc.assert(fc.property(some(9), some(4), some(5), some(6), fc.nat(2 ** 31), (steps, batch, features, units, seed) => {
    const inputs = [[steps, batch, features], [batch, units], [batch, units], [features + units, 4 * units], [4 * units]].map((shape, n) => filled(shape, seed + n))
    const expected = stepByStep(referee, ...inputs.map(({ data, shape }) => referee.constant(data, shape)) as Five<ReturnType<typeof referee.constant>>, units)
    tf.tidy(() => {
      const got = native.fusedLstm!(...inputs.map(({ data, shape }) => native.constant(data, shape)) as Five<tfjs.Tensor>)
      for (const part of parts) {
        const far = distance({ shape: got[part].shape, data: got[part].dataSync() as Float32Array }, toValues(expected[part]))
        if (!(far <= 1e-5)) throw new Error(`${part} is off by ${far}`)
      }
    })
  }), { numRuns: 100, seed: 42 })
  t.strictSame(warned.args(), [], 'without a warning')
})

t.test('only the native engine has it', async (t) => {
  t.equal(eagerOps(engine.tf, 'wasm').fusedLstm, undefined)
  t.equal(plainOps().fusedLstm, undefined)
})

type Five<T> = [T, T, T, T, T]
