import t from 'tap'
import { bfloatToNumber, decode, halfToNumber, type Stored } from '../../src/registry/arrays.ts'
import { normalise } from '../../src/registry/config.ts'
import { asKept } from '../../src/registry/kept.ts'
import { originOf } from '../../src/registry/origin.ts'
import type { LayerSpec, Origin } from '../../src/registry/spec.ts'
import { slotsOf } from '../../src/registry/weight-table.ts'
import { entry, faultOf, input, legacy, lstm, readBytes, sequential, type Numbers } from './files.ts'

const one: Origin = { keras: 1, version: '1.2.2' }
const two: Origin = { keras: 2, version: '2.2.4' }
const layer = (className: string, config: LayerSpec['config'], savedClass = className): LayerSpec => ({ name: 'l', className, savedClass, config, trainable: true, children: {}, model: null })
const stored = (shape: readonly number[], data: readonly number[]): Stored => ({ name: 'w', shape, read: () => Float32Array.from(data) })
const drawn = (shape: readonly number[], from: number): Stored => stored(shape, Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => from + n))

/** What a layer's arrays become. */
function kept (spec: LayerSpec, arrays: readonly Stored[], origin: Origin): { shape: readonly number[], data: number[] }[] {
  const left = [...arrays]
  return asKept(spec, slotsOf(spec), origin).flatMap(({ take, convert }) => convert(left.splice(0, take))).map(({ shape, read }) => ({ shape, data: [...read()] }))
}

