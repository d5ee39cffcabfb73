import t from 'tap'
import type { Graph } from '../../src/model.ts'
import { flatten } from '../../src/registry/flatten.ts'
import { parseJson } from '../../src/registry/json.ts'
import { originOf } from '../../src/registry/origin.ts'
import { Topology } from '../../src/registry/topology.ts'
import { entry, input, lstm, sequential } from './files.ts'

const graphOf = (architecture: unknown, version: string): Graph => flatten(new Topology(originOf(architecture, [version])).model(architecture), new Map()).graph

type Entry = Record<string, unknown>

/** A layer of a functional model; `nodes` are its inbound_nodes. */
const node = (className: string, config: Entry, nodes: readonly unknown[], more: Entry = {}): Entry => ({ ...entry(className, config, more), name: config.name, inbound_nodes: nodes })
const x = (name: string, shape: readonly (number | null)[] = [null, 4, 2]): Entry => node('InputLayer', { name, batch_input_shape: shape, dtype: 'float32' }, [])
const functional = (layers: readonly unknown[], inputs: unknown, outputs: unknown, name = 'model'): Entry => entry('Functional', { name, layers, input_layers: inputs, output_layers: outputs })
const dense = (name: string, from: string, call = 0): Entry => node('Dense', { name, units: 2 }, [[[from, call, 0, {}]]])
const keys = (graph: Graph): string[] => graph.nodes.map(({ key }) => key)
const tensor = (layer: string, call = 0, index = 0): Entry => ({ class_name: '__keras_tensor__', config: { shape: [null], dtype: 'float32', keras_history: [layer, call, index] } })
const call = (args: readonly unknown[], kwargs: Entry = {}): Entry => ({ args, kwargs })

t.test('Sequential: with an InputLayer, with the shape in the first layer, and as the bare list of Keras 1', async (t) => {
  const plain = graphOf(sequential(input, lstm), '2.15.0')
  t.same(keys(plain), ['x', 'lstm'])
  t.same(plain.inputs, [{ name: 'x', node: 0, shape: [null, 4, 2], dtype: 'float32' }])
  t.same(plain.outputs, [{ name: 'lstm', ref: { node: 1, index: 0 } }])
  const first = graphOf(sequential(entry('LSTM', { name: 'a', units: 1, batch_input_shape: [2, null, 3] })), '2.3.0')
  t.same(first.inputs, [{ name: 'a_input', node: 0, shape: [2, null, 3], dtype: 'float32' }])
  const bare = graphOf({ class_name: 'Sequential', config: [entry('Embedding', { name: 'e', input_dim: 5, output_dim: 2, input_length: 7 })] }, '1.2.2')
  t.same(bare.inputs, [{ name: 'e_input', node: 0, shape: [null, 7], dtype: 'int32' }])
  const built = graphOf(entry('Sequential', { name: 'm', layers: [lstm], build_input_shape: [null, 4, 2] }), '3.8.0')
  t.same(built.inputs[0].shape, [null, 4, 2])
})

t.test('Keras 2: tensors and constants among the named arguments, lists, a layer called twice', async (t) => {
  const graph = graphOf(functional([
    x('a'), x('b'),
    node('LSTM', { name: 'enc', units: 3, return_state: true }, [[['a', 0, 0, {}]]]),
    node('LSTM', { name: 'dec', units: 3 }, [[['b', 0, 0, { initial_state: [['enc', 0, 1], ['enc', 0, 2]], mask: null, training: false }]]]),
    node('Dense', { name: 'd', units: 2 }, [[['dec', 0, 0, {}]], [['enc', 0, 0, {}]]]),
    node('Add', { name: 'sum' }, [[['d', 0, 0, {}], ['d', 1, 0, {}]]]),
    node('Multiply', { name: 'scaled' }, [[['sum', 0, 0, {}], ['_CONSTANT_VALUE', -1, 2.5, {}]]])
  ], [['a', 0, 0], ['b', 0, 0]], [['scaled', 0, 0], ['enc', 0, 0], ['enc', 0, 1]]), '2.15.0')
  const at = Object.fromEntries(graph.nodes.map(({ key }, n) => [key, n]))
  t.same(new Set(keys(graph)), new Set(['a', 'b', 'enc', 'dec', 'd:0', 'd:1', 'sum', 'scaled']))
  t.same(graph.nodes[at.dec].kwargs, { initial_state: { list: [{ ref: { node: at.enc, index: 1 } }, { ref: { node: at.enc, index: 2 } }] } }, 'None and training=False are left out')
  t.same(graph.nodes[at['d:1']].args, [{ ref: { node: at.enc, index: 0 } }])
  t.same(graph.nodes[at.sum].args, [{ list: [{ ref: { node: at['d:0'], index: 0 } }, { ref: { node: at['d:1'], index: 0 } }] }])
  t.same(graph.nodes[at.scaled].args, [{ list: [{ ref: { node: at.sum, index: 0 } }, { value: 2.5 }] }])
  t.same(graph.outputs.map(({ name, ref }) => [name, ref.index]), [['scaled', 0], ['enc', 0], ['enc_1', 1]], 'outputs of one layer are numbered')
})

