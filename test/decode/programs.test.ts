import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { decode } from '../../src/decode/decode.ts'
import { Fault } from '../../src/errors.ts'
import { runGraph } from '../../src/layers/graph.ts'
import type { Layer, ModelFile } from '../../src/model.ts'
import { fromValues, plainOps } from '../../src/ops/plain/ops.ts'
import { numbers } from '../cells/support.ts'
import { nested, tensor } from '../layers/support.ts'
import { farthest } from '../support/cases.ts'
import { chain, layer } from '../support/models.ts'
import { byJavaScript, byPython, load, python, withoutPython, write } from './support.ts'

/** Programs and referee compute in float64, from the same float32 numbers. */
const tolerance = 1e-12

const [units, features, tokens] = [4, 3, 9]

function cellLayer (className: string, name: string, activation: string, config: Record<string, unknown> = {}, heard = features): Layer {
  const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1 }[className]!
  const bias = config.reset_after === true ? [2, gates * units] : [gates * units]
  return layer(name, className, { units, activation, recurrent_activation: activation, use_bias: true, return_sequences: false, ...config }, {
    kernel: [heard, gates * units], recurrent_kernel: [units, gates * units], ...(config.use_bias === false ? {} : { bias })
  })
}

const embedding = (name: string): Layer => layer(name, 'Embedding', { mask_zero: false }, { embeddings: [tokens, features] })
const dense = (name: string, activation: string, heard = units): Layer => layer(name, 'Dense', { activation }, { kernel: [heard, 2], bias: [2] })
const dropout = (name: string): Layer => layer(name, 'Dropout', { rate: 0.5 })

const ids = Array.from({ length: 2 }, (_, row) => Array.from({ length: 5 }, (_, n) => (3 * n + row) % tokens))
const days = Array.from({ length: 2 }, (_, row) => Array.from({ length: 5 }, (_, n) => [...numbers(features, 7 * n + row)]))

function referee (file: ModelFile, inputs: unknown): unknown {
  const { graph, keras } = file
  const weightsOf = (one: Layer): Record<string, ReturnType<typeof fromValues>> => Object.fromEntries(Object.entries(one.weights).map(([name, weight]) => [name, fromValues(weight)]))
  const results = runGraph({ ops: plainOps(), keras, weightsOf }, graph, graph.nodes.map((_, n) => n), [{ tensor: tensor(inputs), mask: null }], { wanted: new Map(), initial: new Map() })
  return nested(results.get(graph.outputs[0].ref.node)!.outputs[0])
}

