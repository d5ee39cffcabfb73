import { channelsLast, sides, unsupported, whole, wholesOf } from './config.ts'
import type { LayerCall, LayerFunction } from './layer.ts'
import { result } from './result.ts'

/** The axes of rows and columns. */
export function plane<T> ({ layer }: LayerCall<T>): readonly [number, number] {
  return channelsLast(layer) ? [1, 2] : [2, 3]
}

/** Each step n times over. */
export const upSampling1D: LayerFunction = ({ ops, layer, inputs: [x] }) => result(ops.repeat(x, 1, whole(layer, 'size')), null)

/** Each row and column n times over. */
export const upSampling2D: LayerFunction = (call) => {
  const { ops, layer, inputs: [x] } = call
  if (layer.config.interpolation !== 'nearest') throw unsupported(layer, `interpolation ${JSON.stringify(layer.config.interpolation)} is not computed, only "nearest" is`)
  const [rows, columns] = plane(call)
  const [down, across] = wholesOf(layer, 'size', 2)
  return result(ops.repeat(ops.repeat(x, rows, down), columns, across), null)
}

/** The axes without their first and last entries. */
function cropped<T> (call: LayerCall<T>, axes: readonly number[]): T {
  const pairs = sides(call.layer, 'cropping', axes.length)
  return axes.reduce((x, axis, n) => call.ops.slice(x, axis, pairs[n][0], pairs[n][1] === 0 ? undefined : -pairs[n][1]), call.inputs[0])
}

export const cropping1D: LayerFunction = (call) => result(cropped(call, [1]), null)
export const cropping2D: LayerFunction = (call) => result(cropped(call, plane(call)), null)

/** Zeros before and after the axes. */
function padded<T> (call: LayerCall<T>, axes: readonly number[]): T {
  const pairs = sides(call.layer, 'padding', axes.length)
  return call.ops.pad(call.inputs[0], call.ops.shape(call.inputs[0]).map((_, axis) => axes.includes(axis) ? pairs[axes.indexOf(axis)] : [0, 0]), 0)
}

/** Keras 3's has a data_format; Keras 2's pads the step axis, always the first. */
export const zeroPadding1D: LayerFunction = (call) => result(padded(call, [call.keras !== 3 || channelsLast(call.layer) ? 1 : 2]), null)
export const zeroPadding2D: LayerFunction = (call) => result(padded(call, plane(call)), null)
