import { flag, unsupported, wholes } from './config.ts'
import type { Layer } from '../model.ts'
import type { LayerCall, LayerFunction } from './layer.ts'
import { along } from './normalization.ts'
import { passing, rank, result } from './result.ts'

/** The numbers of a config entry, nested lists or NumPy values as Keras writes them, with their shape. */
function numbers (layer: Layer, key: string): { data: readonly number[], shape: readonly number[] } {
  const sizes = (value: unknown): number[] => Array.isArray(value) ? [value.length, ...sizes(value[0])] : []
  const value = bare(layer.config[key])
  const list: readonly unknown[] = Array.isArray(value) ? value.flat(Infinity) : [value]
  if (!list.every((one) => typeof one === 'number')) throw unsupported(layer, `"${key}" is ${JSON.stringify(layer.config[key])}; numbers and lists of numbers are computed`)
  return { data: list, shape: sizes(value) }
}

/** What Keras 3 wraps around a NumPy value. */
function bare (value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('config' in value)) return value
  const { config } = value
  return typeof config === 'object' && config !== null && 'value' in config ? config.value : config
}

/** Numbers of the config on the engine. */
function handle<T> (call: LayerCall<T>, key: string): T {
  const { data, shape } = numbers(call.layer, key)
  return call.ops.constant(Float32Array.from(data), shape)
}

/** x * scale + offset. Keras 2's does not support masking. */
export const rescaling: LayerFunction = (call) => {
  const { ops, keras, inputs: [x] } = call
  const scaled = ops.add(ops.mul(x, handle(call, 'scale')), handle(call, 'offset'))
  return keras === 3 ? passing(call, scaled) : result(scaled, null)
}

/**
 * (x - mean) / max(sqrt(variance), 1e-7), or the inverse; mean and variance over every axis but `axis`, learned (weights) or given in the
 * config. Keras 2's does not support masking.
 */
export const normalization: LayerFunction = (call) => {
  const { ops, layer, keras, weights, inputs: [x] } = call
  const axes = layer.config.axis === null ? [] : wholes(layer, 'axis')
  const statistic = (name: 'mean' | 'variance'): typeof x => {
    const given = layer.config[name] ?? null
    return given === null ? along(call, weights[name], x, axes) : spread(call, name, axes.length)
  }
  const deviation = ops.maximum(ops.unary('sqrt', statistic('variance')), 1e-7)
  const output = flag(layer, 'invert') ? ops.add(ops.mul(x, deviation), statistic('mean')) : ops.div(ops.sub(x, statistic('mean')), deviation)
  return keras === 3 ? passing(call, output) : result(output, null)
}

/** A statistic of the config against x: its axes stand for the last of the kept ones. */
function spread<T> (call: LayerCall<T>, key: string, kept: number): T {
  const { data, shape } = numbers(call.layer, key)
  const sizes = shape.slice(Math.max(0, shape.length - kept))
  const places = wholes(call.layer, 'axis').map((axis) => axis < 0 ? axis + rank(call, call.inputs[0]) : axis).sort((a, b) => a - b).slice(kept - sizes.length)
  return along(call, call.ops.constant(Float32Array.from(data), sizes), call.inputs[0], places)
}
