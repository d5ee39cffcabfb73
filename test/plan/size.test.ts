import t from 'tap'
import { buildPlan } from '../../src/plan/build.ts'
import { numbersOfAnswer } from '../../src/plan/size.ts'
import { defaultKinds, type Batch, type Probe } from '../../src/request/probe.ts'
import { extract } from '../../src/run/extract.ts'
import { plainRuntime } from '../../src/run/plain-runtime.ts'
import { numbers } from '../cells/support.ts'
import { maskedLstm, openLstm } from '../support/models.ts'

const batchOf = (size: number, steps: number): Batch => ({ inputs: { x: { shape: [size, steps, 3], data: numbers(size * steps * 3, 4) } }, initial: {}, size })
const open = openLstm(3, 4)

const probes: Readonly<Record<string, Partial<Probe>>> = {
  'all states and gates': {},
  'with the outputs': { outputs: true },
  'the last step': { steps: 'last', outputs: true },
  'some steps': { steps: [0, -1, 1] },
  'every other step': { steps: { from: 1, every: 2 } },
  everything: { tensors: ['hidden', 'cell', 'gates', 'final', 'output', 'preactivations', 'contributions'] },
  'a prediction': { layers: [], outputs: true },
  'another layer': { layers: ['dense'], tensors: ['output'] }
}

for (const [what, probe] of Object.entries(probes)) {
  t.test(`as many numbers as were foretold: ${what}`, async (t) => {
    for (const file of [open, maskedLstm(3, 4)]) {
      const plan = buildPlan(file, { layers: null, tensors: defaultKinds, steps: 'all', outputs: false, raw: false, ...probe }, {})
      for (const [size, steps] of [[1, 5], [3, 2], [2, 9]]) {
        const batch = batchOf(size, steps)
        const foretold = numbersOfAnswer(file, plan, batch, 0)
        const { runtime, resident } = plainRuntime()
        const { traced: { layers, outputs } } = extract(runtime, resident, file, plan, batch)
        const there = [...layers.flatMap(({ tensors }) => Object.values(tensors)), ...outputs.map(({ values }) => values)].reduce((sum, { data }) => sum + data.length, 0)
        t.equal(foretold, there, `${size} x ${steps}`)
      }
    }
  })
}

t.test('small answers are not looked at closely, large ones always', async (t) => {
  const plan = buildPlan(open, { layers: null, tensors: defaultKinds, steps: 'all', outputs: false, raw: false }, {})
  t.equal(numbersOfAnswer(open, plan, batchOf(1, 5), 1e6), null)
  t.equal(typeof numbersOfAnswer(open, plan, batchOf(1, 1200), 1e6), 'number', 'longer than any that was tried')
  t.equal(typeof numbersOfAnswer(open, plan, batchOf(100, 500), 1e6), 'number')
})

t.test('steps that are not there are refused before the run', async (t) => {
  const plan = buildPlan(open, { layers: null, tensors: defaultKinds, steps: [7], outputs: false, raw: false }, {})
  t.throws(() => numbersOfAnswer(open, plan, batchOf(1, 5), 0), { code: 'invalid_value', pointer: '/steps/0' })
})