const models: Record<string, { file: ModelFile, inputs: unknown }> = {}
for (const keras of [2, 3] as const) {
  for (const activation of ['sigmoid', 'tanh', 'hard_sigmoid']) {
    for (const [name, className, config] of [
      ['LSTM', 'LSTM', {}], ['GRU after', 'GRU', { reset_after: true }], ['GRU before', 'GRU', { reset_after: false }], ['SimpleRNN', 'SimpleRNN', {}]
    ] as const) {
      const what = `${name} ${activation} Keras ${keras}`
      models[what] = { file: chain([5, features], [cellLayer(className, 'cell', activation, config)], keras), inputs: days }
      models[`${what} between Embedding and Dense`] = { file: chain([null], [embedding('e'), dropout('a'), cellLayer(className, 'cell', activation, config), dense('d', 'softmax')], keras), inputs: ids }
      models[`${what} without bias, backwards, every step`] = {
        file: chain([null, features], [cellLayer(className, 'cell', activation, { ...config, use_bias: false, go_backwards: true, return_sequences: true }), dense('d', activation)], keras), inputs: days
      }
    }
  }
}
models['softmax in a GRU that resets before'] = { file: chain([5, features], [cellLayer('GRU', 'g', 'softmax', { reset_after: false })]), inputs: days }
models['an embedding of embeddings'] = { file: chain([null, 2], [layer('e', 'Embedding', { mask_zero: false }, { embeddings: [tokens, 2] }), dense('d', 'gelu', 2)]), inputs: [[[1, 2], [3, 4], [5, 6]]] }
// One sequence with masked steps, one masked altogether, one not at all.
const hole = Array(features).fill(Math.fround(0.1)) as number[]
const holes = [days[0].map((step, n) => n === 0 || n === 3 ? hole : step), days[0].map(() => hole), days[1]]
for (const keras of [2, 3] as const) {
  const masking = layer('m', 'Masking', { mask_value: 0.1 })
  for (const [name, config] of Object.entries({ forwards: {}, backwards: { go_backwards: true }, zeros: { zero_output_for_mask: true } })) {
    const sequences = { ...config, return_sequences: true }
    models[`masked ${name} Keras ${keras}`] = {
      file: chain([null, features], [masking, cellLayer('LSTM', 'a', 'tanh', sequences), dropout('d'), dense('e', 'linear'), cellLayer('GRU', 'b', 'sigmoid', { reset_after: true, go_backwards: name === 'backwards' }, 2)], keras),
      inputs: holes
    }
  }
  models[`ids masked Keras ${keras}`] = {
    file: chain([null], [layer('e', 'Embedding', { mask_zero: true }, { embeddings: [tokens, features] }), cellLayer('SimpleRNN', 'a', 'tanh')], keras), inputs: [[0, 3, 0, 2, 0], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]]
  }
}
models['one activation with two settings'] = {
  file: chain([null, features], [layer('a', 'Activation', { activation: { class_name: 'LeakyReLU', config: { negative_slope: 0.5 } } }),
    layer('b', 'Activation', { activation: { class_name: 'LeakyReLU', config: { negative_slope: -0.25 } } }), layer('c', 'Activation', { activation: { class_name: 'LeakyReLU', config: { negative_slope: 0.5 } } })]),
  inputs: days
}

/** Names that would break out of a literal, a comment, a line, a script, or an object. */
const names = [
  'it\'s "quoted"', 'line\nline\r\n\tx', '\\', '\\"', '\\u0022);', '*/ alert(1) /*', '# "" """ \'\'\'', '</script><script>', '<!--', '$' + '{stranger}', '`stranger`', '{stranger}', '%s',
  '\u2028stranger\u2029', '\u0000\u0007\u007f\u0085', 'é ф 中', '😀 🇨🇭', '\ud800', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'weights', 'x', 'arrays', 'layers', ''
]
for (const [n, name] of names.entries()) {
  models[`name ${n}`] = {
    file: chain([null], [embedding(`${name}:e`), cellLayer('LSTM', name, 'tanh', { return_sequences: true }), dropout(`${name}:a`), dense(`${name}:d`, 'linear')]), inputs: ids
  }
}

const root = t.testdir()
const written = Object.entries(models).map(([what, { file, inputs }], n) => ({ what, file, ...write(root, String(n), file, inputs), expected: referee(file, inputs) }))

t.test('JavaScript computes what the referee computes', async (t) => {
  for (const one of written) {
    const far = farthest(await byJavaScript(one), one.expected)
    t.ok(far <= tolerance, `${one.what}: ${far}`)
  }
})

t.test('NumPy computes what the referee computes', { skip: withoutPython }, async (t) => {
  const results = byPython(written)
  for (const [n, one] of written.entries()) {
    const far = farthest(results[n], one.expected)
    t.ok(far <= tolerance, `${one.what}: ${far}`)
  }
})

t.test('hard_sigmoid is the one of the file\'s own Keras', async (t) => {
  const text = (keras: 2 | 3): string => decode({ id: 'm', version: 1, digest: '', file: chain([null, features], [cellLayer('LSTM', 'l', 'hard_sigmoid')], keras) }, 'python')
  t.match(text(2), 'return np.minimum(np.maximum(x * 0.2 + 0.5, 0), 1)')
  t.match(text(3), 'return np.minimum(np.maximum(x + 3, 0), 6) / 6')
})