t.test('Keras 2: a dict, and a leaf without a list around it', async (t) => {
  const graph = graphOf(functional([
    x('b'), x('a'),
    node('Add', { name: 'sum' }, [{ second: ['b', 0, 0, {}], first: ['a', 0, 0, {}] }]),
    node('Dense', { name: 'd', units: 1 }, [['sum', 0, 0, {}]])
  ], { p: ['b', 0, 0], o: ['a', 0, 0] }, ['d', 0, 0]), '2.15.0')
  t.same(graph.inputs.map(({ name }) => name), ['a', 'b'], 'by sorted keys, as Keras flattens')
  const ref = (name: string): object => ({ ref: { node: graph.nodes.findIndex(({ key }) => key === name), index: 0 } })
  t.same(graph.nodes.find(({ key }) => key === 'sum')!.args, [{ list: [ref('a'), ref('b')] }])
  t.same(graph.nodes.find(({ key }) => key === 'd')!.args, [ref('sum')])
})

t.test('Keras 3: args and kwargs, operations between layers, one input and output without a list', async (t) => {
  const graph = graphOf(functional([
    node('InputLayer', { name: 'ids', batch_shape: [null, 5], dtype: 'int32' }, []),
    node('NotEqual', { name: 'kept' }, [call([tensor('ids'), 0])], { module: 'keras.src.ops.numpy' }),
    node('Embedding', { name: 'e', input_dim: 4, output_dim: 2 }, [call([tensor('ids')])]),
    node('GRU', { name: 'g', units: 2 }, [call([tensor('e')], { training: false, mask: tensor('kept'), initial_state: null })]),
    node('Concatenate', { name: 'c' }, [call([[tensor('g'), tensor('g')]])])
  ], ['ids', 0, 0], ['c', 0, 0]), '3.8.0')
  t.same(graph.nodes.map(({ key, args, kwargs }) => [key, args, kwargs]), [
    ['ids', [], {}],
    ['kept', [{ ref: { node: 0, index: 0 } }, { value: 0 }], {}],
    ['e', [{ ref: { node: 0, index: 0 } }], {}],
    ['g', [{ ref: { node: 2, index: 0 } }], { mask: { ref: { node: 1, index: 0 } } }],
    ['c', [{ list: [{ ref: { node: 3, index: 0 } }, { ref: { node: 3, index: 0 } }] }], {}]
  ])
  t.equal(graph.layers.kept.className, 'ops.NotEqual')
})

