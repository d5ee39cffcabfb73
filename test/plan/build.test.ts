import t from 'tap'
import type { Layer } from '../../src/model.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { axesOf, internalsOf, isRecurrent } from '../../src/plan/internals.ts'
import { defaultKinds, tensorKinds, type Probe } from '../../src/request/probe.ts'
import { chain, layer, maskedLstm } from '../support/models.ts'

const probe: Probe = { layers: null, tensors: defaultKinds, steps: 'all', outputs: false, raw: false }
const file = maskedLstm(3, 4)
const names = (one: Layer, kinds = defaultKinds): string[] => internalsOf(one, kinds).map(({ name }) => name)

t.test('by default every recurrent layer, and nothing behind it is run', async (t) => {
  const plan = buildPlan(file, probe, {})
  t.same(plan.layers.map(({ key, type, units, axes }) => ({ key, type, units, axes })), [{ key: 'lstm', type: 'LSTM', units: 4, axes: ['batch', 'step', 'unit'] }])
  t.same(plan.nodes.map((n) => file.graph.nodes[n].key), ['x', 'masking', 'lstm'])
  t.same(plan.outputs, [])
})

t.test('outputs of the same run', async (t) => {
  const plan = buildPlan(file, { ...probe, outputs: true, raw: true }, { scaler: { outputs: { mean: [1, 2], scale: [3, 4] } } })
  t.same(plan.nodes.length, 4)
  t.same(plan.outputs, [{ name: 'dense', node: 3, index: 0, undo: { mean: [1, 2], scale: [3, 4] } }])
})

t.test('any other layer gives its output', async (t) => {
  const [masking, lstm] = buildPlan(file, { ...probe, layers: ['masking', 'lstm', 'masking'], tensors: ['hidden', 'output'] }, {}).layers
  t.match(masking, { key: 'masking', type: 'Masking', units: null, axes: null, internals: [], outputs: [{ name: 'output', index: 0 }] })
  t.same(lstm.internals.map(({ name }) => name), ['hidden', 'mask'])
  t.same(lstm.outputs, [{ name: 'output', index: 0 }])
})

t.test('a layer that is not there', async (t) => {
  t.throws(() => buildPlan(file, { ...probe, layers: ['lstm', 'lstm_2'] }, {}), { code: 'unknown_name', pointer: '/layers/1', message: /"lstm_2".*"x", "masking", "lstm", "dense"/ })
})

t.test('a layer that has nothing of what is asked', async (t) => {
  const both = chain([null, 3], [file.graph.layers.lstm, layer('gru', 'GRU', { units: 4 })])
  t.same(buildPlan(both, { ...probe, tensors: ['cell'] }, {}).layers.map(({ key }) => key), ['lstm'])
  t.throws(() => buildPlan(both, { ...probe, layers: ['lstm', 'gru'], tensors: ['cell'] }, {}), { code: 'invalid_value', pointer: '/tensors', message: /"gru" \(GRU\) has none of cell/ })
  const gru = chain([null, 3], [layer('gru', 'GRU', { units: 4 })])
  t.throws(() => buildPlan(gru, { ...probe, tensors: ['cell'] }, {}), { code: 'invalid_value' })
})

t.test('a model without a recurrent layer', async (t) => {
  const dense = chain([3], [file.graph.layers.dense])
  t.throws(() => buildPlan(dense, probe, {}), { code: 'invalid_value', message: /no layer of this model is recurrent.*"x", "dense"/ })
  t.match(buildPlan(dense, { ...probe, layers: ['dense'] }, {}).layers, [{ key: 'dense' }])
})

t.test('a layer called twice is asked for by its path or by one of its calls', async (t) => {
  const { graph, ...rest } = file
  const twice = { ...rest, graph: { ...graph, nodes: graph.nodes.flatMap((node) => node.key === 'lstm' ? [{ ...node, key: 'lstm:0' }, { ...node, key: 'lstm:1' }] : node.key === 'dense' ? [] : [node]), outputs: [] } }
  t.same(buildPlan(twice, { ...probe, layers: ['lstm'] }, {}).layers.map(({ key }) => key), ['lstm:0', 'lstm:1'])
  t.same(buildPlan(twice, { ...probe, layers: ['lstm:1'] }, {}).layers.map(({ key }) => key), ['lstm:1'])
})

t.test('names of the internals', async (t) => {
  const lstm = layer('lstm', 'LSTM', { units: 4 })
  const gru = layer('gru', 'GRU', { units: 5 })
  t.same(names(lstm), ['hidden', 'cell', 'gates/input', 'gates/forget', 'gates/candidate', 'gates/output', 'final/hidden', 'final/cell', 'mask'])
  t.same(names(gru), ['hidden', 'gates/update', 'gates/reset', 'gates/candidate', 'final/hidden', 'mask'])
  t.same(names(layer('rnn', 'SimpleRNN', { units: 4 })), ['hidden', 'final/hidden', 'mask'])
  t.same(names(layer('rnn', 'SimpleRNN', { units: 4 }), ['contributions']), ['contributions/candidate/input', 'contributions/candidate/recurrent', 'contributions/candidate/bias', 'mask'])
  const both = { ...layer('bi', 'Bidirectional', {}), children: { forward: lstm, backward: gru } }
  t.same(names(both, ['hidden', 'cell']), ['forward/hidden', 'forward/cell', 'backward/hidden', 'mask'])
  const stack = { ...layer('rnn', 'RNN', {}), children: { cell: { ...layer('rnn/cells', 'StackedRNNCells', {}), children: { 0: layer('rnn/cells/0', 'LSTMCell', { units: 2 }), 1: layer('rnn/cells/1', 'GRUCell', { units: 3 }) } } } }
  t.same(names(stack, ['hidden', 'final']), ['cells/0/hidden', 'cells/0/final/hidden', 'cells/0/final/cell', 'cells/1/hidden', 'cells/1/final/hidden', 'mask'])
  const inner = { ...lstm, path: 'td/lstm' }
  const td = { ...layer('td', 'TimeDistributed', {}), children: { layer: inner } }
  t.same(internalsOf(td, ['hidden', 'final']), [{ name: 'lstm/hidden', stepAxis: 2 }, { name: 'lstm/final/hidden', stepAxis: null }, { name: 'lstm/final/cell', stepAxis: null }, { name: 'lstm/mask', stepAxis: 2 }])
  t.same(axesOf(td), ['batch', 'outer step', 'step', 'unit'])
  t.same(axesOf(layer('c', 'ConvLSTM2D', { filters: 2 })), ['batch', 'step', 'row', 'column', 'unit'])
  t.equal(isRecurrent({ ...td, children: { layer: layer('td/dense', 'Dense', {}) } }), false)
})

t.test('every kind of tensor has internals or none, never a name that no layer gives', async (t) => {
  const lstm = file.graph.layers.lstm
  t.same(tensorKinds.map((kind) => names(lstm, [kind]).length - 1), [1, 1, 4, 2, 0, 4, 12])
})

t.test('how many outputs a layer has', async (t) => {
  const stateful = chain([null, 3], [layer('lstm', 'LSTM', { units: 4, return_state: true })])
  t.same(buildPlan(stateful, { ...probe, tensors: ['output'] }, {}).layers[0].outputs.map(({ name }) => name), ['output', 'output_1', 'output_2'])
})
