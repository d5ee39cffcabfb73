import { channelsLast, flag, wholesOf, word } from './config.ts'
import type { LayerFunction } from './layer.ts'
import { asPlane, pair } from './plane.ts'
import { maskGiven, result } from './result.ts'
import { plane } from './sampling.ts'

/** The largest or the mean of each window; masks end here. */
const pooling = (kind: 'max' | 'mean', space: 1 | 2): LayerFunction => (call) => {
  const { ops, layer } = call
  const { x, back } = asPlane(call, space)
  const size = pair(wholesOf(layer, 'pool_size', space))
  const strides = layer.config.strides === null ? size : pair(wholesOf(layer, 'strides', space))
  return result(back(ops.pool(kind, x, { size, strides, padding: word(layer, 'padding', ['valid', 'same']) })), null)
}

export const maxPooling1D = pooling('max', 1)
export const maxPooling2D = pooling('max', 2)
export const averagePooling1D = pooling('mean', 1)
export const averagePooling2D = pooling('mean', 2)

/** One value a channel; maximum takes no notice of a mask. */
const globalPooling = (kind: 'max' | 'mean', space: 1 | 2): LayerFunction => (call) => {
  const { ops, layer, inputs: [x] } = call
  const axes = space === 2 ? plane(call) : [channelsLast(layer) ? 1 : 2]
  return result(ops.reduce(kind, x, axes, flag(layer, 'keepdims')), null)
}

export const globalMaxPooling1D = globalPooling('max', 1)
export const globalMaxPooling2D = globalPooling('max', 2)
export const globalAveragePooling2D = globalPooling('mean', 2)

/** The mean over the steps that are kept; without any it is 0/0, as in Keras. */
export const globalAveragePooling1D: LayerFunction = (call) => {
  const { ops, layer, keras, inputs: [x] } = call
  const given = maskGiven(call)
  if (given === null) return globalPooling('mean', 1)(call)
  const [steps, features] = channelsLast(layer) ? [1, 2] : [2, 1]
  const mask = ops.expandDims(keras === 3 ? ops.cast(given, 'bool') : given, features)
  const count = ops.cast(mask, 'float')
  const kept = keras === 3 ? ops.where(mask, x, 0) : ops.mul(x, count)
  const keep = flag(layer, 'keepdims')
  return result(ops.div(ops.reduce('sum', kept, [steps], keep), ops.reduce('sum', count, [steps], keep)), null)
}