t.test('nested models at any depth, called several times: paths, keys, and where their outputs come from', async (t) => {
  const inmost = functional([x('ix'), dense('d', 'ix')], [['ix', 0, 0]], [['d', 0, 0]], 'inmost')
  const inner = functional([x('mx'), { ...inmost, name: 'inmost', inbound_nodes: [[['mx', 0, 0, {}]]] }, node('LSTM', { name: 'lstm', units: 2, return_sequences: true }, [[['inmost', 1, 0, {}]]])], [['mx', 0, 0]], [['lstm', 0, 0]], 'inner')
  const outer = functional([x('x'), { ...inner, name: 'inner', inbound_nodes: [[['x', 0, 0, {}]], [['inner', 1, 0, {}]]] }], [['x', 0, 0]], [['inner', 2, 0]])
  const graph = graphOf(outer, '2.15.0')
  t.same(keys(graph), ['x', 'inner:0/inmost/d', 'inner:0/lstm', 'inner:1/inmost/d', 'inner:1/lstm'])
  t.same(Object.keys(graph.layers), ['x', 'inner/inmost/d', 'inner/lstm'])
  t.same(graph.nodes.map(({ args }) => args), [[], ...[0, 1, 2, 3].map((n) => [{ ref: { node: n, index: 0 } }])])
  t.same(graph.outputs, [{ name: 'inner', ref: { node: 4, index: 0 } }])

  const second = functional([x('x'), { ...inner, name: 'inner', inbound_nodes: [call([tensor('x')]), call([tensor('inner', 0)])] }], [['x', 0, 0]], [['inner', 2, 0]])
  t.same(graphOf(second, '3.8.0').outputs, graph.outputs, 'Keras 3 counts the calls from 0 among layers and from 1 among outputs')
  const unbuilt = functional([x('x'), { ...sequential(entry('Dense', { name: 'd', units: 1, batch_input_shape: [null, 2] })), name: 's', inbound_nodes: [[['x', 0, 0, {}]]] }], [['x', 0, 0]], [['s', 0, 0]])
  t.same(keys(graphOf(unbuilt, '2.15.0')), ['x', 's/d'], 'a Sequential that had no input counts from 0')
})

t.test('a nested model is given a mask: it is laid over the input', async (t) => {
  const inner = functional([x('ix'), node('LSTM', { name: 'l', units: 1 }, [call([tensor('ix')])])], ['ix', 0, 0], ['l', 0, 0], 'inner')
  const graph = graphOf(functional([x('x'), x('m', [null, 4]), { ...inner, name: 'inner', inbound_nodes: [call([tensor('x')], { mask: tensor('m') })] }], [['x', 0, 0], ['m', 0, 0]], [['inner', 1, 0]]), '3.8.0')
  t.same(graph.nodes.slice(2).map(({ key, args }) => [key, args]), [
    ['inner/__mask', [{ ref: { node: 0, index: 0 } }, { ref: { node: 1, index: 0 } }]],
    ['inner/l', [{ ref: { node: 2, index: 0 } }]]
  ])
})

t.test('wrappers and cells: paths, roles, and what Keras makes of them', async (t) => {
  const graph = graphOf(sequential(input,
    entry('Bidirectional', { name: 'bi', layer: entry('GRU', { name: 'g', units: 2, return_sequences: true }) }),
    entry('TimeDistributed', { name: 'td', layer: entry('Dense', { name: 'own', units: 3 }) }),
    entry('RNN', { name: 'rnn', cell: entry('StackedRNNCells', { cells: [entry('LSTMCell', { units: 2 }), entry('GRUCell', { units: 1 })] }) })), '2.15.0')
  const { bi, td, rnn } = graph.layers
  t.same(Object.entries(bi.children).map(([role, { path, config }]) => [role, path, config.go_backwards]), [['forward', 'bi/forward', false], ['backward', 'bi/backward', true]])
  t.equal(bi.config.merge_mode, 'concat')
  t.same([td.children.layer.path, rnn.children.cell.path], ['td/own', 'rnn/cell'])
  t.same(Object.entries(rnn.children.cell.children).map(([role, { path, className }]) => [role, path, className]), [['0', 'rnn/cells/0', 'LSTMCell'], ['1', 'rnn/cells/1', 'GRUCell']])
  const inside = graphOf(sequential(input, entry('TimeDistributed', { name: 'td', layer: sequential(entry('InputLayer', { name: 'ix', batch_input_shape: [null, 2] }), entry('Dense', { name: 'd', units: 1 })) })), '2.15.0')
  const { className, path, graph: own } = inside.layers.td.children.layer
  t.same([className, path, keys(own!)], ['Functional', 'td/model', ['td/model/ix', 'td/model/d']], 'a model inside a wrapper keeps its graph')
})

