import { activation } from '../ops/activations.ts'
import type { ByGate, Cell, CellCall } from './cell.ts'
import { affine, block, held, spread } from './blocks.ts'

/** How an LSTM hears its input and its own past: matrix products here, convolutions in a ConvLSTM. */
interface Hearing {
  readonly units: <T>(call: CellCall<T>) => number
  readonly input: <T>(call: CellCall<T>, x: T, bias: boolean) => T
  readonly recurrent: <T>(call: CellCall<T>, hidden: T) => T
}

const names = [{ letter: 'i', gate: 'input' }, { letter: 'f', gate: 'forget' }, { letter: 'c', gate: 'candidate' }, { letter: 'o', gate: 'output' }] as const

/**
 * The LSTM (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000), blocks in Keras' order i, f, c, o:
 * i, f, o = recurrent_activation(x.W + h.U + b), g = activation(...), c = f * c + i * g, h = o * activation(c).
 */
export function lstmOf (hears: Hearing): Cell {
  return {
    states: ['hidden', 'cell'],
    gates: names,
    project: (call, x) => hears.input(call, x, true),
    compute: (call, projected, [hidden]) => {
      const { ops, layer: { config }, keras } = call
      const units = hears.units(call)
      const all = ops.add(projected, hears.recurrent(call, hidden))
      const [candidate, others] = [activation(ops, config.activation, keras), activation(ops, config.recurrent_activation, keras)]
      const preactivations = Object.fromEntries(names.map(({ gate }, n) => [gate, block(call, all, units, n)]))
      const gates = Object.fromEntries(names.map(({ gate }) => [gate, held(call, gate, (gate === 'candidate' ? candidate : others)(preactivations[gate]))]))
      return { gates, preactivations }
    },
    update: (call, gates, [, cell]) => {
      const { ops, layer: { config }, keras } = call
      const next = held(call, 'cell', ops.add(ops.mul(gates.forget, cell), ops.mul(gates.input, gates.candidate)))
      return [held(call, 'hidden', ops.mul(gates.output, activation(ops, config.activation, keras)(next))), next]
    },
    contributions: (call, x, [hidden]) => {
      const units = hears.units(call)
      const input = hears.input(call, x, false)
      const recurrent = hears.recurrent(call, hidden)
      const bias = spread(call, call.weights.bias, recurrent)
      return Object.fromEntries(names.map(({ gate }, n) => [gate, {
        input: block(call, input, units, n), recurrent: block(call, recurrent, units, n), bias: block(call, bias, units, n)
      }]))
    }
  }
}

export const lstm: Cell = {
  ...lstmOf({
    units: ({ layer }) => layer.config.units as number,
    input: (call, x, bias) => affine(call, x, call.weights.kernel, bias ? call.weights.bias : undefined),
    recurrent: ({ ops, weights }, hidden) => ops.matmul(hidden, weights.recurrent_kernel)
  }),
  fusion: ({ weights }) => ({ kind: 'lstm', biases: [weights.bias, undefined], resetAfter: false })
}

/** Does one engine kernel compute this cell whole? Only tanh and sigmoid, and no convolution. The one place that decides. */
export function fusable<T> ({ ops, layer: { className, config } }: CellCall<T>): boolean {
  return ops.fusedLstm !== undefined && (className === 'LSTM' || className === 'LSTMCell') &&
    config.activation === 'tanh' && config.recurrent_activation === 'sigmoid'
}

/** All states and gates of an LSTM from one kernel. x `[step, batch, feature]` in reading order. */
export function fused<T> (call: CellCall<T>, x: T, [hidden, cell]: readonly T[]): { states: T[], gates: ByGate<T> } {
  const { ops, weights } = call
  const bias = weights.bias ?? ops.constant(new Float32Array(4 * (call.layer.config.units as number)), [4 * (call.layer.config.units as number)])
  const all = ops.fusedLstm!(x, hidden, cell, ops.concat([weights.kernel, weights.recurrent_kernel], 0), bias)
  return {
    states: [all.hidden, all.cell],
    gates: { input: all.input, forget: all.forget, candidate: all.candidate, output: all.output }
  }
}
