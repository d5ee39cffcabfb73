import { activation } from '../ops/activations.ts'
import type { LayerFunction } from './layer.ts'
import { passing } from './result.ts'

/** activation(x.W + b) on the last axis: x `[batch, ..., feature]` -> `[batch, ..., unit]`. */
export const dense: LayerFunction = (call) => {
  const { ops, layer, keras, weights } = call
  const product = ops.matmul(call.inputs[0], weights.kernel)
  const sum = weights.bias === undefined ? product : ops.add(product, weights.bias)
  return passing(call, activation(ops, layer.config.activation, keras)(sum))
}
