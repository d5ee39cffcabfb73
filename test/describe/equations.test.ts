import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cellOf } from '../../src/cells/cells.ts'
import { equationsOf } from '../../src/describe/equations.ts'
import { describeWeights } from '../../src/describe/weights.ts'
import { readModel } from '../../src/registry/read.ts'
import { layer } from '../request/models.ts'
import { farthest, readCases } from '../support/cases.ts'
import { wide } from '../support/equation.ts'
import { run, type Value } from './interpreter.ts'
import { gru, lstm, simple } from './models.ts'

const always = '* is element by element; the same arrays serve every step t, so time_steps is in no shape'
const sigmoid = 'sigmoid(z) = 1 / (1 + exp(-z))'

t.test('LSTM', async (t) => {
  t.same(equationsOf(lstm('l', 1, 1), 3), [
    'i_t = sigmoid(x_t W_i + h_{t-1} U_i + b_i)',
    'f_t = sigmoid(x_t W_f + h_{t-1} U_f + b_f)',
    'g_t = tanh(x_t W_c + h_{t-1} U_c + b_c)',
    'o_t = sigmoid(x_t W_o + h_{t-1} U_o + b_o)',
    'c_t = f_t * c_{t-1} + i_t * g_t',
    'h_t = o_t * tanh(c_t)',
    sigmoid,
    always
  ])
})

t.test('activations of the file, by the rules of its Keras', async (t) => {
  const bare = lstm('l', 1, 1, { use_bias: false, activation: 'linear', recurrent_activation: 'hard_sigmoid', go_backwards: true })
  const [first, ...rest] = equationsOf(bare, 2)
  t.equal(first, 'i_t = hard_sigmoid(x_t W_i + h_{t-1} U_i)')
  t.same(rest.slice(4), ['h_t = o_t * linear(c_t)', 'hard_sigmoid(z) = max(0, min(1, 0.2 * z + 0.5))', 'linear(z) = z', 'the input is read from its last step to its first: t-1 is the step read before t', always])
  t.ok(equationsOf(bare, 3).includes('hard_sigmoid(z) = max(0, min(6, z + 3)) / 6'))
  const same = equationsOf(lstm('l', 1, 1, { activation: 'sigmoid' }), 2)
  t.same([same[2], same.filter((line) => line === sigmoid).length], ['g_t = sigmoid(x_t W_c + h_{t-1} U_c + b_c)', 1])
  const object = equationsOf(lstm('l', 1, 1, { activation: { class_name: 'LeakyReLU', config: { negative_slope: 0.5 } } }), 3)
  t.same([object[5], object[7]], ['h_t = o_t * LeakyReLU(c_t)', 'LeakyReLU(z) = max(0, z) + 0.5 * min(0, z)'])
})

t.test('GRU', async (t) => {
  t.same(equationsOf(gru('g', 1, 1, true), 3).slice(0, 4), [
    'z_t = hard_sigmoid(x_t W_z + h_{t-1} U_z + b_z + rb_z)',
    'r_t = hard_sigmoid(x_t W_r + h_{t-1} U_r + b_r + rb_r)',
    'hh_t = tanh(x_t W_h + b_h + r_t * (h_{t-1} U_h + rb_h))',
    'h_t = z_t * h_{t-1} + (1 - z_t) * hh_t'
  ])
  t.same(equationsOf(gru('g', 1, 1, false), 3).slice(1, 3), ['r_t = hard_sigmoid(x_t W_r + h_{t-1} U_r + b_r)', 'hh_t = tanh(x_t W_h + (r_t * h_{t-1}) U_h + b_h)'])
})

t.test('SimpleRNN and ConvLSTM', async (t) => {
  t.same(equationsOf(simple('s', 1, 1), 3), ['h_t = tanh(x_t W + h_{t-1} U + b)', always])
  const image = layer('c', 'ConvLSTM1D', { filters: 1, padding: 'valid', strides: [2], activation: 'tanh', recurrent_activation: 'sigmoid' })
  const lines = equationsOf(image, 3)
  t.equal(lines[0], 'i_t = sigmoid(conv(x_t, W_i) + conv(h_{t-1}, U_i))')
  t.equal(lines[7], 'conv: Keras\' convolution, of x_t with padding "valid" and strides [2], of h_{t-1} with padding "same" and strides 1')
  const wide = layer('c', 'ConvLSTM1D', { ...image.config, dilation_rate: [3] })
  t.match(equationsOf(wide, 3)[7], 'strides [2] and dilation [3], of')
})

t.test('the equations are true: run as they are written, with the weights as they are listed, they give the states of the goldens', async (t) => {
  const folder = fileURLToPath(new URL('../../../test/goldens/', import.meta.url))
  const files = readdirSync(`${folder}models`)
  const met = new Set<string>()
  for (const golden of readCases(`${folder}cases`)) {
    const main = files.find((name) => name === `${golden.id}.keras` || name === `${golden.id}.h5`)
    if (main === undefined || !Object.keys(golden.expect).some((name) => name.endsWith('/hidden'))) continue
    const file = await readModel({ main: `${folder}models/${main}`, weights: null })
    const { graph } = file
    for (const node of graph.nodes) {
      const cell = cellOf(graph.layers[node.layer])
      const expected = golden.expect[`${node.key}/hidden`] as number[][][] | undefined
      const input = graph.inputs.find(({ node: n }) => node.args.length === 1 && 'ref' in node.args[0] && node.args[0].ref.node === n)
      // Layers that read the model's own input, from zero, without a mask: all that the equations speak of.
      if (cell === undefined || expected === undefined || input === undefined || Object.keys(node.kwargs).length > 0 || golden.mask[node.key] !== undefined) continue
      const { className, config } = graph.layers[node.layer]
      if (className.startsWith('ConvLSTM') || config.time_major === true || [config.activation, config.recurrent_activation].some((name) => wide.includes(name))) continue
      const body = JSON.parse(Buffer.from(describeWeights({ id: 'm', version: 1, digest: '', file }, { layer: node.layer, values: true, layout: 'gates' })).toString())
      const { equations, weights, units, type } = body.layers[node.layer]
      const arrays = Object.fromEntries(Object.entries(weights as Record<string, { data: Value }>).map(([name, { data }]) => [name, data]))
      const states = ((golden.inputs[input.name] ?? Object.values(golden.inputs)[0]) as number[][][]).map((sequence) => run(equations, arrays, units, sequence))
      t.ok(farthest(states, expected) <= 1e-5, `${golden.id} ${node.key}`)
      met.add(`${type} Keras ${file.keras}`)
    }
  }
  t.same([...met].sort(), ['GRU Keras 2', 'GRU Keras 3', 'LSTM Keras 2', 'LSTM Keras 3', 'SimpleRNN Keras 2', 'SimpleRNN Keras 3'])
})
