import t from 'tap'
import { onnxFile } from '../../src/export/onnx.ts'
import type { Layer, ModelFile, Values } from '../../src/model.ts'
import { planForNames } from '../../src/plan/kept.ts'
import type { Served } from '../../src/registry/entry.ts'
import type { Meta } from '../../src/registry/meta.ts'
import { extract } from '../../src/run/extract.ts'
import { plainRuntime } from '../../src/run/plain-runtime.ts'
import { arrayDifference } from '../../src/run/receipt.ts'
import { chain, layer, maskedLstm, openLstm } from '../support/models.ts'
import { described, open } from './reading.ts'

const entryOf = (file: ModelFile, meta: Meta = {}): Served => ({ key: 'm/3', id: 'm', version: 3, status: 'ready', digest: 'sha256:00', file, meta })
const bytesOf = (file: ModelFile, words: readonly string[], meta?: Meta): Uint8Array => Buffer.concat(onnxFile(entryOf(file, meta), words, '1.2.3', (n) => `/outputs/${n}`))

/** Sequences with steps of zeros in them, at other places in each. */
const sequences = (...shape: number[]): Values => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.floor(n / shape[2]) % 4 === 1 ? 0 : Math.sin(n * 1.7 + 1)) })

/** How far the file is from float64, relative to max(1, |value|): the farthest of these names, over batches and lengths. */
async function farthest (file: ModelFile, names: readonly string[], lengths: readonly number[]): Promise<number> {
  const opened = await open(bytesOf(file, names))
  const plan = planForNames(file, names, () => '')
  let worst = 0
  for (const size of [1, 2, 5]) {
    for (const length of lengths) {
      const x = sequences(size, length, file.graph.inputs[0].shape[2]!)
      const given = await opened.run({ x })
      const { runtime, resident } = plainRuntime()
      const { traced } = extract(runtime, resident, file, plan, { size, inputs: { x }, initial: {} })
      for (const { key, tensors } of traced.layers) {
        for (const [name, values] of Object.entries(tensors)) {
          const own = given.get(`${key}/${name}`)!
          worst = Math.max(worst, own.shape.join() === values.shape.join() ? arrayDifference(values, own) : Infinity)
        }
      }
    }
  }
  await opened.close()
  return worst
}

t.test('one file serves every batch and every length, with a mask and without, by a kernel and by a loop', async (t) => {
  for (const [what, file] of Object.entries({ masked: maskedLstm(3, 5), open: openLstm(3, 5) })) {
    for (const names of [['lstm/hidden', 'lstm/cell', 'lstm/final/hidden'], ['lstm/hidden', 'lstm/gates/forget', 'lstm/preactivations/candidate', 'lstm/contributions/output/recurrent', 'dense/output']]) {
      const far = await farthest(file, names, [1, 4, 9])
      t.ok(far < 1e-6, `${what}, ${names.join()}: ${far}`)
    }
  }
})

t.test('activations in every combination, where a kernel does the recurrence', async (t) => {
  const activations = ['tanh', 'sigmoid', 'hard_sigmoid', 'relu']
  for (const [className, gates] of [['LSTM', 4], ['GRU', 3]] as const) {
    for (const keras of [2, 3] as const) {
      for (const activation of activations) {
        for (const recurrent of activations) {
          const file = chain([null, 3], [layer('own', className, { units: 4, activation, recurrent_activation: recurrent, use_bias: true, return_sequences: true, reset_after: false }, {
            kernel: [3, gates * 4], recurrent_kernel: [4, gates * 4], bias: [gates * 4]
          })], keras)
          const far = await farthest(file, ['own/hidden'], [6])
          t.ok(far < 2e-6, `${className} of Keras ${keras}, ${activation} and ${recurrent}: ${far}`)
          t.ok(described(bytesOf(file, ['own/hidden'])).nodes.some(({ op }) => op === className), 'is a kernel')
        }
      }
    }
  }
})