t.test('Keras 1 keeps an array a gate: LSTM i, c, f, o, GRU z, r, h', async (t) => {
  // Each array is filled with the number of its gate in the file.
  const gate = (n: number): Stored[] => [stored([1, 2], [n, n]), stored([2, 2], [n, n, n, n]), stored([2], [n, n])]
  const [kernel, recurrent, bias] = kept(layer('LSTM', { units: 2 }), [0, 1, 2, 3].flatMap(gate), one)
  t.same(kernel, { shape: [1, 8], data: [0, 0, 2, 2, 1, 1, 3, 3] }, 'i, f, c, o')
  t.same(recurrent, { shape: [2, 8], data: [0, 0, 2, 2, 1, 1, 3, 3, 0, 0, 2, 2, 1, 1, 3, 3] })
  t.same(bias, { shape: [8], data: [0, 0, 2, 2, 1, 1, 3, 3] })
  t.same(kept(layer('GRU', { units: 2, reset_after: false }), [0, 1, 2].flatMap(gate), one)[0], { shape: [1, 6], data: [0, 0, 1, 1, 2, 2] })
  t.same(kept(layer('LSTM', { units: 1, consume_less: 'gpu' }), [drawn([1, 4], 0), drawn([1, 4], 4), drawn([4], 8)], one)[0], { shape: [1, 4], data: [0, 1, 2, 3] }, 'side by side already')
  t.throws(() => kept(layer('LSTM', { units: 2 }), [...[0, 1, 2].flatMap(gate), stored([1, 3], [3, 3, 3]), ...gate(3).slice(1)], one), { code: 'bad_file', message: /\[1, 3\], another gate's \[1, 2\]/ })
})

t.test('Keras 1 keeps convolution kernels with an axis more, or turned', async (t) => {
  const conv = layer('Conv1D', { filters: 2, kernel_size: 3, use_bias: false })
  t.same(kept(conv, [drawn([3, 1, 1, 2], 0)], one), [{ shape: [3, 1, 2], data: [0, 1, 2, 3, 4, 5] }])
  t.same(kept(conv, [drawn([2, 1, 3, 1], 0)], one), [{ shape: [3, 1, 2], data: [0, 3, 1, 4, 2, 5] }], '[filter, channel, step, 1]')
  const plane = layer('Conv2D', { filters: 2, kernel_size: [1, 2], use_bias: false, data_format: 'channels_first' })
  t.same(kept(plane, [drawn([2, 1, 1, 2], 0)], one), [{ shape: [1, 2, 1, 2], data: [0, 2, 1, 3] }], '[filter, channel, row, column]')
})

t.test('CuDNNLSTM and CuDNNGRU keep each gate turned, and biases twice', async (t) => {
  // One gate of 2 features and 3 units is 0..5 row by row in the file's [2, 3]; cuDNN means [3, 2] by it.
  const row = (n: number): number[] => Array.from({ length: 12 }, (_, at) => 10 * Math.floor(at / 3) + 3 * n + at % 3)
  const kernel = stored([2, 12], [...row(0), ...row(1)])
  const recurrent = stored([3, 12], [...row(0), ...row(1), ...row(2)])
  const bias = drawn([24], 0)
  const [turned, back, sums] = kept(layer('LSTM', { units: 3 }, 'CuDNNLSTM'), [kernel, recurrent, bias], two)
  t.same(turned.data.slice(0, 3), [0, 2, 4])
  t.same(turned.data.slice(12, 15), [1, 3, 5])
  t.same(turned.data.slice(9, 12), [30, 32, 34], 'the last gate')
  t.same([back.data[1], back.data[12], back.data[14]], [3, 1, 7])
  t.same(sums, { shape: [12], data: Array.from({ length: 12 }, (_, n) => 2 * n + 12) })
  const gru = kept(layer('GRU', { units: 1, reset_after: true }, 'CuDNNGRU'), [drawn([1, 3], 0), drawn([1, 3], 0), drawn([6], 0)], two)
  t.same(gru[2], { shape: [2, 3], data: [0, 1, 2, 3, 4, 5] })
  t.same(kept(layer('LSTM', { units: 3 }), [kernel, recurrent, drawn([12], 0)], two)[0].data.slice(0, 3), [0, 1, 2], 'a plain bias: nothing is turned')
})

t.test('configs of Keras 1 in the words of Keras 3', async (t) => {
  const words = (className: string, config: Record<string, unknown>, savedClass = className): Record<string, unknown> => normalise(className, savedClass, config, one, 'l')
  t.match(words('LSTM', { output_dim: 4, inner_activation: 'hard_sigmoid', activation: 'tanh' }), { units: 4, recurrent_activation: 'hard_sigmoid', use_bias: true, return_sequences: false })
  t.match(words('Conv1D', { nb_filter: 3, filter_length: 2, border_mode: 'same', subsample_length: 2, bias: false }, 'Convolution1D'), { filters: 3, kernel_size: 2, padding: 'same', strides: 2, use_bias: false })
  t.match(words('Conv2D', { nb_filter: 1, nb_row: 2, nb_col: 3, dim_ordering: 'th', subsample: [1, 2] }, 'Convolution2D'), { kernel_size: [2, 3], data_format: 'channels_first', strides: [1, 2] })
  t.match(words('Embedding', { input_dim: 5, output_dim: 2 }), { output_dim: 2, mask_zero: false })
  t.match(words('Dropout', { p: 0.25 }), { rate: 0.25 })
  t.throws(() => words('BatchNormalization', { mode: 1 }), { code: 'unsupported_layer', message: /mode 1/ })
})

t.test('what a config leaves out is what its own Keras assumed', async (t) => {
  const filled = (className: string, version: string, config = {}, savedClass = className): Record<string, unknown> => normalise(className, savedClass, { units: 1, output_dim: 1, ...config }, originOf({}, [version]), 'l')
  t.match(['1.2.2', '2.0.2', '2.2.4', '2.3.1', '2.2.4-tf', '2.4.0', '3.8.0'].map((version) => filled('GRU', version)).map(({ recurrent_activation: a, reset_after: r }) => [a, r]), [
    ['hard_sigmoid', false], ['hard_sigmoid', false], ['hard_sigmoid', false], ['sigmoid', false], ['sigmoid', true], ['sigmoid', true], ['sigmoid', true]
  ])
  t.equal(filled('ConvLSTM2D', '2.15.0', { filters: 1 }).recurrent_activation, 'hard_sigmoid')
  t.equal(filled('ConvLSTM2D', '3.8.0', { filters: 1 }).recurrent_activation, 'sigmoid')
  t.match(filled('LSTM', '2.2.4', {}, 'CuDNNLSTM'), { activation: 'tanh', recurrent_activation: 'sigmoid' })
  t.match(filled('GRU', '2.2.4', {}, 'CuDNNGRU'), { recurrent_activation: 'sigmoid', reset_after: true })
  t.equal(filled('Bidirectional', '2.15.0', { merge_mode: null }).merge_mode, null, 'a null of the file is not left out')
  t.equal(filled('LeakyReLU', '2.15.0', { alpha: 0.2 }).negative_slope, 0.2)
  t.match([{ class_name: 'DTypePolicy', config: { name: 'mixed_float16' } }, 'float64', null].map((dtype) => filled('Dense', '3.8.0', { dtype }).dtype), ['mixed_float16', 'float64', 'float32'])
})

t.test('which Keras wrote it: what it says, else what its words show', async (t) => {
  const written = (layers: readonly unknown[]): unknown => sequential(...layers)
  t.same(originOf({}, ['tfjs-layers 4.22.0']).keras, 2)
  t.same(originOf({}, [null, '1.2.2']), { keras: 1, version: '1.2.2' })
  t.same([
    written([entry('InputLayer', { batch_shape: [null, 3] })]),
    written([entry('LSTM', { units: 3, kernel_initializer: null })]),
    written([entry('LSTM', { output_dim: 3, inner_activation: 'hard_sigmoid' })]),
    { class_name: 'Sequential', config: [entry('Dense', { output_dim: 3, init: 'uniform' })] }
  ].map((architecture) => originOf(architecture, [null]).keras), [3, 2, 1, 1])
  t.throws(() => originOf({}, ['0.3.1']), { code: 'bad_file' })
})

t.test('frozen layers and nested models: what is trained comes first', async (t) => {
  const norm = (name: string, trainable: boolean): unknown => entry('BatchNormalization', { name, trainable, axis: -1, batch_input_shape: [null, 2] })
  const inner = sequential(entry('InputLayer', { name: 'ix', batch_input_shape: [null, 2] }), norm('a', true), norm('b', false), entry('Dense', { name: 'd', units: 1 }))
  const order = ['a/gamma', 'a/beta', 'd/kernel', 'd/bias', 'a/moving_mean', 'a/moving_variance', 'b/gamma', 'b/beta', 'b/moving_mean', 'b/moving_variance']
  const arrays = Object.fromEntries(order.map((name, n): [string, Numbers] => {
    const shape = name === 'd/kernel' ? [2, 1] : name === 'd/bias' ? [1] : [2]
    return [`${name.replace('/', '_')}:0`, { shape, data: new Float32Array(shape.reduce((a, b) => a * b)).fill(n) }]
  }))
  const outer = sequential(entry('InputLayer', { name: 'x', batch_input_shape: [null, 2] }), inner)
  const { graph } = await readBytes('model.h5', await legacy(outer, { model: arrays }))
  const found = Object.fromEntries(Object.values(graph.layers).flatMap(({ path, weights }) => Object.entries(weights).map(([name, { data }]) => [`${path}/${name}`.replace('model/', ''), data[0]])))
  t.same(found, Object.fromEntries(order.map((name, n) => [name, n])))
})

t.test('kernels that Theano turned round are not guessed', async (t) => {
  const conv = sequential(input, entry('Conv1D', { name: 'c', filters: 1, kernel_size: 2 }))
  const file = await legacy(conv, { c: { 'kernel:0': { shape: [2, 2, 1] }, 'bias:0': { shape: [1] } } })
  t.ok(await readBytes('model.h5', file))
  const turned = Buffer.from(file.toString('latin1').replaceAll('tensorflow', 'theano\0\0\0\0'), 'latin1')
  const { code, message } = await faultOf(readBytes('model.h5', turned))
  t.same(code, 'unsupported_layer')
  t.match(message, /"c" \(Conv1D\).*Theano/)
  const plain = await legacy(sequential(input, lstm), { lstm: { 'kernel:0': { shape: [2, 12] }, 'recurrent_kernel:0': { shape: [3, 12] }, 'bias:0': { shape: [12] } } })
  t.ok(await readBytes('model.h5', Buffer.from(plain.toString('latin1').replaceAll('tensorflow', 'theano\0\0\0\0'), 'latin1')), 'without convolutions it is no matter')
})

t.test('half-precision numbers', async (t) => {
  t.same([0x0000, 0x0001, 0x03ff, 0x0400, 0x3c00, 0x3555, 0x7bff, 0xc000, 0x7c00, 0xfc00].map(halfToNumber), [0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1, 0.333251953125, 65504, -2, Infinity, -Infinity])
  t.ok(Object.is(halfToNumber(0x8000), -0))
  t.ok(Number.isNaN(halfToNumber(0x7e00)))
  t.same([0x3f80, 0xc020, 0x7f80, 0x0001].map(bfloatToNumber), [1, -2.5, Infinity, 2 ** -133])
  const bytes = Uint8Array.from([0, 60, 0, 192])
  t.same([...decode(bytes, { kind: 'float', bytes: 2, littleEndian: true }, 2, 'w')], [1, -2])
  t.same([...decode(bytes, { kind: 'unsigned', bytes: 1, littleEndian: true }, 4, 'w')], [0, 60, 0, 192])
  t.same([...decode(bytes, { kind: 'signed', bytes: 2, littleEndian: false }, 2, 'w')], [60, 192])
  t.throws(() => decode(bytes, { kind: 'float', bytes: 1, littleEndian: true }, 4, 'w'), { code: 'bad_file' })
})
