import type { LayerCall } from './layer.ts'
import { channelsLast, unsupported } from './config.ts'
import { rank } from './result.ts'

/**
 * x as convolutions and pooling take it, `[batch, row, column, channel]`, and the way back. `space` is 1 for a layer over steps (one row)
 * and 2 for one over rows and columns; channels_first is turned, which is exact.
 */
export function asPlane<T> (call: LayerCall<T>, space: 1 | 2): { x: T, back: (y: T) => T } {
  const { ops, layer, inputs: [given] } = call
  if (rank(call, given) !== space + 2) throw unsupported(layer, `its input has ${rank(call, given)} axes with the batch; only ${space + 2} are computed`)
  const last = channelsLast(layer)
  const turned = last ? given : ops.transpose(given, space === 1 ? [0, 2, 1] : [0, 2, 3, 1])
  return {
    x: space === 1 ? ops.expandDims(turned, 1) : turned,
    back: (y) => {
      const flat = space === 1 ? ops.squeeze(y, 1) : y
      return last ? flat : ops.transpose(flat, space === 1 ? [0, 2, 1] : [0, 3, 1, 2])
    }
  }
}

/** `[row, column]` of a setting: 1 for the one row of a layer over steps. */
export function pair (values: readonly number[]): readonly [number, number] {
  return values.length === 1 ? [1, values[0]] : [values[0], values[1]]
}
