import t from 'tap'
import type { Layer } from '../../src/model.ts'
import { describeWeights, type WeightsChoice } from '../../src/describe/weights.ts'
import { graphOf, layer, served } from '../request/models.ts'
import { floats, readNpz, type Found } from '../trace/readers.ts'
import { bidirectional, counted, dense, gru, lstm, normalization, simple, stacked } from './models.ts'

const chain = (layers: readonly Layer[]) => graphOf({ x: { shape: [null, null, 2] } }, layers.map((one, n) => [one, n === 0 ? 'x' : layers[n - 1].path]))

/** The answer for a chain of layers. */
function answer (layers: readonly Layer[], choice: Partial<WeightsChoice> = {}, keras: 1 | 2 | 3 = 3): Record<string, any> {
  const { file } = served(chain(layers))
  const bytes = describeWeights({ id: 'm', version: 2, digest: 'sha256:0', file: { ...file, keras } }, { values: true, layout: 'gates', ...choice })
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, any>
}

t.test('an LSTM gate by gate', async (t) => {
  const body = answer([lstm('lstm', 2, 3)])
  t.same([body.model, body.version, body.digest, Object.keys(body.layers)], ['m', 2, 'sha256:0', ['lstm']])
  const { type, units, gateOrder, weights } = body.layers.lstm
  t.same([type, units], ['LSTM', 2])
  t.same(gateOrder, [{ letter: 'i', gate: 'input' }, { letter: 'f', gate: 'forget' }, { letter: 'c', gate: 'candidate' }, { letter: 'o', gate: 'output' }])
  t.same(Object.keys(weights), ['W_i', 'U_i', 'b_i', 'W_f', 'U_f', 'b_f', 'W_c', 'U_c', 'b_c', 'W_o', 'U_o', 'b_o'])
  // kernel[row][column] is 8 * row + column; the third block has columns 4 and 5.
  t.same(weights.W_c, { shape: [3, 2], axes: ['feature', 'unit'], data: [[4, 5], [12, 13], [20, 21]] })
  t.same(weights.U_f, { shape: [2, 2], axes: ['unit', 'unit'], data: [[102, 103], [110, 111]] })
  t.same(weights.b_o, { shape: [2], axes: ['unit'], data: [206, 207] })
})

t.test('without values, without bias, one layer of several', async (t) => {
  const body = answer([lstm('a', 1, 2, { use_bias: false }), lstm('b', 1, 1)], { values: false, layer: 'a' })
  t.same(Object.keys(body.layers), ['a'])
  t.same(Object.keys(body.layers.a.weights), ['W_i', 'U_i', 'W_f', 'U_f', 'W_c', 'U_c', 'W_o', 'U_o'])
  t.same(body.layers.a.weights.W_o, { shape: [2, 1], axes: ['feature', 'unit'] })
})

t.test('a GRU has one bias or two', async (t) => {
  const { after, before } = answer([gru('after', 1, 2, true), gru('before', 1, 1, false)]).layers
  t.same(Object.keys(after.weights), ['W_z', 'U_z', 'b_z', 'rb_z', 'W_r', 'U_r', 'b_r', 'rb_r', 'W_h', 'U_h', 'b_h', 'rb_h'])
  t.same([after.weights.b_r.data, after.weights.rb_r.data, after.weights.rb_h.data], [[201], [204], [205]])
  t.same(Object.keys(before.weights), ['W_z', 'U_z', 'b_z', 'W_r', 'U_r', 'b_r', 'W_h', 'U_h', 'b_h'])
  t.same(before.gateOrder.map(({ letter }: { letter: string }) => letter), ['z', 'r', 'h'])
})