t.test('words of a stranger stand nowhere but in literals', async (t) => {
  for (const n of names.keys()) {
    const { file } = models[`name ${n}`]
    const plain = { ...file, graph: chain([null], [embedding('e'), cellLayer('LSTM', 'l', 'tanh', { return_sequences: true }), dropout('a'), dense('d', 'linear')]).graph }
    for (const language of ['python', 'javascript'] as const) {
      const text = decode({ id: 'm', version: 1, digest: '', file }, language)
      t.match(text, /^[\n\x20-\x7e]*$/, 'printable ASCII alone')
      t.notMatch(text, /<\/script|<!--/)
      // With each of its literals taken out it is the program of the same model under plain names.
      const bare = (program: string): string => program.replaceAll(/(arrays\(weights, )"(?:[^"\\\n]|\\.)*"\)/g, '$1NAME)')
      t.equal(bare(text), bare(decode({ id: 'm', version: 1, digest: '', file: plain }, language)), `name ${n}`)
    }
  }
})

t.test('what a config has in place of a number is not written', async (t) => {
  for (const value of ['1); import os', Infinity, NaN, null, {}]) {
    const mask = chain([null, features], [layer('m', 'Masking', { mask_value: value }), cellLayer('LSTM', 'l', 'tanh')])
    t.throws(() => decode({ id: 'm', version: 1, digest: '', file: mask }, 'javascript'), Fault, String(value))
    const file = chain([null, features], [layer('r', 'LeakyReLU', { negative_slope: value })])
    for (const language of ['python', 'javascript'] as const) t.throws(() => decode({ id: 'm', version: 1, digest: '', file }, language), Fault, String(value))
  }
  // The number of units is what the arrays have, whatever the config says.
  const odd = chain([null, features], [layer('l', 'LSTM', { ...cellLayer('LSTM', 'l', 'tanh').config, units: '4); import os' }, { kernel: [features, 16], recurrent_kernel: [4, 16], bias: [16] })])
  t.notMatch(decode({ id: 'm', version: 1, digest: '', file: odd }, 'python'), 'import os)')
})

t.test('a mask that a layer is given by name is written only where it is the one of the chain', async (t) => {
  const { file } = models['masked forwards Keras 3']
  const { graph } = file
  /** The model as Keras 3 files it, with nodes that compute the mask of the first LSTM from the input: any(x != value). */
  const given = (value: number, axis: number, argument = true): ModelFile => {
    const extra = [layer('ne', 'ops.NotEqual', {}), layer('any', 'ops.Any', { axis: [axis], keepdims: false })]
    const count = graph.nodes.length
    return {
      ...file,
      graph: {
        ...graph,
        layers: { ...graph.layers, ...Object.fromEntries(extra.map((one) => [one.path, one])) },
        nodes: [
          ...graph.nodes.map((node) => node.key === 'a' ? { ...node, kwargs: { mask: { ref: { node: count + 1, index: 0 } } } } : node),
          { key: 'ne', layer: 'ne', args: [{ ref: { node: 0, index: 0 } }, { value }], kwargs: {} },
          { key: 'any', layer: 'any', args: argument ? [{ ref: { node: count, index: 0 } }] : [], kwargs: {} }
        ]
      }
    }
  }
  const text = (one: ModelFile): string => decode({ id: 'm', version: 1, digest: '', file: one }, 'python')
  t.equal(text(given(0.1, -1)), text(file))
  for (const [value, axis, argument] of [[0.2, -1, true], [0.1, 1, true], [0.1, -1, false]] as const) t.throws(() => text(given(value, axis, argument)), /^layer "a" \(LSTM\) has no decode: it is given a mask that is not that of the layers before it/, `${value} ${axis}`)
})

const sound = written[0]

