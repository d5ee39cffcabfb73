import { readdirSync } from 'node:fs'
import t from 'tap'
import type { Layer, ModelFile } from '../../src/model.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { carries } from '../../src/plan/carried.ts'
import { readModel } from '../../src/registry/read.ts'
import { extract } from '../../src/run/extract.ts'
import { plainRuntime } from '../../src/run/plain-runtime.ts'
import { arrayDifference } from '../../src/run/receipt.ts'
import { numbers } from '../cells/support.ts'
import { chain, layer, maskedLstm, openLstm } from '../support/models.ts'

const rnn = (path: string, className: string, features: number, units: number, config: object = {}): Layer => {
  const blocks = { LSTM: 4, GRU: 3, SimpleRNN: 1 }[className]!
  return layer(path, className, { units, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, return_sequences: true, return_state: false, go_backwards: false, ...config }, {
    kernel: [features, blocks * units], recurrent_kernel: [units, blocks * units], bias: [blocks * units]
  })
}
const dense = (path: string, features: number, units: number, activation = 'linear'): Layer => layer(path, 'Dense', { units, activation, use_bias: true }, { kernel: [features, units], bias: [units] })
const both = (path: string, features: number): Layer => ({
  ...layer(path, 'Bidirectional', { merge_mode: 'sum' }), children: { forward: rnn(`${path}/forward`, 'LSTM', features, 3), backward: rnn(`${path}/backward`, 'LSTM', features, 3, { go_backwards: true }) }
})
const timeDistributed = (path: string, child: Layer): Layer => ({ ...layer(path, 'TimeDistributed', {}), children: { layer: child } })

/** The largest difference between the outputs of a sequence read at once and those of its parts, read one after the other from the states the ones before have left. */
function apart (file: ModelFile, size: number): number {
  const { runtime, resident } = plainRuntime()
  const plan = buildPlan(file, { layers: null, tensors: ['final'], steps: 'all', outputs: true, raw: false }, {})
  const [{ name, shape: [, ...rest], dtype }] = file.graph.inputs
  const each = rest.slice(1).reduce((a: number, b) => a * (b ?? 1), 1)
  const data = numbers(9 * each, 3).map((value) => dtype.startsWith('int') ? 1 + Math.floor(Math.abs(value) * 3) : value)
  const run = (from: number, to: number, initial: Parameters<typeof extract>[4]['initial']): ReturnType<typeof extract>['traced'] =>
    extract(runtime, resident, file, plan, { inputs: { [name]: { shape: [1, to - from, ...rest.slice(1).map(Number)], data: data.slice(from * each, to * each) } }, initial, size: 1 }).traced
  const whole = run(0, 9, {}).outputs[0].values
  let initial = {}
  let last = whole
  for (let from = 0; from < 9; from += size) {
    const { layers, outputs } = run(from, Math.min(9, from + size), initial)
    initial = Object.fromEntries(layers.map(({ key, tensors }) => [key, Object.fromEntries(Object.entries(tensors).map(([name, values]) => [name.replace('final/', ''), values]))]))
    last = outputs[0].values
  }
  // Of whole sequences the last step is what both have.
  const units = whole.shape[whole.shape.length - 1]
  const end = ({ data }: typeof whole): typeof whole => ({ shape: [units], data: data.slice(-units) })
  return arrayDifference(end(whole), end(last))
}

const ids = chain([null], [layer('embedding', 'Embedding', { input_dim: 5, output_dim: 3, mask_zero: false }, { embeddings: [5, 3] }), rnn('gru', 'GRU', 3, 4, { reset_after: false }), dense('dense', 4, 5, 'softmax')])

const read: Readonly<Record<string, ModelFile>> = {
  'an LSTM and a Dense': openLstm(3, 4),
  'one that gives its last state': chain([null, 3], [rnn('lstm', 'LSTM', 3, 4, { return_sequences: false }), dense('dense', 4, 2, 'softmax')]),
  'three cells one over the other, with layers between': chain([null, 3], [
    rnn('lstm', 'LSTM', 3, 4), layer('dropout', 'Dropout', { rate: 0.2 }), rnn('gru', 'GRU', 4, 2, { reset_after: false }), layer('activation', 'Activation', { activation: 'relu' }),
    dense('between', 2, 3), rnn('rnn', 'SimpleRNN', 3, 4, { return_sequences: false }), dense('dense', 4, 2)
  ]),
  'an Embedding': { ...ids, graph: { ...ids.graph, inputs: [{ ...ids.graph.inputs[0], dtype: 'int32' }] } },
  'a Dense in TimeDistributed, a normalization over features': chain([null, 3], [
    timeDistributed('td', dense('td/inner', 3, 3)), rnn('lstm', 'LSTM', 3, 4), layer('norm', 'LayerNormalization', { axis: [-1], epsilon: 0.001, center: true, scale: true }, { gamma: [4], beta: [4] }), dense('dense', 4, 2)
  ])
}

