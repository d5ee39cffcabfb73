import type * as tfjs from '@tensorflow/tfjs-core'
import type { FusedLstm, Ops } from './ops.ts'
import type { Tf } from './eager-numbers.ts'

/** What is used of tfjs-node's backend: any TensorFlow op by its name. */
interface Native {
  readonly binding: Readonly<Record<'TF_ATTR_TYPE' | 'TF_ATTR_BOOL' | 'TF_ATTR_FLOAT' | 'TF_FLOAT' | 'TF_INT32' | 'TF_INT64', number>>
  executeSingleOutput: (op: string, attributes: readonly Attribute[], inputs: readonly tfjs.Tensor[]) => tfjs.Tensor
  executeMultipleOutputs: (op: string, attributes: readonly Attribute[], inputs: readonly tfjs.Tensor[], outputs: number) => tfjs.Tensor[]
}

interface Attribute { readonly name: string, readonly type: number, readonly value: number | boolean }

/**
 * A whole LSTM with tanh and sigmoid in one kernel of TensorFlow, BlockLSTMV2: x `[step, batch, feature]`, hidden and cell `[batch, unit]`,
 * kernel `[feature + unit, 4 * unit]` = Keras' kernel above its recurrent kernel (blocks i, f, c, o), bias `[4 * unit]`. No masks, no
 * gradients; reading order is the order of x.
 */
export function fusedLstm (tf: Tf): NonNullable<Ops<tfjs.Tensor>['fusedLstm']> {
  const native = tf.backend() as unknown as Native
  const { TF_ATTR_TYPE, TF_ATTR_BOOL, TF_ATTR_FLOAT, TF_FLOAT, TF_INT32, TF_INT64 } = native.binding
  // tfjs-core has no 64-bit whole numbers: TensorFlow's own Cast makes one.
  const toInt64: Attribute[] = [
    { name: 'SrcT', type: TF_ATTR_TYPE, value: TF_INT32 },
    { name: 'DstT', type: TF_ATTR_TYPE, value: TF_INT64 },
    { name: 'Truncate', type: TF_ATTR_BOOL, value: false }
  ]
  const attributes: Attribute[] = [
    { name: 'cell_clip', type: TF_ATTR_FLOAT, value: 0 },
    { name: 'use_peephole', type: TF_ATTR_BOOL, value: false },
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }
  ]
  return (x, hidden, cell, kernel, bias): FusedLstm<tfjs.Tensor> => {
    // All steps, always: what lies beyond the length that the kernel is told stays uninitialised memory.
    const steps = native.executeSingleOutput('Cast', toInt64, [tf.scalar(x.shape[0], 'int32')])
    const peephole = tf.zeros(cell.shape.slice(1))
    const inputs = [steps, x, cell, hidden, kernel, peephole, peephole, peephole, bias]
    const [input, after, forget, output, candidate, , next] = native.executeMultipleOutputs('BlockLSTMV2', attributes, inputs, 7)
    return { input, forget, candidate, output, cell: after, hidden: next }
  }
}