t.test('SimpleRNN, directions, stacked cells, wrapped layers and convolutions', async (t) => {
  const inner = graphOf({ 'td/in': { shape: [null, 2] } }, [[normalization('td/m/norm', 2), 'td/in'], [lstm('td/m/lstm', 1, 2), 'td/m/norm']])
  const image = layer('image', 'ConvLSTM2D', { filters: 1, padding: 'same', strides: [1, 1], activation: 'tanh', recurrent_activation: 'sigmoid' }, {
    weights: { kernel: counted(0, 1, 2, 1, 4), recurrent_kernel: counted(0, 1, 2, 1, 4), bias: counted(0, 4) }
  })
  const { simple: plain, bi, rnn, one, td, image: conv } = answer([
    simple('simple', 1, 2), bidirectional('bi'), stacked('rnn'),
    layer('one', 'RNN', {}, { children: { cell: gru('one/cell', 1, 2, true, 'GRUCell') } }),
    layer('td', 'TimeDistributed', {}, { children: { layer: layer('td/m', 'Functional', {}, { graph: inner }) } }),
    image
  ]).layers
  t.same(Object.keys(plain.weights), ['W', 'U', 'b'])
  t.same(Object.keys(bi), ['type', 'forward', 'backward'])
  t.same([bi.type, bi.backward.type, Object.keys(bi.forward.weights).length], ['Bidirectional', 'GRU', 12])
  t.same(Object.keys(rnn), ['type', 'cell', 'cells'])
  t.same([rnn.cells[0].type, rnn.cells[1].type, rnn.cells[0].weights.b_o.data], ['LSTMCell', 'SimpleRNNCell', [203]])
  t.same([one.type, one.cell, one.units, Object.keys(one.weights).length], ['RNN', 'GRUCell', 1, 12])
  t.same(Object.keys(td), ['type', 'm'])
  t.same(Object.keys(td.m), ['type', 'norm', 'lstm'])
  t.same([Object.keys(td.m.norm.weights), td.m.lstm.units], [['gamma', 'beta', 'moving_mean', 'moving_variance'], 1])
  t.same(conv.weights.W_f, { shape: [1, 2, 1, 1], axes: ['row', 'column', 'feature', 'unit'], data: [[[[1]], [[5]]]] })
})

t.test('the cells of an RNN that reads backwards say so', async (t) => {
  const line = 'the input is read from its last step to its first: t-1 is the step read before t'
  const turned = { ...stacked('rnn'), config: { go_backwards: true } }
  t.ok(answer([turned]).layers.rnn.cells[1].equations.includes(line))
  t.notOk(answer([stacked('rnn')]).layers.rnn.cells[1].equations.includes(line))
  t.ok(answer([lstm('l', 1, 2, { go_backwards: true })]).layers.l.equations.includes(line))
})

t.test('other layers by the names of Keras; those without weights only when they are asked for', async (t) => {
  const layers = [dense('d', 1, 2), layer('drop', 'Dropout')]
  t.same(answer(layers).layers, {
    d: { type: 'Dense', weights: { kernel: { shape: [2, 1], axes: ['feature', 'unit'], data: [[0], [1]] }, bias: { shape: [1], axes: ['unit'], data: [50] } } }
  })
  t.same(answer(layers, { layer: 'drop' }).layers, { drop: { type: 'Dropout', weights: {} } })
  t.throws(() => answer(layers, { layer: 'dense' }), { code: 'unknown_name', message: 'there is no layer "dense" in this model; its layers are "x", "d", "drop"' })
})