t.test('one layer in two places of an archive is one; in a legacy file the numbers of objects mean nothing', async (t) => {
  const specs = (more: Entry): number => {
    const shared = (name: string): Entry => ({ ...functional([x('ix'), { ...dense('d', 'ix'), shared_object_id: 7, ...more }], [['ix', 0, 0]], [['d', 0, 0]]), name, inbound_nodes: [[['x', 0, 0, {}]]] })
    const { layers } = new Topology(originOf({}, ['2.15.0'])).model(functional([x('x'), shared('a'), shared('b')], [['x', 0, 0]], [['a', 1, 0], ['b', 1, 0]]))
    return new Set(layers.slice(1).map(({ model }) => model!.layers[1])).size
  }
  t.same([specs({ module: 'keras.layers' }), specs({})], [1, 2])
})

const refusedAs = (architecture: unknown, message: RegExp, version = '2.15.0', code = 'unsupported_layer'): void => {
  t.throws(() => graphOf(architecture, version), { code, message }, String(message))
}

t.test('what cannot be computed is refused, with layer, class and what to do', async () => {
  refusedAs(sequential(input, entry('Lambda', { name: 'f' })), /layer "f" \(Lambda\).*replace it with a Keras layer/)
  refusedAs(functional([x('x'), node('TFOpLambda', { name: 'tf.math.add', function: 'math.add' }, [['x', 0, 0, { y: 1 }]])], [['x', 0, 0]], [['tf.math.add', 0, 0]]), /"tf.math.add" \(TFOpLambda\)/)
  refusedAs(sequential(input, entry('Custom>Odd', { name: 'o' })), /"o" \(Custom>Odd\).*own/)
  refusedAs(sequential(input, entry('Odd', { name: 'o' }, { module: 'mine', registered_name: 'Odd' })), /"o" \(Odd\)/)
  refusedAs(sequential(input, entry('Nothing', { name: 'n' })), /"n" \(Nothing\)/)
  refusedAs(sequential(input, entry('constructor', { name: 'n' })), /"n" \(constructor\)/)
  refusedAs(sequential(input, entry('WithMask', { name: 'n' }, { module: 'keras.src.ops' })), /operation WithMask/, '3.8.0')
  refusedAs(sequential(input, entry('RNN', { name: 'r', cell: entry('PeepholeLSTMCell', { units: 2 }) })), /"r\/cell" \(PeepholeLSTMCell\)/)
  refusedAs(sequential(input, entry('RNN', { name: 'r', cell: entry('LSTM', { units: 2 }) })), /"r\/cell" \(LSTM\).*runs cells/)
  refusedAs(sequential(input, entry('Dense', { name: 'd', units: 1, dtype: { class_name: 'QuantizedDTypePolicy', config: { name: 'int8_from_float32' } } })), /quantised/, '3.8.0')
  refusedAs(sequential(input, entry('MultiHeadAttention', { name: 'm', num_heads: 1, key_dim: 1, use_gate: true })), /use_gate/, '3.8.0')
  refusedAs(functional([x('x'), node('Dropout', { name: 'd', rate: 0.5 }, [[['x', 0, 0, { training: true }]]])], [['x', 0, 0]], [['d', 0, 0]]), /"d" \(Dropout\).*training=True/)
  refusedAs(sequential(entry('InputLayer', { name: 'x', batch_input_shape: [null, 4, 2], ragged: true }), lstm), /ragged/)
  const inner = functional([x('ix'), dense('d', 'ix')], [['ix', 0, 0]], [['d', 0, 0]], 'inner')
  refusedAs(functional([x('x'), { ...inner, name: 'inner', inbound_nodes: [[['x', 0, 0, { flag: 3 }]]] }], [['x', 0, 0]], [['inner', 1, 0]]), /"inner" is called with flag/)
})

