import t from 'tap'
import { farthest } from '../support/cases.ts'
import { call } from './support.ts'

/** The entries of a nested array with two axes changed places, `[a, b, c]` -> `[a, c, b]`. */
const turned = (x: readonly (readonly (readonly number[])[])[]): number[][][] => x.map((rows) => rows[0].map((_, n) => rows.map((row) => row[n])))
const steps = [[[1, -2], [0.5, 3], [-1, 0.25], [2, 1]]]
const kept = [[1, 0, 1, 0]]

t.test('channels_first convolutions, which TensorFlow does not compute on a CPU, are those of the turned input', async (t) => {
  const config = { filters: 2, kernel_size: [2], strides: [1], padding: 'causal', dilation_rate: [2], groups: 1, activation: 'linear' }
  const weights = { kernel: [[[1, 2], [3, 4]], [[-1, 0.5], [2, -3]]], bias: [0.1, -0.2] }
  const last = call('Conv1D', { ...config, data_format: 'channels_last' }, { inputs: [steps], weights })
  const first = call('Conv1D', { ...config, data_format: 'channels_first' }, { inputs: [turned(steps)], weights })
  t.same(first.outputs[0], turned(last.outputs[0] as number[][][]))
  t.ok(farthest(last.outputs[0], [convolved(steps[0], weights)]) < 1e-12)
})

/** The same by its definition: y[t] = x[t - 2].K0 + x[t].K1 + b. */
function convolved (x: readonly (readonly number[])[], { kernel, bias }: { kernel: number[][][], bias: number[] }): number[][] {
  return x.map((_, at) => bias.map((b, filter) => [0, 1].reduce((sum, tap) => {
    const heard = x[at - 2 * (1 - tap)] ?? [0, 0]
    return sum + heard.reduce((part, value, channel) => part + value * kernel[tap][channel][filter], 0)
  }, b)))
}

t.test('a mean over steps that are all masked is 0/0, as in Keras', async (t) => {
  for (const keras of [2, 3] as const) {
    const { outputs, masks } = call('GlobalAveragePooling1D', { data_format: 'channels_last', keepdims: false }, { keras, inputs: [steps], masks: [[[0, 0, 0, 0]]] })
    t.same(outputs, [[[NaN, NaN]]])
    t.same(masks, [null])
  }
})

t.test('a row masked throughout comes out as in float32, where scores lose their small parts beside 1e9', async (t) => {
  const x = [[1, 100, -70, 20]]
  const { outputs } = call('Softmax', { axis: -1 }, { keras: 2, inputs: [x], named: { mask: [[0, 0, 0, 0]] } })
  const low = x[0].map((value) => Math.fround(Math.fround(value) - 1e9))
  const most = Math.max(...low)
  const powers = low.map((value) => Math.exp(value - most))
  const sum = powers.reduce((a, b) => a + b)
  t.ok(farthest(outputs[0], [powers.map((value) => value / sum)]) < 1e-12)
  t.same(call('Softmax', { axis: -1 }, { keras: 3, inputs: [x], named: { mask: [[0, 0, 0, 0]] } }).outputs, [[[0, 0, 0, 0]]])
})

t.test('numbers are compared as the float32 they become', async (t) => {
  const tenth = Math.fround(0.1)
  t.same(call('Masking', { mask_value: 0.1 }, { inputs: [[[[tenth, tenth], [0.1, 1]]]] }).masks, [[[0, 1]]])
  t.same(call('ThresholdedReLU', { theta: 0.1 }, { keras: 2, inputs: [[[tenth, 0.2]]] }).outputs, [[[0, 0.2]]])
  t.same(call('ReLU', { threshold: 0.1, negative_slope: 0, max_value: null }, { inputs: [[[tenth, 0.2]]] }).outputs, [[[0, 0.2]]])
  t.same(call('ops.Greater', {}, { inputs: [[[tenth, 0.2]]], values: { 1: 0.1 } }).outputs, [[[0, 1]]])
})