t.test('layout keras: the list of get_weights()', async (t) => {
  const layers = [bidirectional('bi'), stacked('rnn'), dense('d', 1, 2)]
  const { weights } = answer(layers, { layout: 'keras' })
  t.same(weights.map(({ index, layer, name }: Record<string, unknown>) => [index, layer, name]), [
    [0, 'bi', 'forward/kernel'], [1, 'bi', 'forward/recurrent_kernel'], [2, 'bi', 'forward/bias'],
    [3, 'bi', 'backward/kernel'], [4, 'bi', 'backward/recurrent_kernel'], [5, 'bi', 'backward/bias'],
    [6, 'rnn', 'cells/0/kernel'], [7, 'rnn', 'cells/0/recurrent_kernel'], [8, 'rnn', 'cells/0/bias'],
    [9, 'rnn', 'cells/1/kernel'], [10, 'rnn', 'cells/1/recurrent_kernel'], [11, 'rnn', 'cells/1/bias'],
    [12, 'd', 'kernel'], [13, 'd', 'bias']
  ])
  t.same(weights[2], { index: 2, layer: 'bi', name: 'forward/bias', shape: [2, 3], data: [[200, 201, 202], [203, 204, 205]] })
  t.same(answer(layers, { layout: 'keras', layer: 'd', values: false }).weights, [{ index: 12, layer: 'd', name: 'kernel', shape: [2, 1] }, { index: 13, layer: 'd', name: 'bias', shape: [1] }])
})

t.test('layout keras: Keras 2 lists what is trained first, within a wrapper only', async (t) => {
  // So in Keras 2.15 and 3.15: weights of TimeDistributed(Sequential([BatchNormalization, Dense])), then of a BatchNormalization.
  const inner = graphOf({ 'td/in': { shape: [null, 2] } }, [[normalization('td/m/norm', 2), 'td/in'], [dense('td/m/d', 1, 2), 'td/m/norm']])
  const layers = [layer('td', 'TimeDistributed', { trainable: true }, { children: { layer: layer('td/m', 'Functional', {}, { graph: inner }) } }), normalization('b', 2)]
  const names = (keras: 1 | 2 | 3): string[] => answer(layers, { layout: 'keras' }, keras).weights.map(({ name }: { name: string }) => name)
  const alone = ['gamma', 'beta', 'moving_mean', 'moving_variance']
  t.same(names(2), ['m/norm/gamma', 'm/norm/beta', 'm/d/kernel', 'm/d/bias', 'm/norm/moving_mean', 'm/norm/moving_variance', ...alone])
  t.same(names(3), ['m/norm/gamma', 'm/norm/beta', 'm/norm/moving_mean', 'm/norm/moving_variance', 'm/d/kernel', 'm/d/bias', ...alone])
})

t.test('a weight that is not finite', async (t) => {
  const broken = layer('d', 'Dense', { units: 1 }, { weights: { kernel: { shape: [2, 1], data: Float32Array.of(NaN, 0.1) } } })
  const body = answer([broken])
  t.same([body.layers.d.weights.kernel.data, body.nonFinite], [[[null], [0.1]], 1])
})

t.test('the arrays alone, under the places they have in the JSON', async (t) => {
  const inner = graphOf({ 'td/in': { shape: [null, 2] } }, [[normalization('td/m/norm', 2), 'td/in'], [lstm('td/m/lstm', 1, 2), 'td/m/norm']])
  const { file } = served(chain([bidirectional('bi'), stacked('rnn'), layer('td', 'TimeDistributed', {}, { children: { layer: layer('td/m', 'Functional', {}, { graph: inner }) } })]))
  const arrays = (layout: WeightsChoice['layout'], layer: string): Map<string, Found> =>
    readNpz(describeWeights({ id: 'm', version: 2, digest: 'sha256:0', file }, { values: true, layout, layer }, 'npz'))
  const bi = arrays('gates', 'bi')
  t.same([...bi.keys()].slice(0, 3), ['__metadata__', 'bi/forward/W_z', 'bi/forward/U_z'])
  t.equal(bi.size, 25)
  t.same(floats(bi.get('bi/backward/rb_h')!), [205])
  t.same([...arrays('gates', 'rnn').keys()].slice(-4), ['rnn/cells/0/b_o', 'rnn/cells/1/W', 'rnn/cells/1/U', 'rnn/cells/1/b'])
  t.ok(['td/m/norm/gamma', 'td/m/lstm/W_i'].every((name) => arrays('gates', 'td').has(name)))
  t.same([...arrays('keras', 'rnn').keys()].slice(-2), ['rnn/cells/1/recurrent_kernel', 'rnn/cells/1/bias'])
})