t.test('inputs and weights that do not fit are refused by the programs', async (t) => {
  const { predict } = await load(sound.folder)
  const { digest, ...undated } = sound.weights as Record<string, unknown>
  const bad: [string, unknown, unknown][] = [
    ['another model', { ...undated, digest: 'sha256:1' }, sound.inputs],
    ['weights that are not finite', { ...undated, digest, nonFinite: 1 }, sound.inputs],
    ['too few features', sound.weights, days.map((day) => day.map((step) => step.slice(1)))],
    ['too many features', sound.weights, days.map((day) => day.map((step) => [...step, 0]))],
    ['too few steps', sound.weights, days.map((day) => day.slice(1))],
    ['one sequence without its batch', sound.weights, days[0]],
    ['sequences of two lengths', sound.weights, [days[0], days[1].slice(1)]],
    ['no number', sound.weights, [[[1, 2, null], ...days[0].slice(1)]]]
  ]
  for (const [what, weights, inputs] of bad) t.throws(() => predict(weights, inputs), Error, what)
  t.ok(farthest(predict(undated, sound.inputs), sound.expected) <= tolerance, 'weights without a digest are taken')
  if (python !== null) {
    for (const [what, weights, inputs] of bad) {
      const folder = t.testdir({ 'weights.json': JSON.stringify(weights), 'inputs.json': JSON.stringify(inputs) })
      const { status, stdout, stderr } = spawnSync(python, [join(sound.folder, 'decode.py'), join(folder, 'weights.json'), join(folder, 'inputs.json')], { encoding: 'utf8' })
      t.same([status, stdout], [1, ''], what)
      t.match(stderr, /ValueError/, what)
    }
  }
})

t.test('ids that are not in the table are refused', async (t) => {
  const one = written.find(({ what }) => what === 'LSTM tanh Keras 3 between Embedding and Dense')!
  const { predict } = await load(one.folder)
  for (const id of [-1, tokens, 0.5]) {
    t.throws(() => predict(one.weights, [[id]]), /ids are whole numbers from 0 to 8/, String(id))
    if (python === null) continue
    writeFileSync(join(one.folder, 'bad.json'), JSON.stringify([[id]]))
    const { stderr } = spawnSync(python, [join(one.folder, 'decode.py'), join(one.folder, 'weights.json'), join(one.folder, 'bad.json')], { encoding: 'utf8' })
    t.match(stderr, 'ids are whole numbers from 0 to 8', String(id))
  }
})

t.test('run by itself, the JavaScript prints the predictions; imported, it prints nothing', async (t) => {
  const run = (...args: string[]): string => spawnSync(process.execPath, args, { encoding: 'utf8', cwd: sound.folder }).stdout
  t.ok(farthest(JSON.parse(run('decode.mjs', 'weights.json', 'inputs.json')), sound.expected) <= tolerance)
  writeFileSync(join(sound.folder, 'importer.mjs'), 'import { predict } from \'./decode.mjs\'\nconsole.log(typeof predict)')
  t.equal(run('importer.mjs'), 'function\n')
  t.equal(run('--input-type=module', '-e', 'import { predict } from \'./decode.mjs\'; console.log(typeof predict)', 'not-there'), 'function\n')
  t.notMatch(readFileSync(join(sound.folder, 'decode.mjs'), 'utf8'), /^import /m, 'a browser can have it')
})

t.test('sample', async (t) => {
  const { sample } = await load(sound.folder)
  const shares = (probabilities: readonly number[], temperature: number | undefined): number[] => {
    const count = new Array(probabilities.length).fill(0)
    for (let n = 0; n < 1000; n++) count[sample(probabilities, temperature, () => (n + 0.5) / 1000)]++
    return count
  }
  t.same(shares([0.5, 0.2, 0, 0.3], undefined), [500, 200, 0, 300])
  t.same(shares([0.5, 0.2, 0, 0.3], 1), [500, 200, 0, 300])
  t.same(shares([0.5, 0.2, 0, 0.3], 0), [1000, 0, 0, 0])
  // 0.25, 0.04 and 0.09 of 0.38.
  t.ok(farthest(shares([0.5, 0.2, 0, 0.3], 0.5), [658, 105, 0, 237]) <= 0.01)
  t.same(shares([0, 1e-30, 1], 0.001), [0, 0, 1000])
  t.ok([0, 1].includes(sample([0.5, 0.5])), 'draws by itself')
})
