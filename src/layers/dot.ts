import { flag, unsupported, wholesOf } from './config.ts'
import type { LayerFunction } from './layer.ts'
import { unit } from './normalization.ts'
import { fromStart, rank, result } from './result.ts'

/**
 * The product of two inputs over one axis of each, sample by sample: the other axes of the first, then those of the second; `[batch, 1]`
 * where none are left. With normalize both are brought to length 1 along that axis before.
 */
export const dot: LayerFunction = (call) => {
  const { ops, layer, inputs } = call
  const ranks = inputs.map((x) => rank(call, x))
  if (inputs.length !== 2 || Math.max(...ranks) > 3) throw unsupported(layer, `it multiplies ${ranks.length} inputs of ${ranks.join(' and ')} axes; two of at most 3 are computed`)
  const axes = wholesOf(layer, 'axes', 2).map((axis, n) => fromStart(axis, ranks[n]))
  const [x, y] = flag(layer, 'normalize') ? inputs.map((input, n) => unit(call, input, [axes[n]], 1e-7)) : inputs
  const left = ranks[0] === 2 ? ops.expandDims(x, 1) : axes[0] === 1 ? ops.transpose(x, [0, 2, 1]) : x
  const right = ranks[1] === 2 ? ops.expandDims(y, 2) : axes[1] === 2 ? ops.transpose(y, [0, 2, 1]) : y
  const product = ops.matmul(left, right)
  return result(ranks[0] === 2 ? ops.squeeze(product, 1) : ranks[1] === 2 ? ops.squeeze(product, 2) : product, null)
}
