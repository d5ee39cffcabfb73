import { activation } from '../ops/activations.ts'
import type { Ops } from '../ops/ops.ts'
import { number, numberOrNull, unsupported, wholes } from './config.ts'
import type { LayerFunction } from './layer.ts'
import { maskGiven, passing, rank, result } from './result.ts'

export const activationLayer: LayerFunction = (call) => passing(call, activation(call.ops, call.layer.config.activation, call.keras)(call.inputs[0]))

/** x above the threshold, at most `ceiling`; below, slope * (x - threshold). The threshold is compared as the float32 it becomes in Keras. */
function rectified<T> (ops: Ops<T>, x: T, { slope = 0, ceiling = null, threshold = 0 }: { slope?: number, ceiling?: number | null, threshold?: number }): T {
  const above = threshold === 0 ? ops.unary('relu', x) : ops.where(ops.compare('greater', x, Math.fround(threshold)), x, 0)
  const clipped = ceiling === null ? above : ops.maximum(ops.minimum(above, ceiling), 0)
  return slope === 0 ? clipped : ops.sub(clipped, ops.mul(ops.unary('relu', ops.sub(threshold, x)), slope))
}

export const relu: LayerFunction = (call) => passing(call, rectified(call.ops, call.inputs[0], {
  slope: number(call.layer, 'negative_slope'), ceiling: numberOrNull(call.layer, 'max_value'), threshold: number(call.layer, 'threshold')
}))

export const leakyRelu: LayerFunction = (call) => passing(call, rectified(call.ops, call.inputs[0], { slope: number(call.layer, 'negative_slope') }))

/** x where x > theta, else 0 (Keras 1 and 2). */
export const thresholdedRelu: LayerFunction = (call) => {
  const { ops, layer, inputs: [x] } = call
  return passing(call, ops.where(ops.compare('greater', x, Math.fround(number(layer, 'theta'))), x, 0))
}

/** relu(x) - alpha * relu(-x), alpha a weight of x's shape, 1 along shared_axes. */
export const prelu: LayerFunction = (call) => {
  const { ops, weights, inputs: [x] } = call
  return passing(call, ops.sub(ops.unary('relu', x), ops.mul(weights.alpha, ops.unary('relu', ops.unary('neg', x)))))
}

/** x, or alpha * (e^x - 1) below 0 (Clevert et al. 2015). */
export const elu: LayerFunction = (call) => {
  const { ops, layer, inputs: [x] } = call
  return passing(call, ops.where(ops.compare('greater', x, 0), x, ops.mul(ops.unary('expm1', ops.minimum(x, 0)), number(layer, 'alpha'))))
}

/** exp(x - max) / sum over one axis, or over several together. */
export function softmaxOver<T> (ops: Ops<T>, x: T, axes: readonly number[]): T {
  if (axes.length === 1) return ops.softmax(x, axes[0])
  const powers = ops.unary('exp', ops.sub(x, ops.reduce('max', x, axes, true)))
  return ops.div(powers, ops.reduce('sum', powers, axes, true))
}

/**
 * x - 1e9 at masked places, as float32 gives it: a multiple of 64 (the spacing of float32 there), so that a row masked altogether comes out
 * alike in float32 and float64.
 */
export function farBelow<T> (ops: Ops<T>, x: T): T {
  return ops.sub(ops.mul(ops.unary('floor', ops.add(ops.div(x, 64), 0.5)), 64), 1e9)
}

/** Softmax; masked places get (almost) nothing: Keras 2 lowers them by 1e9, Keras 3 puts -1e9 there and zeros after. */
export const softmax: LayerFunction = (call) => {
  const { ops, layer, keras, inputs: [x] } = call
  const axes = wholes(layer, 'axis')
  const given = maskGiven(call)
  if (given === null) return result(softmaxOver(ops, x, axes), null)
  if (rank(call, given) !== rank(call, x)) {
    throw unsupported(layer, 'its input carries a mask of fewer axes than the input has, which Keras lays along the wrong axes; give Softmax an input without mask')
  }
  const mask = keras === 3 ? ops.compare('greater', ops.cast(given, 'float'), 0.5) : ops.cast(given, 'bool')
  if (keras !== 3) return result(softmaxOver(ops, ops.where(mask, x, farBelow(ops, x)), axes), mask)
  return result(ops.where(mask, softmaxOver(ops, ops.where(mask, x, -1e9), axes), 0), mask)
}
