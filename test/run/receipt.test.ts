import t from 'tap'
import type { ModelFile, Values } from '../../src/model.ts'
import type { Ops } from '../../src/ops/ops.ts'
import type { Plain } from '../../src/ops/plain/ops.ts'
import type { LoadCheck } from '../../src/pool/protocol.ts'
import { checkModel } from '../../src/run/load-check.ts'
import { plainRuntime } from '../../src/run/plain-runtime.ts'
import { extract } from '../../src/run/extract.ts'
import { arrayDifference, distance, tolerance } from '../../src/run/receipt.ts'
import type { Resident, Runtime } from '../../src/run/runtime.ts'
import { buildPlan, recurrentKeys } from '../../src/plan/build.ts'
import { defaultKinds, type Batch } from '../../src/request/probe.ts'
import { numbers } from '../cells/support.ts'
import { maskedLstm, openLstm } from '../support/models.ts'

const [batch, steps, features, units] = [2, 6, 3, 4]

/** Steps 0, 3 and 5 of the second sequence are masked. */
function sample (): Batch {
  const data = numbers(batch * steps * features, 4)
  for (const step of [0, 3, 5]) data.fill(0, (steps + step) * features, (steps + step + 1) * features)
  return { inputs: { x: { shape: [batch, steps, features], data } }, initial: {}, size: batch }
}

const planOf = (file: ModelFile): LoadCheck['plan'] => buildPlan(file, { layers: recurrentKeys(file), tensors: defaultKinds, steps: 'all', outputs: true, raw: false }, {})

interface Planted { ops?: (ops: Ops<Plain>) => Partial<Ops<Plain>>, weights?: (name: string, weight: Plain) => Plain }

/** Checks a model on an engine with a fault in it. The referee beside it has none. */
function check (file: ModelFile, { ops, weights }: Planted = {}, expected: LoadCheck['expected'] = null, budget?: number): ReturnType<typeof checkModel> {
  const sound = plainRuntime()
  const runtime: Runtime<Plain> = { ...sound.runtime, ops: { ...sound.runtime.ops, ...ops?.(sound.runtime.ops) } }
  const resident: Resident<Plain> = {
    ...sound.resident,
    weightsOf: (layer) => Object.fromEntries(Object.entries(sound.resident.weightsOf(layer)).map(([name, weight]) => [name, weights?.(name, weight) ?? weight]))
  }
  return checkModel('planted', runtime, resident, file, { sample: sample(), plan: planOf(file), expected }, budget)
}

t.test('a sound model passes', async (t) => {
  for (const file of [maskedLstm(features, units), openLstm(features, units)]) {
    const { receipt, reason } = check(file)
    t.equal(reason, undefined)
    t.match(receipt, { sound: true, checked: ['gates and states', 'float64'] })
    t.ok(receipt.maxDifference < 1e-6, `differs by ${receipt.maxDifference}`)
  }
})

const block = (ops: Ops<Plain>, x: Plain, n: number): Plain => ops.slice(x, -1, n * units, (n + 1) * units)

t.test('a swapped gate', async (t) => {
  t.test('in the weights', async (t) => {
    const { reason } = check(openLstm(features, units), {
      weights: (name, weight) => {
        if (!name.includes('kernel') || weight.shape[1] !== 4 * units) return weight
        const { ops } = plainRuntime().runtime
        return ops.concat([1, 0, 2, 3].map((n) => block(ops, weight, n)), -1)
      }
    })
    t.match(reason, /float64 arithmetic/)
  })
  t.test('in what a fused kernel gives', async (t) => {
    const { reason } = check(openLstm(features, units), {
      ops: (ops) => ({
        fusedLstm: (x, hidden, cell, kernel, bias) => {
          const { results: [h, c, i, f, g, o] } = ops.scan(([now], [h, c]) => {
            const z = ops.add(ops.matmul(ops.concat([now, h], -1), kernel), bias)
            const [i, f, o] = [0, 1, 3].map((n) => ops.unary('sigmoid', block(ops, z, n)))
            const g = ops.unary('tanh', block(ops, z, 2))
            const next = ops.add(ops.mul(f, c), ops.mul(i, g))
            const out = ops.mul(o, ops.unary('tanh', next))
            return { results: [out, next, i, f, g, o], states: [out, next] }
          }, [x], [hidden, cell])
          return { hidden: h, cell: c, input: f, forget: i, candidate: g, output: o }
        }
      })
    })
    t.match(reason, /do not follow from its gates/)
  })
})

t.test('a shifted step', async (t) => {
  const { reason } = check(openLstm(features, units), {
    ops: (ops) => ({
      scan: (body, sequences, states, reverse) => {
        const { results, states: last } = ops.scan(body, sequences, states, reverse)
        return { results: results.map((all) => ops.concat([ops.slice(all, 0, 1), ops.slice(all, 0, 0, 1)], 0)), states: last }
      }
    })
  })
  t.match(reason, /do not follow from its gates/)
})

t.test('a wrong activation', async (t) => {
  const { reason } = check(openLstm(features, units), {
    ops: (ops) => ({ unary: (name, x) => name === 'sigmoid' ? ops.minimum(1, ops.maximum(0, ops.add(ops.mul(0.2, x), 0.5))) : ops.unary(name, x) })
  })
  t.match(reason, /float64 arithmetic/)
})