t.test('what begins names stands for all of them; the model\'s own outputs are always there', async (t) => {
  const outputs = (...words: string[]): string[] => described(bytesOf(maskedLstm(3, 2), words)).outputs.map(({ name }) => name)
  t.same(outputs(), ['dense'])
  t.same(outputs('dense'), ['dense', 'dense/output'])
  t.same(outputs('lstm/gates', 'lstm/hidden', 'lstm/hidden'), ['dense', 'lstm/hidden', 'lstm/gates/input', 'lstm/gates/forget', 'lstm/gates/candidate', 'lstm/gates/output'])
  t.equal(outputs('lstm').length, 1 + 2 + 4 + 2 + 1 + 4 + 12 + 1)
  t.notOk(described(bytesOf(openLstm(3, 2), ['lstm'])).outputs.some(({ name }) => name === 'lstm/mask'), 'a mask only where there is one')
})

t.test('names that the model does not give', async (t) => {
  t.throws(() => bytesOf(maskedLstm(3, 2), ['lstm/hidden', 'lstm/hiden']), { code: 'unknown_name', pointer: '/outputs/1', message: /layer "lstm" gives "lstm\/hidden"/ })
  t.throws(() => bytesOf(openLstm(3, 2), ['lstm/mask']), { code: 'unknown_name', pointer: '/outputs/0', message: /no step of layer "lstm" is masked/ })
  for (const name of ['', 'constructor', '__proto__', 'toString', 'lst', 'lstm/', 'x', 'x/output']) t.throws(() => bytesOf(openLstm(3, 2), [name]), { code: 'unknown_name' }, JSON.stringify(name))
})

t.test('a stranger\'s names stay what they are, and nothing else in the file takes them', async (t) => {
  for (const name of ['it\'s "new"\nhere', 'a/b', 't0', 't7', '__proto__', 'constructor', 'Σ, ö', 'lstm/hidden']) {
    const { graph: { layers } } = openLstm(3, 2)
    const lstm: Layer = { ...layers.lstm, path: name }
    const chained = chain([null, 3], [lstm, layers.dense])
    const file: ModelFile = { ...chained, graph: { ...chained.graph, inputs: [{ ...chained.graph.inputs[0], name: 't1' }] } }
    const opened = await open(bytesOf(file, [`${name}/hidden`, `${name}/gates/forget`]))
    t.same([opened.inputs, opened.outputs], [['t1'], ['dense', `${name}/hidden`, `${name}/gates/forget`]])
    const given = await opened.run({ t1: sequences(2, 3, 3) })
    t.same(given.get(`${name}/hidden`)!.shape, [2, 3, 2], JSON.stringify(name))
    await opened.close()
  }
})

t.test('an output that has the name of an input', async (t) => {
  const file = openLstm(3, 2)
  const through: ModelFile = { ...file, graph: { ...file.graph, outputs: [{ name: 'x', ref: { node: 0, index: 0 } }, ...file.graph.outputs] } }
  const opened = await open(bytesOf(through, []))
  t.same(opened.outputs, ['x/output', 'dense'])
  const x = sequences(1, 2, 3)
  t.same((await opened.run({ x })).get('x/output')!.data, x.data)
  await opened.close()
})

