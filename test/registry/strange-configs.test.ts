import { existsSync } from 'node:fs'
import t from 'tap'
import { flatten } from '../../src/registry/flatten.ts'
import { parseJson } from '../../src/registry/json.ts'
import { originOf } from '../../src/registry/origin.ts'
import { Topology } from '../../src/registry/topology.ts'
import { archive } from './archive.ts'
import { entry, faultOf, hdf5, input, legacy, lstmArrays, readBytes, sequential, weightsOf } from './files.ts'

// Architectures of somebody who wants harm: code, circles, depths and sizes.

const canary = '/tmp/statescope-canary'
const code = `__import__('os').system('touch ${canary}')`
const own = (className: string, config: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> => entry(className, { name: 'bad', ...config }, more)

/** What Keras' own loaders have been made to run, and what they could be. Each stands as a layer of the model, or inside one. */
const gadgets: [what: string, layer: Record<string, unknown>, path?: string, className?: string][] = [
  ['Lambda of marshalled code', own('Lambda', { function: ['4wEAAAA=', null, null], function_type: 'lambda' })],
  ['Lambda of Keras 3', own('Lambda', { function: { class_name: '__lambda__', config: { code: '4wEAAAA=', defaults: null, closure: null } } }, { module: 'keras.layers', registered_name: null })],
  ['a class that is none', own('Backdoor', {})],
  ['a class named like a property of objects', own('constructor', {})],
  ['another', own('__proto__', {})],
  ['another', own('toString', {})],
  ['a module of Python', own('system', { command: code }, { module: 'os', registered_name: null })],
  ['a module under a known class', own('Dense', { units: 1 }, { module: 'os', registered_name: null })],
  ['a module that begins like Keras', own('Dense', { units: 1 }, { module: 'keras_evil.layers', registered_name: null })],
  ['a function for a class', own('run', {}, { module: 'subprocess', registered_name: 'run' })],
  ['a registered class', own('Mine', {}, { module: 'mine', registered_name: 'mine>Mine' })],
  ['an operation that runs code', own('Eval', { code }, { module: 'keras.ops.core', registered_name: null })],
  ['TFOpLambda', own('TFOpLambda', { function: 'io.read_file' })],
  ['TFSMLayer, which loads a graph', own('TFSMLayer', { filepath: '/etc/passwd' }, { module: 'keras.layers', registered_name: null })],
  ['in TimeDistributed', own('TimeDistributed', { layer: entry('Lambda', { name: 'inner', function: code }) }), 'bad/inner', 'Lambda'],
  ['in Bidirectional', own('Bidirectional', { layer: entry('Evil', { name: 'inner' }) }), 'bad/forward', 'Evil'],
  ['in the other direction', own('Bidirectional', { layer: entry('LSTM', { name: 'l', units: 2 }), backward_layer: entry('Evil', { name: 'inner' }) }), 'bad/backward', 'Evil'],
  ['as a cell', own('RNN', { cell: entry('Evil', { name: 'inner', module: 'os' }) }), 'bad/cell', 'Evil'],
  ['among cells', own('RNN', { cell: [entry('LSTMCell', { units: 2 }), entry('Evil', {})] }), 'bad/cell/1', 'Evil'],
  ['in a nested model', { ...sequential(entry('InputLayer', { name: 'ix', batch_input_shape: [null, 4, 2] }), entry('Evil', { name: 'inner' })), config: { name: 'bad', layers: [entry('InputLayer', { name: 'ix', batch_input_shape: [null, 4, 2] }), entry('Evil', { name: 'inner' })] } }, 'bad/inner', 'Evil']
]

t.test('code and classes that are not of the table are refused in every format, by layer and class', async (t) => {
  for (const [what, layer, path = 'bad', className] of gadgets) {
    const architecture = sequential(input, layer)
    const named = JSON.stringify(architecture)
    const files: [string, () => Promise<unknown>][] = [
      ['.h5', async () => await readBytes('model.h5', await legacy(architecture, { lstm: lstmArrays }))],
      ['.keras', async () => await readBytes('model.keras', archive([{ name: 'config.json', content: named }, { name: 'model.weights.h5', content: await hdf5(weightsOf({ lstm: lstmArrays })) }]))],
      ['model.json', async () => await readBytes('model.json', JSON.stringify({ modelTopology: { keras_version: '2.15.0', model_config: architecture }, weightsManifest: [] }))],
      ['model.json alone', async () => await readBytes('model.json', named, { 'model.weights.h5': await hdf5(weightsOf({ lstm: lstmArrays })) }, 'model.weights.h5')]
    ]
    for (const [format, read] of files) {
      const { code: found, message } = await faultOf(read())
      t.equal(found, 'unsupported_layer', `${what} in ${format}: ${message}`)
      t.ok(message.startsWith(`layer "${path}" (`), `${what} in ${format}: ${message}`)
      t.ok(message.includes(className ?? String(layer.class_name)) || message.includes(String(layer.registered_name)), `${what} in ${format}: ${message}`)
    }
  }
  t.notOk(existsSync(canary), 'nothing ran')
})

t.test('names of functions in options are words, looked up in a table', async (t) => {
  for (const activation of ['os.system', '__import__', 'constructor', '__proto__', 'hasOwnProperty']) {
    const { message } = await faultOf(readBytes('model.h5', await legacy(sequential(input, entry('LSTM', { name: 'lstm', units: 3, activation })), { lstm: lstmArrays })).then(({ graph }) => {
      // Reading keeps the word; whoever computes looks it up.
      throw new Error(String(graph.layers.lstm.config.activation))
    }))
    t.equal(message, activation)
  }
})

/** What a config becomes, without weights. */
function graphOf (text: string): unknown {
  const architecture = parseJson(text, 'config')
  return flatten(new Topology(originOf(architecture, ['2.15.0'])).model(architecture), new Map())
}

const x = entry('InputLayer', { name: 'x', batch_input_shape: [null, 4, 2] }, { name: 'x', inbound_nodes: [] })
const act = (name: string, from: string, node = 0): unknown => entry('Activation', { name, activation: 'tanh' }, { name, inbound_nodes: [[[from, node, 0, {}]]] })
const functional = (layers: readonly unknown[], output: string): string => JSON.stringify(entry('Functional', { name: 'm', layers, input_layers: [['x', 0, 0]], output_layers: [[output, 0, 0]] }))
const many = <T> (count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n))
const deep = (count: number, open: string, close: string): string => `{"class_name":"Sequential","config":{"name":"m","layers":[${JSON.stringify(x)},${open.repeat(count)}1${close.repeat(count)}]}}`

