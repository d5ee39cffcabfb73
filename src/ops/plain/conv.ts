import type { Ops } from '../ops.ts'
import type { Plain } from './ops.ts'

/** Along one axis: how many windows there are, and how far before the first entry the first one begins. */
interface Windows { readonly count: number, readonly before: number }

/**
 * TensorFlow's two kinds of padding. valid: windows that lie inside; same: one window for each stride begun, the padding they need
 * halved, the odd one behind.
 */
export function windows (size: number, window: number, stride: number, dilation: number, padding: 'valid' | 'same'): Windows {
  const reach = (window - 1) * dilation + 1
  if (padding === 'valid') return { count: Math.max(0, Math.ceil((size - reach + 1) / stride)), before: 0 }
  const count = Math.ceil(size / stride)
  return { count, before: Math.floor(Math.max(0, (count - 1) * stride + reach - size) / 2) }
}

interface Sliding {
  readonly window: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly dilation: readonly [number, number]
  readonly padding: 'valid' | 'same'
}

/**
 * Slides a window over x `[batch, row, column, channel]`. `write` gets, for each window in row-major order, the place of its result's
 * first channel and the entries of the window that lie inside: the place of their first channel and their row and column in the window.
 */
function slide (x: Plain, channels: number, { window, strides, dilation, padding }: Sliding,
  write: (to: number, inside: { from: number, row: number, column: number }[], data: Float64Array) => void): Plain {
  const [batch, rows, columns, depth] = x.shape
  const [down, across] = [0, 1].map((n) => windows([rows, columns][n], window[n], strides[n], dilation[n], padding))
  const shape = [batch, down.count, across.count, channels]
  const data = new Float64Array(batch * down.count * across.count * channels)
  let to = 0
  for (let image = 0; image < batch; image++) {
    for (let i = 0; i < down.count; i++) {
      for (let j = 0; j < across.count; j++) {
        const inside = []
        for (let row = 0; row < window[0]; row++) {
          for (let column = 0; column < window[1]; column++) {
            const r = i * strides[0] - down.before + row * dilation[0]
            const c = j * strides[1] - across.before + column * dilation[1]
            if (r >= 0 && r < rows && c >= 0 && c < columns) inside.push({ from: ((image * rows + r) * columns + c) * depth, row, column })
          }
        }
        write(to, inside, data)
        to += channels
      }
    }
  }
  return { shape, data }
}

export const convolutions: Pick<Ops<Plain>, 'conv' | 'depthwiseConv' | 'pool'> = {
  conv: (x, kernel, { strides, padding, dilation, groups = 1 }) => {
    const [height, width, depth, filters] = kernel.shape
    if (depth * groups !== x.shape[3]) throw new RangeError(`A kernel [${kernel.shape}] of ${groups} groups does not fit [${x.shape}]`)
    return slide(x, filters, { window: [height, width], strides, dilation, padding }, (to, inside, data) => {
      for (let filter = 0; filter < filters; filter++) {
        const first = Math.floor(filter / (filters / groups)) * depth
        let sum = 0
        for (const { from, row, column } of inside) {
          for (let channel = 0; channel < depth; channel++) {
            sum += x.data[from + first + channel] * kernel.data[((row * width + column) * depth + channel) * filters + filter]
          }
        }
        data[to + filter] = sum
      }
    })
  },
  depthwiseConv: (x, kernel, { strides, padding, dilation }) => {
    const [height, width, depth, multiplier] = kernel.shape
    if (depth !== x.shape[3]) throw new RangeError(`A kernel [${kernel.shape}] does not fit [${x.shape}]`)
    return slide(x, depth * multiplier, { window: [height, width], strides, dilation, padding }, (to, inside, data) => {
      for (let channel = 0; channel < depth; channel++) {
        for (let m = 0; m < multiplier; m++) {
          let sum = 0
          for (const { from, row, column } of inside) sum += x.data[from + channel] * kernel.data[((row * width + column) * depth + channel) * multiplier + m]
          data[to + channel * multiplier + m] = sum
        }
      }
    })
  },
  pool: (kind, x, { size, strides, padding }) => {
    const depth = x.shape[3]
    return slide(x, depth, { window: size, strides, dilation: [1, 1], padding }, (to, inside, data) => {
      for (let channel = 0; channel < depth; channel++) {
        const entries = inside.map(({ from }) => x.data[from + channel])
        data[to + channel] = kind === 'max' ? Math.max(...entries) : entries.reduce((sum, entry) => sum + entry, 0) / entries.length
      }
    })
  }
}
