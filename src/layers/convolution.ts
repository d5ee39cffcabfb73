import type { ConvOptions } from '../ops/ops.ts'
import { activation } from '../ops/activations.ts'
import { unsupported, whole, wholesOf, word } from './config.ts'
import type { LayerCall, LayerFunction, LayerResult } from './layer.ts'
import { asPlane, pair } from './plane.ts'
import { result } from './result.ts'

type Space = 1 | 2

/** A kernel over rows and columns: one row for a layer over steps. */
const kernelOf = <T>({ ops }: LayerCall<T>, kernel: T, space: Space): T => space === 1 ? ops.expandDims(kernel, 0) : kernel

/** The input, padded on the left of the steps where padding is causal, and the options of the convolution. */
function prepared<T> (call: LayerCall<T>, space: Space): { x: T, options: ConvOptions, finish: (y: T) => LayerResult<T> } {
  const { ops, layer, keras, weights } = call
  const padding = word(layer, 'padding', space === 1 ? ['valid', 'same', 'causal'] : ['valid', 'same'])
  const strides = pair(wholesOf(layer, 'strides', space))
  const dilation = pair(wholesOf(layer, 'dilation_rate', space))
  if (Math.max(...strides) > 1 && Math.max(...dilation) > 1) throw unsupported(layer, 'strides and dilation_rate are both above 1')
  const { x, back } = asPlane(call, space)
  const before = dilation[1] * (wholesOf(layer, 'kernel_size', space)[0] - 1)
  return {
    x: padding === 'causal' ? ops.pad(x, [[0, 0], [0, 0], [before, 0], [0, 0]], 0) : x,
    options: { strides, dilation, padding: padding === 'causal' ? 'valid' : padding },
    finish: (y) => {
      const sum = weights.bias === undefined ? y : ops.add(y, weights.bias)
      return result(activation(ops, layer.config.activation, keras)(back(sum)), null)
    }
  }
}

/** x `[batch, step, channel]` or `[batch, row, column, channel]`; kernel `[..., channel / groups, filter]`. */
const convolution = (space: Space): LayerFunction => (call) => {
  const { x, options, finish } = prepared(call, space)
  return finish(call.ops.conv(x, kernelOf(call, call.weights.kernel, space), { ...options, groups: whole(call.layer, 'groups') }))
}

/** Each channel by its own kernels `[..., channel, multiplier]`. */
const depthwise = (space: Space): LayerFunction => (call) => {
  const { x, options, finish } = prepared(call, space)
  return finish(call.ops.depthwiseConv(x, kernelOf(call, call.weights.depthwise_kernel, space), options))
}

/** A depthwise convolution, then a product over the channels. */
const separable = (space: Space): LayerFunction => (call) => {
  const { ops, weights } = call
  const { x, options, finish } = prepared(call, space)
  const deep = ops.depthwiseConv(x, kernelOf(call, weights.depthwise_kernel, space), options)
  return finish(ops.conv(deep, kernelOf(call, weights.pointwise_kernel, space), { strides: [1, 1], dilation: [1, 1], padding: 'valid' }))
}

export const conv1D = convolution(1)
export const conv2D = convolution(2)
export const depthwiseConv1D = depthwise(1)
export const depthwiseConv2D = depthwise(2)
export const separableConv1D = separable(1)
export const separableConv2D = separable(2)