t.test('circles, ends that hang, depths and numbers of layers', async (t) => {
  const twice = many(40, (n) => n).reduce<Record<string, any>>((inner) => entry('Functional', {
    name: 'n',
    layers: [x, { ...inner, name: 'n', inbound_nodes: [[['x', 0, 0, {}]], [['n', 1, 0, {}]]] }],
    input_layers: [['x', 0, 0]],
    output_layers: [['n', 2, 0]]
  }), JSON.parse(functional([x, act('a', 'x')], 'a')) as Record<string, any>)
  const bad: [string, string, RegExp][] = [
    ['a circle of one', functional([x, act('a', 'a')], 'a'), /round a circle/],
    ['a circle of 5,000', functional([x, ...many(5000, (n) => act(`a${n}`, `a${(n + 4999) % 5000}`))], 'a4999'), /round a circle/],
    ['a layer that is not there', functional([x, act('a', 'nobody')], 'a'), /layer "nobody", which it does not have/],
    ['a call that is not there', functional([x, act('a', 'x'), act('b', 'a', 7)], 'b'), /call 7 of layer "a"/],
    ['a call of an input that is not there', functional([x, act('a', 'x', 7)], 'a'), /call 7 of layer "x"/],
    ['an output that is not there', functional([x, act('a', 'x')], 'nobody'), /layer "nobody"/],
    ['a chain of 10,000', functional([x, ...many(10_000, (n) => act(`a${n}`, n === 0 ? 'x' : `a${n - 1}`))], 'a9999'), /more than 8000 layers/],
    ['100,000 layers', JSON.stringify(sequential(x, ...many(100_000, (n) => entry('Activation', { name: `a${n}` })))), /more than 8000 layers/],
    ['wrappers 10,000 deep', deep(10_000, '{"class_name":"TimeDistributed","config":{"layer":', '}}'), /nests more than 256 deep/],
    ['models 10,000 deep', deep(10_000, '{"class_name":"Sequential","config":{"layers":[', ']}}'), /nests more than 256 deep/],
    ['lists a million deep', '['.repeat(1e6), /nests more than 256 deep/],
    ['calls that double at each level', JSON.stringify(twice), /more than 20000 calls/],
    ['a name of ten million quotes', JSON.stringify(sequential(x, entry('Activation', { name: '"'.repeat(1e7) }))), /name that cannot be used/]
  ]
  for (const [what, text, message] of bad) {
    t.throws(() => graphOf(text), { code: 'bad_file', message }, what)
  }
})

t.test('sizes that no layer has are refused before anything of that size is made', async (t) => {
  const sizes: [string, Record<string, unknown>, string][] = [
    ...['LSTM', 'GRU', 'SimpleRNN', 'Dense'].flatMap((name) => [1e9, -1, 0, 1.5, 2 ** 53, '8', [3], true, null].map((units): [string, Record<string, unknown>, string] => [name, { units }, 'units'])),
    ['Conv1D', { filters: 1e9, kernel_size: 3 }, 'filters'],
    ['Conv1D', { filters: 2, kernel_size: [1e9] }, 'kernel_size'],
    ['Embedding', { input_dim: 1e12, output_dim: 2 }, 'input_dim'],
    ['RepeatVector', { n: 1e9 }, 'n'],
    ['ZeroPadding1D', { padding: [0, 2 ** 53] }, 'padding'],
    ['UpSampling1D', { size: 1e9 }, 'size'],
    ['Reshape', { target_shape: [1e9, 8] }, 'target_shape'],
    ['MaxPooling1D', { pool_size: 1.5 }, 'pool_size'],
    ['MultiHeadAttention', { num_heads: 1e9, key_dim: 4 }, 'num_heads']
  ]
  for (const [className, config, key] of sizes) {
    t.throws(() => graphOf(JSON.stringify(sequential(x, entry(className, { name: 'bad', ...config })))), { code: 'bad_file', message: new RegExp(`"bad" \\(${className}\\).*"${key}"`) }, `${className} ${JSON.stringify(config)}`)
  }
  for (const shape of [[null, 1e9, 2], [null, 2 ** 24, 2 ** 24], [2 ** 53, 4, 2], [null, -4, 2], [null, 1.5, 2], [null, '4', 2], []]) {
    t.throws(() => graphOf(JSON.stringify(sequential({ ...x, config: { name: 'x', batch_input_shape: shape } }, entry('Activation', { name: 'a' })))), { code: 'bad_file', message: /"x"/ }, JSON.stringify(shape))
  }
})
