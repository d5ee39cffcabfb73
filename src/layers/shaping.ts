import { channelsLast, whole, wholes } from './config.ts'
import type { LayerFunction } from './layer.ts'
import { rank, result } from './result.ts'

/** `[batch, ...]` -> `[batch, feature]`; channels_first is brought to channels_last before. */
export const flatten: LayerFunction = (call) => {
  const { ops, layer, inputs: [x] } = call
  const axes = rank(call, x)
  const last = channelsLast(layer) || axes < 3 ? x : ops.transpose(x, [0, ...Array.from({ length: axes - 2 }, (_, n) => n + 2), 1])
  return result(ops.reshape(last, [0, -1]), null)
}

/** `[batch, ...]` -> `[batch, ...target_shape]`; one free size may be written -1, or null by Keras 3. */
export const reshape: LayerFunction = ({ ops, layer, inputs: [x] }) => {
  const sizes = layer.config.target_shape
  const target = Array.isArray(sizes) ? sizes.map((size) => size ?? -1) : sizes
  return result(ops.reshape(x, [0, ...wholes({ ...layer, config: { target_shape: target } }, 'target_shape')]), null)
}

/** The axes after the batch in the order of `dims`, counted from 1. */
export const permute: LayerFunction = ({ ops, layer, inputs: [x] }) => result(ops.transpose(x, [0, ...wholes(layer, 'dims')]), null)

/** `[batch, feature]` -> `[batch, step, feature]`, n times the same. */
export const repeatVector: LayerFunction = ({ ops, layer, inputs: [x] }) => result(ops.repeat(ops.expandDims(x, 1), 1, whole(layer, 'n')), null)
