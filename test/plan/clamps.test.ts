import t from 'tap'
import type { Layer, ModelFile } from '../../src/model.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { planFor } from '../../src/plan/kept.ts'
import { readModel } from '../../src/registry/read.ts'
import type { Intervention, Probe } from '../../src/request/probe.ts'
import { chain, openLstm } from '../support/models.ts'

const probe = (...intervene: Partial<Intervention>[]): Probe => ({
  layers: null, tensors: ['hidden'], steps: 'all', outputs: false, raw: false, intervene: intervene.map((one) => ({ layer: 'lstm', kind: 'gate', name: 'forget', units: null, steps: 'all', value: 1, ...one }))
})
const file = openLstm(3, 4)
const golden = async (name: string): Promise<ModelFile> => await readModel({ main: `test/goldens/models/${name}`, weights: null })

t.test('a layer is named as its tensors are', async (t) => {
  const named = (model: ModelFile, layer: string, name = 'forget', kind: 'gate' | 'state' = 'gate'): unknown[] =>
    buildPlan(model, probe({ layer, name, kind }), {}).clamps!.map((clamp) => [clamp.key, clamp.name])
  t.same(named(file, 'lstm'), [['lstm', 'gates/forget']])
  t.same(named(file, 'lstm', 'cell', 'state'), [['lstm', 'cell']])
  t.same(named(await golden('cells-k3-h5.h5'), 'mixed_sequences/cells/1', 'reset'), [['mixed_sequences', 'cells/1/gates/reset']])
  t.same(named(await golden('bi-lstm-gru-k3-h5.h5'), 'bi/backward', 'hidden', 'state'), [['bi', 'backward/hidden']])
  t.same(named(await golden('td-recurrent-k3-h5.h5'), 'rnn/inner', 'candidate'), [['rnn', 'inner/gates/candidate']])
})

t.test('a layer that is called twice is meant at every call, or at the one that is named', async (t) => {
  const { layers } = file.graph
  const twice: Layer = { ...layers.lstm, config: { ...layers.lstm.config, return_sequences: true } }
  const one = chain([null, 4], [{ ...twice, weights: { ...twice.weights, kernel: twice.weights.recurrent_kernel } }])
  const [input, node] = one.graph.nodes
  const model: ModelFile = { ...one, graph: { ...one.graph, nodes: [input, { ...node, key: 'lstm:0' }, { ...node, key: 'lstm:1', args: [{ ref: { node: 1, index: 0 } }] }], outputs: [{ name: 'lstm', ref: { node: 2, index: 0 } }] } }
  t.same(buildPlan(model, probe({}), {}).clamps!.map(({ key }) => key), ['lstm:0', 'lstm:1'])
  t.same(buildPlan(model, probe({ layer: 'lstm:1' }), {}).clamps!.map(({ key }) => key), ['lstm:1'])
})

t.test('outputs come along, what is kept is run, and another plan is kept for another value', async (t) => {
  const { outputs, clamps } = buildPlan(file, probe({}), {})
  t.same([outputs.map(({ name }) => name), clamps!.length], [['dense'], 1])
  t.equal(buildPlan(file, probe(), {}).clamps, undefined)
  t.same(buildPlan(file, probe(), {}).outputs, [])
  t.equal(planFor(file, probe({}), {}), planFor(file, probe({}), {}))
  t.not(planFor(file, probe({}), {}), planFor(file, probe({ value: 2 }), {}))
})

t.test('what is not there is refused where it stands', async (t) => {
  const refused = (intervention: Partial<Intervention>, expected: { code: string, pointer: string, message: RegExp }): unknown => t.throws(() => buildPlan(file, probe({}, intervention), {}), expected)
  for (const layer of ['dense', 'lstm/forward', '', 'constructor', '__proto__']) refused({ layer }, { code: 'unknown_name', pointer: '/intervene/1/layer', message: /there are "lstm"$/ })
  for (const name of ['update', 'hidden', 'gates/forget', 'constructor', '']) refused({ name }, { code: 'unknown_name', pointer: '/intervene/1/gate', message: /has "input", "forget", "candidate", "output"$/ })
  refused({ kind: 'state' }, { code: 'unknown_name', pointer: '/intervene/1/state', message: /has "hidden", "cell"$/ })
  refused({ units: [3, 4] }, { code: 'invalid_value', pointer: '/intervene/1/unit', message: /no unit 4: its units are 0 to 3/ })
})
