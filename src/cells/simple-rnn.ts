import { activation } from '../ops/activations.ts'
import type { Cell } from './cell.ts'
import { affine, held, spread } from './blocks.ts'

/**
 * The fully connected RNN (Elman 1990): h = activation(x.W + h.U + b). Its only gate is the state itself, called `candidate`, so that it
 * has the same parts as the others.
 */
export const simpleRnn: Cell = {
  states: ['hidden'],
  gates: [{ letter: '', gate: 'candidate' }],
  project: (call, x) => affine(call, x, call.weights.kernel, call.weights.bias),
  compute: (call, projected, [hidden]) => {
    const { ops, layer, keras, weights } = call
    const candidate = ops.add(projected, ops.matmul(hidden, weights.recurrent_kernel))
    return { gates: { candidate: held(call, 'candidate', activation(ops, layer.config.activation, keras)(candidate)) }, preactivations: { candidate } }
  },
  update: (call, { candidate }) => [held(call, 'hidden', candidate)],
  contributions: (call, x, [hidden]) => {
    const recurrent = call.ops.matmul(hidden, call.weights.recurrent_kernel)
    return { candidate: { input: affine(call, x, call.weights.kernel, undefined), recurrent, bias: spread(call, call.weights.bias, recurrent) } }
  }
}