for (const [name, file] of Object.entries(read)) {
  t.test(`read on: ${name}`, async (t) => {
    t.equal(carries(file), true)
    for (const size of [1, 2, 4]) t.ok(apart(file, size) < 1e-7, `parts of ${size}`)
  })
}

const again: Readonly<Record<string, ModelFile>> = {
  'a fixed number of steps': chain([7, 3], [rnn('lstm', 'LSTM', 3, 4), dense('dense', 4, 2)]),
  'a layer that reads backwards': chain([null, 3], [rnn('lstm', 'LSTM', 3, 4, { go_backwards: true, return_sequences: false }), dense('dense', 4, 2)]),
  'both directions': chain([null, 3], [both('bi', 3), rnn('lstm', 'LSTM', 3, 4, { return_sequences: false }), dense('dense', 4, 2)]),
  'a convolution': chain([null, 3], [
    layer('conv', 'Conv1D', { filters: 3, kernel_size: [2], strides: [1], padding: 'causal', dilation_rate: [1], data_format: 'channels_last', activation: 'linear', use_bias: true, groups: 1 }, { kernel: [2, 3, 3], bias: [3] }),
    rnn('lstm', 'LSTM', 3, 4, { return_sequences: false }), dense('dense', 4, 2)
  ]),
  'a mean over the steps': chain([null, 3], [rnn('lstm', 'LSTM', 3, 4), layer('pool', 'GlobalAveragePooling1D', { data_format: 'channels_last', keepdims: false }), dense('dense', 4, 2)]),
  'a softmax over the steps': chain([null, 3], [rnn('lstm', 'LSTM', 3, 4), layer('softmax', 'Softmax', { axis: 1 }), dense('dense', 4, 2)]),
  'a mask': maskedLstm(3, 4),
  'a loop inside TimeDistributed': chain([null, 4, 3], [timeDistributed('td', rnn('td/inner', 'LSTM', 3, 4, { return_sequences: false })), rnn('lstm', 'LSTM', 4, 4, { return_sequences: false }), dense('dense', 4, 2)]),
  'nothing recurrent': chain([null, 3], [dense('dense', 3, 2)])
}

for (const [name, file] of Object.entries(again)) t.test(`read again: ${name}`, async (t) => t.equal(carries(file), false))

t.test('the difference between reading on and reading again shows where there is one', async (t) => {
  for (const name of ['a layer that reads backwards', 'both directions', 'a convolution', 'a mean over the steps']) {
    t.ok(apart(again[name], 1) > 1e-3, name)
  }
})

t.test('a last state that comes back to the steps, a state that is wired', async (t) => {
  const one = openLstm(3, 4)
  const { graph } = one
  const encoder = rnn('encoder', 'LSTM', 3, 4, { return_sequences: false, return_state: true })
  // The decoder starts from what the encoder made of the very same steps: read on, the first would not know of the later ones.
  const [input, lstm, end] = graph.nodes
  const wired: ModelFile = {
    ...one,
    graph: {
      ...graph,
      layers: { ...graph.layers, encoder },
      nodes: [input, { key: 'encoder', layer: 'encoder', args: lstm.args, kwargs: {} }, { ...lstm, kwargs: { initial_state: { list: [1, 2].map((index) => ({ ref: { node: 1, index } })) } } }, { ...end, args: [{ ref: { node: 2, index: 0 } }] }],
      outputs: [{ name: 'dense', ref: { node: 3, index: 0 } }]
    }
  }
  t.equal(carries(wired), false)
  const back = chain([null, 3], [rnn('lstm', 'LSTM', 3, 3, { return_sequences: false }), layer('expand', 'Reshape', { target_shape: [1, 3] }), layer('add', 'Add', {}), dense('dense', 3, 2)])
  const added: ModelFile = { ...back, graph: { ...back.graph, nodes: back.graph.nodes.map((node) => node.key === 'add' ? { ...node, args: [{ list: [{ ref: { node: 0, index: 0 } }, { ref: { node: 2, index: 0 } }] }] } : node) } }
  t.equal(carries(added), false)
})

t.test('what is proved of models that Keras made holds of their numbers', async (t) => {
  let proved = 0
  for (const name of readdirSync('test/goldens/models').filter((name) => /any|lstm|gru|rnn/.test(name) && /k3.*\.keras$/.test(name))) {
    const file = await readModel({ main: `test/goldens/models/${name}`, weights: null })
    if (!carries(file)) continue
    proved++
    t.ok(apart(file, 1) < 1e-7, name)
  }
  t.ok(proved > 0, `${proved} of them`)
})
