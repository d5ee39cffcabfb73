import { activation } from '../ops/activations.ts'
import { unsupported, wholesOf, word } from './config.ts'
import type { LayerCall, LayerFunction } from './layer.ts'
import { asPlane, pair } from './plane.ts'
import { result } from './result.ts'

/** Each row (axis 1) or column (axis 2) followed by stride - 1 of zeros. */
function spaced<T> ({ ops }: LayerCall<T>, x: T, axis: 1 | 2, stride: number): T {
  if (stride === 1) return x
  const apart = ops.expandDims(x, axis + 1)
  const zeros = ops.pad(apart, ops.shape(apart).map((_, n) => n === axis + 1 ? [0, stride - 1] : [0, 0]), 0)
  const [, , columns, channels] = ops.shape(x)
  return ops.reshape(zeros, axis === 1 ? [0, -1, columns, channels] : [0, 0, -1, channels])
}

/**
 * The convolution whose gradient this is, turned round (Zeiler et al. 2010): zeros between the entries, then a convolution with the kernel
 * `[..., filter, channel]` mirrored, cut to Keras' length: entries * stride, and with 'valid' the rest of a longer kernel.
 */
const transposedConvolution = (space: 1 | 2): LayerFunction => (call) => {
  const { ops, layer, keras, weights } = call
  if (Math.max(...wholesOf(layer, 'dilation_rate', space)) > 1) throw unsupported(layer, 'dilation_rate above 1 is not computed')
  if ((layer.config.output_padding ?? null) !== null) throw unsupported(layer, 'output_padding is not computed')
  const strides = pair(wholesOf(layer, 'strides', space))
  const sizes = pair(wholesOf(layer, 'kernel_size', space))
  const same = word(layer, 'padding', ['valid', 'same']) === 'same'
  const { x, back } = asPlane(call, space)
  const wide = ops.pad(spaced(call, spaced(call, x, 2, strides[1]), 1, strides[0]), [[0, 0], [sizes[0] - 1, sizes[0] - 1], [sizes[1] - 1, sizes[1] - 1], [0, 0]], 0)
  const given = space === 1 ? ops.expandDims(weights.kernel, 0) : weights.kernel
  const kernel = ops.transpose(ops.reverse(ops.reverse(given, 0), 1), [0, 1, 3, 2])
  const full = ops.conv(wide, kernel, { strides: [1, 1], dilation: [1, 1], padding: 'valid' })
  const cut = [0, 1].reduce((y, n) => {
    const beyond = Math.max(sizes[n] - strides[n], 0)
    const before = same ? Math.floor(beyond / 2) : 0
    const after = sizes[n] - 1 - (same ? before : beyond)
    return ops.slice(y, n + 1, before, after === 0 ? undefined : -after)
  }, full)
  const sum = weights.bias === undefined ? cut : ops.add(cut, weights.bias)
  return result(activation(ops, layer.config.activation, keras)(back(sum)), null)
}

export const conv1DTranspose = transposedConvolution(1)
export const conv2DTranspose = transposedConvolution(2)