t.test('what is no model is a bad file, and says where', async () => {
  const bad = (architecture: unknown, message: RegExp, version = '2.15.0'): void => refusedAs(architecture, message, version, 'bad_file')
  bad('text', /not an object/)
  bad(lstm, /single layer/)
  bad(sequential(), /no layers/)
  bad(sequential(entry('Dense', { name: 'd', units: 1 })), /shape of its input/)
  bad(sequential(input, lstm, lstm), /two layers named "lstm"/)
  bad(sequential(input, entry('LSTM', { name: '__proto__', units: 1 })), /name that cannot be used/)
  for (const units of [0, -3, 2.5, '4', 1e12, true]) bad(sequential(input, entry('LSTM', { name: 'l', units })), /"units" is .*whole number from 1/)
  bad(sequential(entry('InputLayer', { name: 'x', batch_input_shape: [null, -4] }), lstm), /"x" has no usable shape/)
  bad(functional([x('x'), dense('a', 'b'), dense('b', 'a')], [['x', 0, 0]], [['a', 0, 0]]), /round a circle/)
  bad(functional([x('x'), dense('a', 'gone')], [['x', 0, 0]], [['a', 0, 0]]), /"gone", which it does not have/)
  bad(functional([x('x'), dense('a', 'x')], [['x', 0, 0]], [['gone', 0, 0]]), /"gone"/)
  bad(functional([x('x'), dense('a', 'x'), dense('b', 'a', 1)], [['x', 0, 0]], [['b', 0, 0]]), /call 1 of layer "a"/)
  bad(functional([x('x'), dense('a', 'x')], [['a', 0, 0]], [['a', 0, 0]]), /input "a".*not an InputLayer/)
  bad(functional([x('x'), x('stray'), dense('a', 'x')], [['x', 0, 0]], [['a', 0, 0]]), /"stray" is not among the inputs/)
  bad(functional([x('x'), node('Dense', { name: 'd', units: 1 }, [[]])], [['x', 0, 0]], [['d', 0, 0]]), /reads nothing/)
  bad(functional([x('x'), x('x/d'), { ...functional([x('ix'), dense('d', 'ix')], [['ix', 0, 0]], [['d', 0, 0]]), name: 'x', inbound_nodes: [] }], [['x', 0, 0]], [['x', 0, 0]]), /two layers named "x"/)
  bad(sequential(input, entry('Bidirectional', { name: 'b', layer: entry('LSTM', { units: 1 }), backward_layer: entry('LSTM', { units: 1 }) })), /same direction/)
  bad(sequential(input, entry('RNN', { name: 'r', cell: entry('StackedRNNCells', { cells: [] }) })), /no cells/)
  const nested = { ...functional([x('ix'), dense('d', 'ix')], [['ix', 0, 0]], [['d', 0, 0]]), name: 'n', inbound_nodes: [[['x', 0, 0, {}], ['x', 0, 0, {}]]] }
  bad(functional([x('x'), nested], [['x', 0, 0]], [['n', 1, 0]]), /"n" has 1 inputs and is called on 2/)
  bad(functional([x('x'), { ...nested, inbound_nodes: [[['x', 0, 0, {}]]] }], [['x', 0, 0]], [['n', 5, 0]]), /calls of the nested model "n"/)
  const twin = functional([x('x'), { ...nested, name: 'n', inbound_nodes: [[['x', 0, 0, {}]]] }, dense('n/d', 'x')], [['x', 0, 0]], [['n', 1, 0], ['n/d', 0, 0]])
  bad(twin, /two layers would be addressed as "n\/d"/)
})

t.test('a model of thousands of layers, told backwards, and one that nests too deep', async (t) => {
  const count = 5000
  const layers = [...Array.from({ length: count }, (_, n) => dense(`d${count - n}`, n === count - 1 ? 'x' : `d${count - n - 1}`)), x('x')]
  t.equal(graphOf(functional(layers, [['x', 0, 0]], [[`d${count}`, 0, 0]]), '2.15.0').nodes.length, count + 1)
  t.throws(() => parseJson('['.repeat(1000) + ']'.repeat(1000), 'config'), { code: 'bad_file', message: /nests more than/ })
  t.throws(() => graphOf(sequential(input, ...Array.from({ length: 8001 }, (_, n) => entry('Dense', { name: `d${n}`, units: 1 }))), '2.15.0'), { code: 'bad_file', message: /more than 8000 layers/ })
})

t.test("Python's JSON", async (t) => {
  t.same(parseJson('{"a": -Infinity, "b": [Infinity, "NaN Infinity \\" -Infinity"]}', 'x'), { a: -Infinity, b: [Infinity, 'NaN Infinity " -Infinity'] })
  t.throws(() => parseJson('{"a": NaN}', 'model_config'), { code: 'bad_file', message: /"model_config" is not JSON/ })
})