t.test('what the file says of itself', async (t) => {
  const file = maskedLstm(3, 2)
  const scaler = { inputs: { mean: [1, 2, 3], scale: [1, 1, 2] } }
  const { ir, opset, doc, properties: { inputs, outputs, ...properties }, ...graph } = described(bytesOf(file, ['lstm/hidden', 'lstm/final/cell', 'lstm/mask'], { scaler, features: ['a', 'b', 'c'] }))
  t.same([ir, opset], [8, 18])
  t.match(doc, /^The Keras model m, version 3 \(sha256:00\)/)
  t.same(properties, { model: 'm', version: '3', digest: 'sha256:00', keras: '3', statescope: '1.2.3', scaler: JSON.stringify(scaler), features: '["a","b","c"]' })
  t.same(JSON.parse(inputs), { x: { axes: ['batch', 'step', 'feature'] } })
  t.same(JSON.parse(outputs), {
    dense: { layer: 'dense', type: 'Dense', axes: ['batch', 'step', 'feature'] },
    'lstm/hidden': { layer: 'lstm', type: 'LSTM', axes: ['batch', 'step', 'unit'] },
    'lstm/final/cell': { layer: 'lstm', type: 'LSTM', axes: ['batch', 'unit'] },
    'lstm/mask': { layer: 'lstm', type: 'LSTM', axes: ['batch', 'step'] }
  })
  t.same(graph.inputs, [{ name: 'x', sizes: ['batch', 'step', 3], doc: '[batch,step,feature]' }])
  t.same(graph.outputs.map(({ name, sizes }) => [name, sizes]), [['dense', ['batch', 'step', 2]], ['lstm/hidden', ['batch', 'step', 2]], ['lstm/final/cell', ['batch', 2]], ['lstm/mask', ['batch', 'step']]])
  t.equal(graph.outputs[1].doc, 'hidden of layer "lstm" (LSTM), [batch,step,unit]')
  const opened = await open(bytesOf(file, ['lstm/mask']))
  const mask = (await opened.run({ x: sequences(1, 4, 3) })).get('lstm/mask')!
  t.same([mask.type, [...mask.data]], ['bool', [1, 0, 1, 1]])
  await opened.close()
})

const transposed = (space: 1 | 2): Layer => layer('up', `Conv${space}DTranspose`, {
  filters: 2, kernel_size: [3, 2].slice(2 - space), strides: [2, 2].slice(2 - space), padding: 'same', dilation_rate: [1], data_format: 'channels_last', activation: 'linear', use_bias: false
}, { kernel: [...[3, 2].slice(2 - space), 2, 3] })

t.test('a size that only a run knows', async (t) => {
  const far = await farthest(chain([null, 3], [transposed(1)]), ['up/output'], [1, 4, 9])
  t.ok(far < 1e-6, `${far}`)
})

t.test('what cannot be written for every size is refused with the layer and its class', async (t) => {
  t.throws(() => bytesOf(chain([null, null, 3], [transposed(2)]), []), { code: 'unsupported_layer', message: /^layer "up" \(Conv2DTranspose\): .* cannot be written as an ONNX graph/ })
  const inner: Layer = { ...openLstm(3, 2).graph.layers.lstm, path: 'td/lstm' }
  const nested = chain([null, null, 3], [{ ...layer('td', 'TimeDistributed', {}), children: { layer: inner } }])
  t.throws(() => bytesOf(nested, []), { code: 'unsupported_layer', message: /^layer "td" \(TimeDistributed\): / })
})

t.test('each node has a name of its own, in loops too', async (t) => {
  const { nodes } = described(bytesOf(maskedLstm(3, 2), ['lstm']))
  t.ok(nodes.some(({ op }) => op === 'Scan'))
  t.equal(new Set(nodes.map(({ name }) => name)).size, nodes.length)
})

t.test('a file longer than protobuf may be', async (t) => {
  const file = openLstm(3, 2)
  const { length } = bytesOf(file, [])
  t.throws(() => onnxFile(entryOf(file), [], '1.2.3', () => '', length - 1), { code: 'too_large', message: /GET \/models\/m\/weights/ })
  t.equal(Buffer.concat(onnxFile(entryOf(file), [], '1.2.3', () => '', length)).length, length)
})

t.test('weights lie in the file as they are, without a copy', async (t) => {
  const file = openLstm(40, 60)
  const { kernel } = file.graph.layers.lstm.weights
  t.ok(onnxFile(entryOf(file), [], '1.2.3', () => '').some(({ buffer, byteOffset }) => buffer === kernel.data.buffer && byteOffset === kernel.data.byteOffset))
})