t.test('a lost mask', async (t) => {
  const { reason } = check(maskedLstm(features, units), {
    ops: (ops) => ({ scan: (body, [first], states, reverse) => ops.scan(body, [first], states, reverse) })
  })
  t.match(reason, /do not follow from its gates/)
})

t.test('an activation that is not known is refused with its layer and class', async (t) => {
  const { graph } = openLstm(features, units)
  const lambda = { ...graph.layers.lstm, config: { ...graph.layers.lstm.config, activation: 'x'.repeat(500) } }
  const file = { ...openLstm(features, units), graph: { ...graph, layers: { ...graph.layers, lstm: lambda } } }
  t.throws(() => check(file), { code: 'unsupported_layer', message: /^layer "lstm" \(LSTM\): Keras 3 has no activation "x{40}\.\.\." of its own/ })
})

t.test('outputs that Keras recorded otherwise', async (t) => {
  const file = openLstm(features, units)
  const inputs = sample()
  const right = { shape: [batch, steps, 2], data: new Float32Array(batch * steps * 2) }
  const { reason, receipt } = check(file, {}, { inputs, plan: planOf(file), outputs: { dense: right }, tolerance: 1e-5 })
  t.match(reason, /output "dense" is not what Keras recorded/)
  t.equal(receipt.sound, false)
  t.match(check(file, {}, { inputs, plan: planOf(file), outputs: { other: right }, tolerance: 1e-5 }).reason, /"other"/, 'a name that is not there is no agreement')
})

t.test('a model too large to repeat whole has some steps of each cell repeated', async (t) => {
  for (const file of [openLstm(features, units), maskedLstm(features, units)]) {
    const sound = check(file, {}, null, 0)
    t.equal(sound.reason, undefined)
    t.same(sound.receipt.checked, ['gates and states', 'float64 at sampled steps'])
    t.ok(sound.receipt.maxDifference < 1e-6, `differs by ${sound.receipt.maxDifference}`)
    const { ops } = plainRuntime().runtime
    t.match(check(file, { weights: (name, weight) => name === 'bias' ? ops.mul(weight, 1.01) : weight }, null, 0).reason, /float64 arithmetic/)
  }
})

t.test('arrays are compared relative to max(1, |value|); what is not finite agrees with what is not', async (t) => {
  const values = (...data: number[]): Values => ({ shape: [data.length], data: Float32Array.from(data) })
  t.equal(arrayDifference(values(1000), values(1001)), 1e-3)
  t.equal(arrayDifference(values(0, NaN, Infinity), values(0.25, NaN, Infinity)), 0.25)
  t.equal(arrayDifference(values(NaN), values(0)), 1e30)
  t.equal(arrayDifference(values(Infinity), values(NaN)), 0)
  t.equal(arrayDifference(values(Infinity), values(1e30)), 1e30)
  t.equal(arrayDifference(values(1), values(1, 2)), Infinity)
})

t.test('the check of an answer is of one sequence, whichever is asked, and cannot tell where something is not finite', async (t) => {
  const tensorsOf = { returned: defaultKinds, kept: [] }
  for (const file of [openLstm(features, units), maskedLstm(features, units)]) {
    for (const tensors of Object.values(tensorsOf)) {
      const { runtime, resident } = plainRuntime()
      const { ops } = runtime
      const plan = buildPlan(file, { layers: tensors.length === 0 ? [] : ['lstm'], tensors, steps: 'all', outputs: true, raw: false }, {})
      const { evidence: [sound] } = extract(runtime, resident, file, plan, sample())
      const index = (n: number | null): Plain | null => n === null ? null : ops.constant(Float32Array.of(n), [1])
      const far = (evidence: typeof sound, of: number | null, step: number | null = null): number =>
        runtime.read(distance(ops, resident.weightsOf, file.keras, [evidence], { of: index(of), steps: () => index(step) })!).data[0]
      for (const of of [0, 1, null]) t.ok(far(sound, of) < 1e-12)

      // One unit of the second sequence, at its second step.
      const add = (x: Plain, at: readonly number[], value: number): Plain => {
        const places = at.map((size, axis) => ops.compare('equal', ops.reshape(ops.range(x, axis), x.shape.map((all, n) => n === axis ? all : 1)), size))
        return ops.where(places.reduce((a, b) => ops.and(a, b)), ops.add(x, value), x)
      }
      const planted = (value: number): typeof sound => ({
        ...sound,
        run: { ...sound.run, states: [add(sound.run.states[0], [1, 1, 2], value), ...sound.run.states.slice(1)] },
        returned: sound.returned.hidden === undefined ? {} : { ...sound.returned, hidden: add(sound.returned.hidden, [1, 1, 2], value) }
      })
      t.ok(far(planted(0.01), 0) < 1e-12, 'the first sequence is as it was')
      t.ok(far(planted(0.01), 1) > tolerance)
      t.ok(far(planted(0.01), null) > tolerance)
      t.ok(Number.isNaN(far(planted(Infinity), 1)))

      // Of one step alone: what is wrong with a state shows there and where it is read.
      for (const step of [0, 1, 2]) t.ok(far(sound, 1, step) < 1e-12)
      t.ok(far(planted(0.01), 1, 0) < 1e-12)
      t.ok(far(planted(0.01), 1, 1) > tolerance)
      t.ok(far(planted(0.01), 1, 2) > 1e-6)
      t.ok(Number.isNaN(far(planted(Infinity), 1, 0)), 'what is not finite shows at every step')
    }
  }
})
