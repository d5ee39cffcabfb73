import type * as tfjs from '@tensorflow/tfjs-core'
import type { FusedLstm, Ops } from '../ops.ts'
import type { Tf } from './numbers.ts'

/** What is used of tfjs-node's backend (4.22): TensorFlow ops by their names, over TensorFlow's own handles. */
interface Native {
  readonly binding: {
    readonly TF_ATTR_TYPE: number
    readonly TF_ATTR_BOOL: number
    readonly TF_ATTR_FLOAT: number
    readonly TF_FLOAT: number
    readonly TF_INT64: number
    createTensor: (shape: readonly number[], dtype: number, values: Int32Array) => number
    deleteTensor: (id: number) => void
    executeOp: (op: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number) => unknown[]
  }
  getInputTensorIds: (tensors: readonly tfjs.Tensor[]) => number[]
  createOutputTensor: (metadata: unknown) => tfjs.Tensor
}

interface Attribute { readonly name: string, readonly type: number, readonly value: number | boolean }

/**
 * A whole LSTM with tanh and sigmoid in one kernel of TensorFlow, BlockLSTMV2: x `[step, batch, feature]`, hidden and cell `[batch, unit]`,
 * kernel `[feature + unit, 4 * unit]` = Keras' kernel above its recurrent kernel (blocks i, f, c, o), bias `[4 * unit]`. No masks, no
 * gradients; reading order is the order of x. A signal that reaches a thread in TensorFlow's product of small matrices (oneDNN's compiled code) damages
 * the heap: the service's signals go to its main thread, which computes nothing; a sampling profiler's do not.
 */
export function fusedLstm (tf: Tf): NonNullable<Ops<tfjs.Tensor>['fusedLstm']> {
  const native = tf.backend() as unknown as Native
  const { binding } = native
  const attributes: Attribute[] = [
    { name: 'cell_clip', type: binding.TF_ATTR_FLOAT, value: 0 },
    { name: 'use_peephole', type: binding.TF_ATTR_BOOL, value: false },
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }
  ]
  return (x, hidden, cell, kernel, bias): FusedLstm<tfjs.Tensor> => {
    const peephole = tf.zeros(cell.shape.slice(1))
    const inputs = native.getInputTensorIds([x, cell, hidden, kernel, peephole, peephole, peephole, bias])
    // A 64-bit whole number, low half first; tfjs-core has none, so it is a handle of TensorFlow's only. It names all steps, always: what lies
    // beyond the length that the kernel is told stays uninitialised memory.
    const steps = binding.createTensor([], binding.TF_INT64, Int32Array.of(x.shape[0]!, 0))
    try {
      const results = binding.executeOp('BlockLSTMV2', attributes, [steps, ...inputs], 7)
      const [input, after, forget, output, candidate, , next] = results.map((metadata) => native.createOutputTensor(metadata))
      return { input, forget, candidate, output, cell: after, hidden: next }
    } finally {
      binding.deleteTensor(steps)
    }
  }
}
