import t from 'tap'
import { describeList, describeModel, describeSample } from '../../src/describe/describe.ts'
import type { Served } from '../../src/registry/entry.ts'
import type { Meta } from '../../src/registry/meta.ts'
import { decodeRequest } from '../../src/request/decode.ts'
import { graphOf, layer, sequences, served } from '../request/models.ts'
import { bidirectional, dense, gru, lstm, stacked } from './models.ts'

const receipt = { engine: 'tfjs', checked: ['gates'], maxDifference: 0, tolerance: 1e-5, sound: true }
const entry = (graph: ReturnType<typeof graphOf>, meta: Meta = {}): Served =>
  ({ key: 'm/1', id: 'm', version: 1, status: 'ready', digest: 'sha256:0', receipt, ...served(graph, meta) })

/** As it is sent: members without a value are not there. */
const sent = (value: object): any => JSON.parse(JSON.stringify(value))

const graph = graphOf({ x: { shape: [null, null, 2] } }, [[lstm('lstm', 2, 2), 'x'], [bidirectional('bi'), 'lstm'], [stacked('rnn'), 'bi'], [dense('y', 1, 1), 'rnn']])

t.test('the list: served and refused', async (t) => {
  const refused = { key: 'r/1', id: 'r', version: 1, status: 'refused', reason: 'Lambda', digest: '', file: null, meta: {} } as const
  t.same(sent(describeList([entry(graph, { description: 'words' }), refused])), {
    models: [
      { id: 'm', version: 1, status: 'ready', description: 'words', digest: 'sha256:0', format: 'keras', kerasVersion: '3.15.0', recurrentLayers: ['lstm', 'bi', 'rnn'] },
      { id: 'r', version: 1, status: 'refused', reason: 'Lambda' }
    ]
  })
})

t.test('a model', async (t) => {
  const body = sent(describeModel(entry(graph, { outputLabels: ['price'], features: ['a', 'b'], scaler: {}, score: { loss: 1 } })))
  t.same([body.id, body.version, body.format, body.kerasVersion, body.digest, body.receipt], ['m', 1, 'keras', '3.15.0', 'sha256:0', receipt])
  t.same(body.inputs, [{ name: 'x', shape: [null, null, 2], dtype: 'float32' }])
  t.same(body.outputs, [{ name: 'y', layer: 'y', output: 0, labels: ['price'] }])
  t.same([body.features, body.raw, body.score], [['a', 'b'], true, { loss: 1 }])
  t.same(body.layers.map(({ path, type }: Record<string, string>) => [path, type]), [['x', 'InputLayer'], ['lstm', 'LSTM'], ['bi', 'Bidirectional'], ['rnn', 'RNN'], ['y', 'Dense']])
  t.same(body.layers[4], { path: 'y', keys: ['y'], type: 'Dense', config: { units: 1 }, calls: [{ key: 'y', inbound: [{ key: 'rnn', output: 0 }], shape: [null, 1] }] })
})

t.test('how the layers are wired, with the shapes that need no run', async (t) => {
  const wired = graphOf({ x: { shape: [null, null, 2] }, h: { shape: [null, 2] } }, [[layer('encoder', 'GRU', { ...gru('g', 2, 2, true).config, return_state: true }, { weights: gru('g', 2, 2, true).weights }), 'x'], [gru('decoder', 2, 2, true), 'x'], [layer('pairs', 'Reshape', { target_shape: [-1, 4] }), 'decoder'], [layer('flat', 'Flatten'), 'pairs']])
  const [x, h, encoder, decoder, pairs, flat] = wired.nodes
  const states = (index: number) => ({ list: [{ ref: { node: index === 0 ? 1 : 2, index } }] })
  const nodes = [x, h, { ...encoder, args: [...encoder.args, ...states(0).list] }, { ...decoder, kwargs: { initial_state: states(1) } }, pairs, flat]
  const { layers } = sent(describeModel(entry({ ...wired, nodes })))
  t.same(layers.map(({ calls }: { calls: object[] }) => calls), [
    [{ key: 'x', inbound: [], shape: [null, null, 2] }],
    [{ key: 'h', inbound: [], shape: [null, 2] }],
    [{ key: 'encoder', inbound: [{ key: 'x', output: 0 }, { key: 'h', output: 0, argument: 'initial_state' }], shape: [null, null, 2], shapes: [[null, null, 2], [null, 2]] }],
    [{ key: 'decoder', inbound: [{ key: 'x', output: 0 }, { key: 'encoder', output: 1, argument: 'initial_state' }], shape: [null, null, 2] }],
    // An odd number of steps has no pairs.
    [{ key: 'pairs', inbound: [{ key: 'decoder', output: 0 }] }],
    [{ key: 'flat', inbound: [{ key: 'pairs', output: 0 }] }]
  ])
})

