import { activation } from '../ops/activations.ts'
import type { Cell, CellCall } from './cell.ts'
import { affine, block, held, spread } from './blocks.ts'

const names = [{ letter: 'z', gate: 'update' }, { letter: 'r', gate: 'reset' }, { letter: 'h', gate: 'candidate' }] as const

/** Input bias and recurrent bias: with reset_after Keras keeps them as the two rows of one array, else there is only the first. */
function biases<T> ({ ops, layer, weights }: CellCall<T>): { input?: T, recurrent?: T } {
  if (weights.bias === undefined) return {}
  if (layer.config.reset_after !== true) return { input: weights.bias }
  return { input: ops.squeeze(ops.slice(weights.bias, 0, 0, 1), 0), recurrent: ops.squeeze(ops.slice(weights.bias, 0, 1, 2), 0) }
}

/** h.U of some of the blocks, with their recurrent bias. */
function hear<T> (call: CellCall<T>, hidden: T, bias: T | undefined, from: number, to: number): T {
  const { ops, layer, weights } = call
  const units = layer.config.units as number
  const cut = (x: T): T => ops.slice(x, -1, from * units, to * units)
  return affine(call, hidden, cut(weights.recurrent_kernel), bias === undefined ? undefined : cut(bias))
}

/**
 * The GRU (Cho et al. 2014), blocks in Keras' order z, r, h. z keeps: h = z * h + (1 - z) * candidate.
 * reset_after (the cuDNN form): candidate = activation(x.W + b + r * (h.U + rb)); else activation(x.W + b + (r * h).U).
 */
export const gru: Cell = {
  states: ['hidden'],
  gates: names,
  project: (call, x) => affine(call, x, call.weights.kernel, biases(call).input),
  compute: (call, projected, [hidden]) => {
    const { ops, layer: { config }, keras } = call
    const units = config.units as number
    const after = config.reset_after === true
    const bias = biases(call).recurrent
    // With reset_after one product serves all three blocks.
    const heard = hear(call, hidden, bias, 0, after ? 3 : 2)
    const recurrent = activation(ops, config.recurrent_activation, keras)
    const update = ops.add(block(call, projected, units, 0), block(call, heard, units, 0))
    const reset = ops.add(block(call, projected, units, 1), block(call, heard, units, 1))
    const open = held(call, 'reset', recurrent(reset))
    const past = after ? ops.mul(open, block(call, heard, units, 2)) : hear(call, ops.mul(open, hidden), undefined, 2, 3)
    const candidate = ops.add(block(call, projected, units, 2), past)
    return {
      gates: { update: held(call, 'update', recurrent(update)), reset: open, candidate: held(call, 'candidate', activation(ops, config.activation, keras)(candidate)) },
      preactivations: { update, reset, candidate }
    }
  },
  fusion: (call) => {
    const { input, recurrent } = biases(call)
    return { kind: 'gru', biases: [input, recurrent], resetAfter: call.layer.config.reset_after === true }
  },
  update: (call, { update, candidate }, [hidden]) => {
    const { ops } = call
    return [held(call, 'hidden', ops.add(ops.mul(update, hidden), ops.mul(ops.sub(1, update), candidate)))]
  },
  contributions: (call, x, [hidden], { reset }) => {
    const { ops, layer: { config }, weights } = call
    const units = config.units as number
    const after = config.reset_after === true
    const input = affine(call, x, weights.kernel, undefined)
    const heard = hear(call, hidden, undefined, 0, after ? 3 : 2)
    const { input: own, recurrent: other } = biases(call)
    const part = (n: number): { input: typeof x, recurrent: typeof x, bias: typeof x } => {
      const like = block(call, input, units, n)
      const fixed = spread(call, own === undefined ? undefined : block(call, own, units, n), like)
      const second = other === undefined ? undefined : spread(call, block(call, other, units, n), like)
      const candidate = n === 2
      return {
        input: like,
        recurrent: !candidate ? block(call, heard, units, n) : after ? ops.mul(reset, block(call, heard, units, 2)) : hear(call, ops.mul(reset, hidden), undefined, 2, 3),
        bias: second === undefined ? fixed : ops.add(fixed, candidate ? ops.mul(reset, second) : second)
      }
    }
    return Object.fromEntries(names.map(({ gate }, n) => [gate, part(n)]))
  }
}
