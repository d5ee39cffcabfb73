import tap from 'tap'
import type { Cell } from '../../src/cells/cell.ts'
import { convLstm } from '../../src/cells/conv-lstm.ts'
import { gru } from '../../src/cells/gru.ts'
import { lstm } from '../../src/cells/lstm.ts'
import { simpleRnn } from '../../src/cells/simple-rnn.ts'
import { cellsIn } from '../../src/cells/cells.ts'
import type { Layer } from '../../src/model.ts'
import { bind, flat, ops, random } from './support.ts'

const [steps, batch, features, units] = [4, 2, 3, 5]
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Every cell and variant, with its weights' shapes. */
const variants: [string, Cell, ReturnType<typeof bind>, readonly number[], readonly number[]][] = [
  ['LSTM', lstm, bind('LSTM', { units, activation: 'tanh', recurrent_activation: 'sigmoid' }, { kernel: [features, 4 * units], recurrent_kernel: [units, 4 * units], bias: [4 * units] }), [features], [units]],
  ['LSTM without bias', lstm, bind('LSTM', { units, activation: 'relu', recurrent_activation: 'hard_sigmoid' }, { kernel: [features, 4 * units], recurrent_kernel: [units, 4 * units] }), [features], [units]],
  ['GRU, reset after', gru, bind('GRU', { units, activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: true }, { kernel: [features, 3 * units], recurrent_kernel: [units, 3 * units], bias: [2, 3 * units] }), [features], [units]],
  ['GRU, reset before', gru, bind('GRU', { units, activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: false }, { kernel: [features, 3 * units], recurrent_kernel: [units, 3 * units], bias: [3 * units] }), [features], [units]],
  ['GRU without bias', gru, bind('GRU', { units, activation: 'tanh', recurrent_activation: 'sigmoid', reset_after: true }, { kernel: [features, 3 * units], recurrent_kernel: [units, 3 * units] }), [features], [units]],
  ['SimpleRNN', simpleRnn, bind('SimpleRNN', { units, activation: 'tanh' }, { kernel: [features, units], recurrent_kernel: [units, units], bias: [units] }), [features], [units]],
  ['ConvLSTM2D', convLstm, bind('ConvLSTM2D', { filters: units, activation: 'tanh', recurrent_activation: 'sigmoid', padding: 'valid', strides: [1, 1], dilation_rate: [1, 1] }, { kernel: [2, 2, features, 4 * units], recurrent_kernel: [2, 2, units, 4 * units], bias: [4 * units] }), [4, 5, features], [3, 4, units]],
  ['ConvLSTM1D', convLstm, bind('ConvLSTM1D', { filters: units, activation: 'tanh', recurrent_activation: 'sigmoid', padding: 'same', strides: [1], dilation_rate: [1] }, { kernel: [3, features, 4 * units], recurrent_kernel: [3, units, 4 * units], bias: [4 * units] }), [4, features], [4, units]]
]

for (const [name, cell, call, input, state] of variants) {
  tap.test(name, async (t) => {
    const x = random([steps, batch, ...input], 3)
    const states = cell.states.map((_, n) => random([steps, batch, ...state], 20 + n))
    const all = cell.compute(call, cell.project(call, x), states)

    t.test('all steps at once are the steps one by one', async (t) => {
      for (let step = 0; step < steps; step++) {
        const at = (y: typeof x): typeof x => ops.squeeze(ops.slice(y, 0, step, step + 1), 0)
        const one = cell.compute(call, at(cell.project(call, x)), states.map(at))
        for (const { gate } of cell.gates) near(t, flat(one.gates[gate]), flat(at(all.gates[gate])), 1e-12, `${gate} at step ${step}`)
      }
    })

    t.test('input, recurrent and bias parts add up to the pre-activation', async (t) => {
      for (const [gate, { input, recurrent, bias }] of Object.entries(cell.contributions(call, x, states, all.gates))) {
        near(t, flat(ops.add(ops.add(input, recurrent), bias)), flat(all.preactivations[gate]), 1e-6, gate)
      }
    })
  })
}

tap.test('an LSTM step as one would write it by hand', async (t) => {
  const [name, cell, call] = variants[0]
  const x = random([batch, features], 5)
  const [h, c] = [random([batch, units], 6), random([batch, units], 7)]
  const { gates } = cell.compute(call, cell.project(call, x), [h, c])
  const [hidden, memory] = cell.update(call, gates, [h, c]).map(flat)
  const [W, U, b, X, H, C] = [call.weights.kernel, call.weights.recurrent_kernel, call.weights.bias, x, h, c].map(flat)
  const z = (n: number, unit: number, block: number): number => {
    const column = block * units + unit
    let sum = b[column]
    for (let k = 0; k < features; k++) sum += X[n * features + k] * W[k * 4 * units + column]
    for (let k = 0; k < units; k++) sum += H[n * units + k] * U[k * 4 * units + column]
    return sum
  }
  const expected = Array.from({ length: batch * units }, (_, at) => {
    const [n, unit] = [Math.floor(at / units), at % units]
    const next = sigmoid(z(n, unit, 1)) * C[at] + sigmoid(z(n, unit, 0)) * Math.tanh(z(n, unit, 2))
    return [sigmoid(z(n, unit, 3)) * Math.tanh(next), next]
  })
  near(t, hidden, expected.map(([one]) => one), 1e-6, `${name} hidden`)
  near(t, memory, expected.map(([, one]) => one), 1e-6, `${name} cell`)
})

tap.test('z keeps: a GRU whose update gate is open stays as it is', async (t) => {
  const { update } = gru
  const call = variants[2][2]
  const [h, candidate] = [random([batch, units], 1), random([batch, units], 2)]
  const [kept] = update(call, { update: ops.fill(h, 1), reset: h, candidate }, [h])
  t.same(flat(kept), flat(h))
  const [replaced] = update(call, { update: ops.fill(h, 0), reset: h, candidate }, [h])
  t.same(flat(replaced), flat(candidate))
})

tap.test('the cells of a layer, stacks taken apart', async (t) => {
  const layer = (className: string, children: Record<string, Layer> = {}): Layer => ({ path: className, className, config: { units }, weights: {}, children })
  t.same(cellsIn(layer('LSTM')).map(({ at }) => at), [''])
  t.same(cellsIn(layer('RNN', { cell: layer('GRUCell') })).map(({ at }) => at), [''])
  const stack = layer('RNN', { cell: layer('StackedRNNCells', { 0: layer('LSTMCell'), 1: layer('GRUCell'), 10: layer('SimpleRNNCell'), 2: layer('StackedRNNCells', { 0: layer('GRUCell') }) }) })
  t.same(cellsIn(stack).map(({ at, layer: { className } }) => [at, className]), [
    ['cells/0', 'LSTMCell'], ['cells/1', 'GRUCell'], ['cells/2/cells/0', 'GRUCell'], ['cells/10', 'SimpleRNNCell']
  ])
  t.same(cellsIn(layer('Dense')), [])
})

function near (t: { equal: typeof tap.equal, ok: typeof tap.ok }, got: readonly number[], expected: readonly number[], tolerance: number, what: string): void {
  t.equal(got.length, expected.length, `${what}: as many`)
  const worst = got.reduce((far, value, n) => Math.max(far, Math.abs(value - expected[n])), 0)
  t.ok(worst <= tolerance, `${what}: within ${tolerance}, is ${worst}`)
}
