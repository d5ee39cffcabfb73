import type { Ops } from '../ops/ops.ts'
import { number, unsupported, whole, wholes } from './config.ts'
import type { LayerCall, LayerFunction } from './layer.ts'
import { fromStart, passing, rank, result } from './result.ts'

/** A weight over `axes` made to broadcast against x: its sizes at those axes in ascending order, 1 elsewhere. */
export function along<T> (call: LayerCall<T>, weight: T, x: T, axes: readonly number[]): T {
  const count = rank(call, x)
  const sizes = call.ops.shape(weight)
  if (sizes.length === count) return weight
  const places = axes.map((axis) => fromStart(axis, count)).sort((a, b) => a - b)
  return call.ops.reshape(weight, Array.from({ length: count }, (_, axis) => places.includes(axis) ? sizes[places.indexOf(axis)] : 1))
}

/** x * inverse + (beta - mean * inverse), inverse = gamma / sqrt(variance + epsilon): TensorFlow's order of the arithmetic. */
function standardised<T> (ops: Ops<T>, x: T, mean: T, variance: T, epsilon: number, gamma: T | null, beta: T | null): T {
  const root = ops.unary('rsqrt', ops.add(variance, epsilon))
  const inverse = gamma === null ? root : ops.mul(root, gamma)
  const shift = ops.unary('neg', ops.mul(mean, inverse))
  return ops.add(ops.mul(x, inverse), beta === null ? shift : ops.add(shift, beta))
}

/** Mean and variance over `axes`, which stay with size 1. */
function moments<T> (ops: Ops<T>, x: T, axes: readonly number[]): { mean: T, variance: T } {
  const mean = ops.reduce('mean', x, axes, true)
  return { mean, variance: ops.reduce('mean', ops.unary('square', ops.sub(x, mean)), axes, true) }
}

/** gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta (Ioffe and Szegedy 2015). Masks act in training alone. */
export const batchNormalization: LayerFunction = (call) => {
  const { ops, layer, keras, weights, inputs: [x] } = call
  const axes = wholes(layer, 'axis')
  const put = (weight: typeof x | undefined): typeof x | null => weight === undefined ? null : along(call, weight, x, axes)
  // Keras 2 hands inputs of 4 and 5 axes to TensorFlow's fused kernel, which knows no smaller epsilon.
  const least = keras === 2 && rank(call, x) >= 4 ? 1.001e-5 : 0
  const epsilon = Math.max(number(layer, 'epsilon'), least)
  return passing(call, standardised(ops, x, put(weights.moving_mean)!, put(weights.moving_variance)!, epsilon, put(weights.gamma), put(weights.beta)))
}

/** gamma * (x - mean) / sqrt(variance + epsilon) + beta over `axis` (Ba et al. 2016). */
export const layerNormalization: LayerFunction = (call) => {
  const { ops, layer, keras, weights, inputs: [x] } = call
  const axes = wholes(layer, 'axis')
  const put = (weight: typeof x | undefined): typeof x | null => weight === undefined ? null : along(call, weight, x, axes)
  const { mean, variance } = moments(ops, x, axes)
  const [gamma, beta, epsilon] = [put(weights.gamma), put(weights.beta), number(layer, 'epsilon')]
  if (keras === 3 && layer.config.rms_scaling === true) {
    const scaled = ops.mul(x, ops.unary('rsqrt', ops.add(variance, epsilon)))
    return passing(call, gamma === null ? scaled : ops.mul(scaled, gamma))
  }
  if (keras === 3) return passing(call, standardised(ops, x, mean, variance, epsilon, gamma, beta))
  const plain = ops.mul(ops.sub(x, mean), ops.unary('rsqrt', ops.add(variance, epsilon)))
  const scaled = gamma === null ? plain : ops.mul(plain, gamma)
  return passing(call, beta === null ? scaled : ops.add(scaled, beta))
}

/** Standardised over each group of channels with everything else but the batch (Wu and He 2018). */
export const groupNormalization: LayerFunction = (call) => {
  const { ops, layer, keras, weights, inputs: [x] } = call
  if (keras !== 3 && (call.masks[0] ?? null) !== null) throw unsupported(layer, 'it is given a mask, which Keras 2 lays along the wrong axes')
  const count = rank(call, x)
  const axis = fromStart(whole(layer, 'axis'), count)
  const others = Array.from({ length: count }, (_, n) => n).filter((n) => n !== axis)
  const last = ops.transpose(x, [...others, axis])
  const channels = ops.shape(x)[axis]
  const groups = whole(layer, 'groups') === -1 ? channels : whole(layer, 'groups')
  const grouped = ops.reshape(last, [...others.map(() => 0), groups, channels / groups])
  const { mean, variance } = moments(ops, grouped, [...others.slice(1).map((_, n) => n + 1), count])
  const put = (weight: typeof x | undefined): typeof x | null => weight === undefined ? null : ops.reshape(weight, [groups, channels / groups])
  const normal = standardised(ops, grouped, mean, variance, number(layer, 'epsilon'), put(weights.gamma), put(weights.beta))
  const order = Array.from({ length: count }, (_, n) => n === axis ? count - 1 : n < axis ? n : n - 1)
  return passing(call, ops.transpose(ops.reshape(normal, [...others.map(() => 0), channels]), order))
}

/** x / sqrt(sum of squares over `axis`); what Keras does near 0 differs. */
export function unit<T> ({ ops, keras }: LayerCall<T>, x: T, axes: readonly number[], epsilon: number): T {
  const squares = ops.reduce('sum', ops.unary('square', x), axes, true)
  return ops.mul(x, keras === 3
    ? ops.minimum(ops.unary('rsqrt', squares), 1 / epsilon)
    : ops.unary('rsqrt', ops.maximum(squares, 1e-12)))
}

export const unitNormalization: LayerFunction = (call) => passing(call, unit(call, call.inputs[0], wholes(call.layer, 'axis'), 1e-12))

/** x / sqrt(mean of squares over `axis` + epsilon) * scale (Zhang and Sennrich 2019; Keras 3). It does not pass masks on. */
export const rmsNormalization: LayerFunction = (call) => {
  const { ops, layer, weights, inputs: [x] } = call
  const axes = wholes(layer, 'axis')
  const root = ops.unary('rsqrt', ops.add(ops.reduce('mean', ops.unary('square', x), axes, true), number(layer, 'epsilon')))
  return result(ops.mul(ops.mul(x, root), along(call, weights.scale, x, axes)), null)
}