t.test('recurrent layers, with the names of what they show', async (t) => {
  const [first, bi, rnn] = sent(describeModel(entry(graph))).recurrentLayers
  t.same(first, {
    key: 'lstm',
    type: 'LSTM',
    units: 2,
    gates: ['input', 'forget', 'candidate', 'output'],
    states: ['hidden', 'cell'],
    axes: ['batch', 'step', 'unit'],
    options: { activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, return_sequences: true },
    tensors: ['lstm/hidden', 'lstm/cell', 'lstm/gates/input', 'lstm/gates/forget', 'lstm/gates/candidate', 'lstm/gates/output', 'lstm/final/hidden', 'lstm/final/cell']
  })
  t.same([bi.units, bi.options, bi.cells.map(({ place, type }: Record<string, string>) => [place, type])], [1, { merge_mode: 'concat' }, [['forward', 'GRU'], ['backward', 'GRU']]])
  t.ok(bi.tensors.includes('bi/backward/gates/reset') && bi.tensors.includes('bi/forward/final/hidden'))
  t.same(rnn.cells.map(({ place, type, states }: Record<string, unknown>) => [place, type, states]), [['cells/0', 'LSTMCell', ['hidden', 'cell']], ['cells/1', 'SimpleRNNCell', ['hidden']]])
})

t.test('a layer called twice, outputs of one layer, tokens, labels by output', async (t) => {
  const twice = graphOf({ x: { shape: [null, null], dtype: 'int32' } }, [[layer('e', 'Embedding', { input_dim: 7 }), 'x'], [gru('g', 1, 2, true), 'e']])
  const calls = { ...twice, nodes: [...twice.nodes.slice(0, 2), { ...twice.nodes[2], key: 'g:0' }, { ...twice.nodes[2], key: 'g:1' }], outputs: [{ name: 'g', ref: { node: 2, index: 0 } }, { name: 'g_1', ref: { node: 3, index: 1 } }] }
  const body = sent(describeModel(entry(calls, { outputLabels: { g_1: ['last'] } })))
  t.same(body.inputs, [{ name: 'x', shape: [null, null], dtype: 'int32', tokens: 7 }])
  t.same(body.outputs, [{ name: 'g', layer: 'g:0', output: 0 }, { name: 'g_1', layer: 'g:1', output: 1, labels: ['last'] }])
  t.same(body.recurrentLayers.map(({ key }: { key: string }) => key), ['g:0', 'g:1'])
})

t.test('a sample is what the model takes', async (t) => {
  const models = {
    free: sequences(null, 2),
    fixed: sequences(3, 2),
    ids: served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 7 }), 'x']])),
    oneId: served(graphOf({ x: { shape: [null, 2] } }, [[layer('e', 'Embedding', { input_dim: 1 }), 'x']])),
    two: served(graphOf({ x: { shape: [null, 2] }, y: { shape: [null, 1], dtype: 'int32' } }, [[layer('c', 'Concatenate'), 'x', 'y']]))
  }
  const shapes = { free: [1, 8, 2], fixed: [1, 3, 2], ids: [1, 8], oneId: [1, 2], two: [1, 2] }
  for (const [name, model] of Object.entries(models)) {
    const sample = describeSample({ id: name, ...model })
    t.equal(sample.model, name)
    const { batch } = decodeRequest(sample, model)
    t.same(batch.inputs.x.shape, shapes[name as keyof typeof shapes], name)
    t.same(describeSample({ id: name, ...model }), sample, 'the same each time')
  }
  const numbers = decodeRequest(describeSample({ id: 'free', ...models.free }), models.free).batch.inputs.x.data
  t.equal(new Set(numbers).size, 16)
})

t.test('the sample of statescope.json comes as it is', async (t) => {
  const inputs = { text: ['abc'] }
  t.same(describeSample({ id: 'm', ...sequences(3, 2, { sample: { inputs } }) }), { model: 'm', inputs })
  t.same(describeSample({ id: 'm', ...sequences(3, 2, { sample: { inputs: [[[1, 2]]], raw: true } }) }), { model: 'm', inputs: [[[1, 2]]], raw: true })
})
