import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { call, type Given } from './support.ts'

const steps = [[[1, 2], [3, 4], [5, 6]]]
const image = [[[[1], [2]], [[3], [4]]]]
const kept = [[1, 1, 0]]
const heads = { query: [[[1]], [[1]]], key: [[[1]], [[1]]], value: [[[1]], [[1]]], attention_output: [[[1, 1]]] }
const multiHead = { num_heads: 1, key_dim: 1, dropout: 0, use_bias: false, attention_axes: null, sliding_window: null }
const multiHeadWeights = Object.fromEntries(Object.entries(heads).map(([name, kernel]) => [`${name}/kernel`, kernel]))
const convolution = { filters: 1, kernel_size: [2], strides: [1], padding: 'valid', dilation_rate: [1], groups: 1, activation: 'linear', data_format: 'channels_last' }
const convolutionWeights = { kernel: [[[1], [1]], [[1], [1]]] }

/** What is refused rather than computed wrongly: class, config, call, and what the message says. */
const refused: readonly (readonly [string, Record<string, unknown>, Given, RegExp])[] = [
  ['UpSampling2D', { size: [2, 2], data_format: 'channels_last', interpolation: 'bilinear' }, { inputs: [image] }, /"bilinear"/],
  ['Conv1D', { ...convolution, strides: [2], dilation_rate: [2] }, { inputs: [steps], weights: convolutionWeights }, /strides and dilation_rate/],
  ['Conv1D', convolution, { inputs: [image], weights: convolutionWeights }, /has 4 axes/],
  ['Conv1DTranspose', { ...convolution, dilation_rate: [2] }, { inputs: [steps], weights: convolutionWeights }, /dilation_rate/],
  ['Conv1DTranspose', { ...convolution, output_padding: [1] }, { inputs: [steps], weights: convolutionWeights }, /output_padding/],
  ['MaxPooling2D', { pool_size: [2, 2], strides: null, padding: 'valid', data_format: 'channels_last' }, { inputs: [steps] }, /has 3 axes/],
  ['Softmax', { axis: -1 }, { inputs: [steps], masks: [kept] }, /mask of fewer axes/],
  ['Dot', { axes: -1, normalize: false }, { inputs: [image, image] }, /4 and 4 axes/],
  ['Multiply', {}, { inputs: [image, image], masks: [[[1, 1]], null].map((mask) => mask?.[0] ?? null) }, /too few axes/],
  ['Concatenate', { axis: -1 }, { inputs: [image, image], masks: [[[1, 1]], [[1, 1]]] }, /too few axes/],
  ['GroupNormalization', { groups: 1, axis: -1, epsilon: 1e-3 }, { keras: 2, inputs: [steps], masks: [kept] }, /a mask/],
  ['Rescaling', { scale: 'twice', offset: 0 }, { inputs: [steps] }, /"twice"/],
  ['Attention', { use_scale: false, score_mode: 'dot' }, { inputs: [image, image] }, /3 axes/],
  ['MultiHeadAttention', { ...multiHead, attention_axes: [2] }, { inputs: [steps, steps], weights: multiHeadWeights }, /attention_axes \[2\]/],
  ['MultiHeadAttention', { ...multiHead, use_gate: true }, { inputs: [steps, steps], weights: multiHeadWeights }, /use_gate/],
  ['MultiHeadAttention', multiHead, { inputs: [image, image], weights: multiHeadWeights }, /3 axes/],
  ['MultiHeadAttention', multiHead, { inputs: [steps, steps], masks: [kept, kept], named: { attention_mask: [[[[1]]]] }, weights: multiHeadWeights }, /4 axes/],
  ['ops.GetItem', {}, { inputs: [steps], values: { 1: [2] } }, /axis 0/],
  ['ops.GetItem', {}, { inputs: [steps], values: { 1: [{ class_name: '__slice__', config: { start: 1, stop: null, step: null } }] } }, /slice of the batch/],
  ['ops.GetItem', {}, { inputs: [steps], values: { 1: [{ class_name: '__ellipsis__', config: {} }, { class_name: '__slice__', config: { start: null, stop: null, step: 2 } }] } }, /step 2/],
  ['ops.Reshape', { newshape: [3, -1] }, { inputs: [steps] }, /free batch/],
  ['ops.Cast', { dtype: 'string' }, { inputs: [steps] }, /"string"/],
  ['ops.Clip', { x_min: null, x_max: 1 }, { inputs: [steps] }, /limits/],
  ['ops.Add', {}, { inputs: [steps], values: { 1: [1, 2] } }, /operands/]
]

for (const [className, config, given, says] of refused) {
  t.throws(() => call(className, config, given), { name: 'Fault', code: 'unsupported_layer', message: says }, `${className} says ${says}`)
}

t.test('a refusal names layer and class', async (t) => {
  try {
    call('UpSampling2D', { size: 2, data_format: 'channels_last', interpolation: 'bicubic' }, { inputs: [image] })
    t.fail('not refused')
  } catch (error) {
    t.ok(error instanceof Fault)
    t.match((error as Fault).message, /^layer "it" \(UpSampling2D\): /)
  }
})

/** Configs that no Keras writes. */
const unreadable: readonly (readonly [string, Record<string, unknown>, Given, string])[] = [
  ['LeakyReLU', {}, { inputs: [steps] }, '"negative_slope" is missing'],
  ['ReLU', { negative_slope: 0, threshold: '0', max_value: null }, { inputs: [steps] }, '"threshold" is "0"'],
  ['Embedding', { mask_zero: 1 }, { inputs: [[[1]]], weights: { embeddings: [[1], [2]] } }, '"mask_zero" is 1'],
  ['Permute', { dims: [2, 1.5] }, { inputs: [steps] }, '"dims" is [2,1.5]'],
  ['Cropping1D', { cropping: [1, 1, 1] }, { inputs: [steps] }, '"cropping" is [1,1,1]'],
  ['RepeatVector', { n: null }, { inputs: [[[1]]] }, '"n" is null'],
  ['Flatten', { data_format: 'sideways' }, { inputs: [steps] }, '"data_format" is "sideways"'],
  ['Conv1D', { ...convolution, kernel_size: [2, 2] }, { inputs: [steps], weights: convolutionWeights }, '"kernel_size" is [2,2]']
]

for (const [className, config, given, says] of unreadable) {
  t.throws(() => call(className, config, given), { name: 'Fault', code: 'bad_file', message: new RegExp(says.replace(/[[\].]/g, '\\$&')) }, `${className}: ${says}`)
}