t.test('masks of merges', async (t) => {
  const other = [[1, 1, 0, 0]]
  const merged = (keras: 2 | 3, masks: readonly unknown[]): unknown => call('Add', {}, { keras, inputs: [steps, steps], masks }).masks[0]
  t.same(merged(2, [kept, other]), [[1, 0, 0, 0]], 'Keras 2: kept by both')
  t.same(merged(3, [kept, other]), [[1, 1, 1, 0]], 'Keras 3: kept by either')
  t.same(merged(2, [kept, null]), kept, 'Keras 2: the one there is')
  t.same(merged(3, [kept, null]), null, 'Keras 3: none')

  const joined = (keras: 2 | 3, axis: number, masks: readonly unknown[]): unknown => call('Concatenate', { axis }, { keras, inputs: [steps, steps], masks }).masks[0]
  t.same(joined(2, -1, [kept, other]), [[1, 0, 0, 0]])
  t.same(joined(3, -1, [kept, other]), [[1, 1, 1, 0]])
  t.same(joined(2, -1, [null, other]), other)
  t.same(joined(3, -1, [null, other]), [[1, 1, 1, 1]])
  t.same(joined(3, 1, [null, other]), [[1, 1, 1, 1, ...other[0]]])
  t.same(joined(3, 1, [null, null]), null)
})

t.test('masks that a layer passes on, by the Keras that wrote the file', async (t) => {
  const out = (className: string, config: Record<string, unknown>, keras: 1 | 2 | 3): unknown => call(className, config, { keras, inputs: [steps], masks: [kept] }).masks[0]
  const normalization = { axis: -1, mean: 0, variance: 1, invert: false }
  for (const [className, config, two, three] of [
    ['Identity', {}, null, kept], ['Rescaling', { scale: 2, offset: 0 }, null, kept], ['Normalization', normalization, null, kept],
    ['Activation', { activation: 'tanh' }, kept, kept], ['Dropout', { rate: 0.5 }, kept, kept], ['Flatten', { data_format: 'channels_last' }, null, null],
    ['Reshape', { target_shape: [4, 2] }, null, null], ['Permute', { dims: [1, 2] }, null, null], ['Cropping1D', { cropping: [0, 0] }, null, null],
    ['UpSampling1D', { size: 1 }, null, null], ['UnitNormalization', { axis: -1 }, kept, kept]
  ] as const) {
    t.same(out(className, config, 1), two, `${className}, Keras 1`)
    t.same(out(className, config, 2), two, `${className}, Keras 2`)
    t.same(out(className, config, 3), three, `${className}, Keras 3`)
  }
})

t.test("Keras 2's fused batch normalisation of images knows no epsilon below 1.001e-5", async (t) => {
  const weights = { moving_mean: [0], moving_variance: [0] }
  const of = (keras: 2 | 3, inputs: readonly unknown[]): unknown => call('BatchNormalization', { axis: -1, epsilon: 1e-6 }, { keras, inputs, weights }).outputs[0]
  t.ok(farthest(of(2, [[[[[1]]]]]), [[[[1 / Math.sqrt(1.001e-5)]]]]) < 1e-12)
  t.ok(farthest(of(3, [[[[[1]]]]]), [[[[1000]]]]) < 1e-12)
  t.ok(farthest(of(2, [[[[1]]]]), [[[1000]]]) < 1e-12)
})

t.test('operands of an operation stand where they were given', async (t) => {
  const x = [[2, 4]]
  t.same(call('ops.Subtract', {}, { inputs: [x], values: { 0: 1 } }).outputs, [[[-1, -3]]])
  t.same(call('ops.Subtract', {}, { inputs: [x], values: { 1: 1 } }).outputs, [[[1, 3]]])
  t.same(call('ops.Subtract', {}, { inputs: [x, [[1, 1]]] }).outputs, [[[1, 3]]])
  t.same(call('ops.Where', {}, { inputs: [[[1, 0]], x], values: { 2: 7 } }).outputs, [[[2, 7]]])
})

t.test('numbers in a config may be wrapped as Keras 3 wraps NumPy values', async (t) => {
  const scale = { class_name: '__numpy__', config: { value: [2, 3], dtype: 'float32' } }
  t.same(call('Rescaling', { scale, offset: 1 }, { inputs: [[[1, 1]]] }).outputs, [[[3, 4]]])
})
