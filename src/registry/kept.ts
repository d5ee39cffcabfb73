import { Fault } from '../errors.ts'
import { shapeText, shared, sizeOf, type Stored } from './arrays.ts'
import type { LayerSpec, Origin } from './spec.ts'
import type { Slot } from './weight-table.ts'

/**
 * How a file keeps weights of one layer: `take` arrays that become those of `slots`. Mostly one for one. Keras 1 kept an array for each
 * gate, and convolution kernels in another order; CuDNNLSTM and CuDNNGRU kept the transposed gates that NVIDIA's library wants. All as in
 * Keras' own legacy loading (`preprocess_weights_for_loading`).
 */
export interface Kept {
  readonly layer: LayerSpec
  readonly slots: readonly Slot[]
  readonly take: number
  readonly convert: (arrays: readonly Stored[]) => readonly Stored[]
}

export function asKept (layer: LayerSpec, slots: readonly Slot[], origin: Origin): Kept[] {
  if (slots.length === 0) return []
  const recurrent = layer.className === 'LSTM' || layer.className === 'GRU'
  if (origin.keras === 1 && recurrent && layer.config.consume_less !== 'gpu') {
    // Keras 1 has the gates of an LSTM in the order i, c, f, o.
    const order = layer.className === 'LSTM' ? [0, 2, 1, 3] : [0, 1, 2]
    return [{ layer, slots, take: 3 * order.length, convert: (arrays) => gathered(layer, arrays, order) }]
  }
  if (origin.keras !== 3 && recurrent && slots.length === 3) {
    return [{ layer, slots, take: 3, convert: (arrays) => isCudnn(layer, arrays) ? fromCudnn(layer, arrays) : arrays }]
  }
  if (origin.keras === 1 && slots[0].name === 'kernel' && /^Conv[12]D$/.test(layer.className)) {
    const [kernel, ...rest] = slots
    return [{ layer, slots: [kernel], take: 1, convert: ([stored]) => [kernelOfKeras1(layer, stored)] }, ...asIs(layer, rest)]
  }
  return asIs(layer, slots)
}

const asIs = (layer: LayerSpec, slots: readonly Slot[]): Kept[] => slots.map((slot) => ({ layer, slots: [slot], take: 1, convert: (arrays) => arrays }))

/** W, U, b of each gate side by side; `order` is where the gates of today stand among those of the file. */
function gathered (layer: LayerSpec, arrays: readonly Stored[], order: readonly number[]): Stored[] {
  return [0, 1, 2].map((kind) => {
    const parts = order.map((gate) => arrays[3 * gate + kind])
    const [{ shape }] = parts
    const odd = parts.find((part) => part.shape.join() !== shape.join() || part.shape.length !== (kind === 2 ? 1 : 2))
    if (odd !== undefined) throw new Fault('bad_file', `layer "${layer.name}" (${layer.className}): "${odd.name}" has the shape ${shapeText(odd.shape)}, another gate's ${shapeText(shape)}`)
    const [rows, size] = kind === 2 ? [1, shape[0]] : shape
    const width = size * parts.length
    return {
      name: parts.map(({ name }) => name).join(' + '),
      shape: kind === 2 ? [width] : [rows, width],
      read: () => {
        const values = shared(rows * width)
        parts.forEach((part, gate) => {
          const given = part.read()
          for (let row = 0; row < rows; row++) values.set(given.subarray(row * size, (row + 1) * size), row * width + gate * size)
        })
        return values
      }
    }
  })
}

/** Keras tells the two forms by the bias, which a cuDNN layer has twice. */
function isCudnn (layer: LayerSpec, [, recurrent, bias]: readonly Stored[]): boolean {
  const gates = layer.className === 'LSTM' ? 4 : 3
  return bias.shape.length === 1 && recurrent.shape.length === 2 && bias.shape[0] === 2 * gates * recurrent.shape[0]
}

function fromCudnn (layer: LayerSpec, [kernel, recurrent, bias]: readonly Stored[]): Stored[] {
  const gates = layer.className === 'LSTM' ? 4 : 3
  const width = bias.shape[0] / 2
  const same = (values: Float32Array): Float32Array => values
  const halves = (values: Float32Array): Float32Array => {
    const sum = shared(width)
    for (let n = 0; n < width; n++) sum[n] = values[n] + values[n + width]
    return sum
  }
  return [
    byGate(layer, kernel, gates, (row, column, rows) => row + column * rows),
    byGate(layer, recurrent, gates, (row, column, rows) => column * rows + row),
    { name: bias.name, shape: layer.className === 'LSTM' ? [width] : [2, width], read: () => layer.className === 'LSTM' ? halves(bias.read()) : same(bias.read()) }
  ]
}

/** Each gate's `[row, column]` taken from the place in its own values, row by row, that `from` says. */
function byGate (layer: LayerSpec, stored: Stored, gates: number, from: (row: number, column: number, rows: number) => number): Stored {
  const [rows, width] = stored.shape
  const size = width / gates
  if (stored.shape.length !== 2 || !Number.isInteger(size)) throw new Fault('bad_file', `layer "${layer.name}" (${layer.savedClass}): "${stored.name}" has the shape ${shapeText(stored.shape)}, which ${gates} gates do not share`)
  return {
    ...stored,
    read: () => {
      const given = stored.read()
      const values = shared(given.length)
      for (let gate = 0; gate < gates; gate++) {
        for (let row = 0; row < rows; row++) {
          for (let column = 0; column < size; column++) {
            const place = from(row, column, rows)
            values[row * width + gate * size + column] = given[Math.floor(place / size) * width + gate * size + place % size]
          }
        }
      }
      return values
    }
  }
}

/** `[step, 1, channel, filter]` or, older and with Theano's order of axes, `[filter, channel, step or row, column]`. */
function kernelOfKeras1 (layer: LayerSpec, stored: Stored): Stored {
  const { className, config } = layer
  const { shape } = stored
  if (shape.length !== 4) return stored
  const size = Array.isArray(config.kernel_size) ? config.kernel_size[0] : config.kernel_size
  const modern = className === 'Conv1D' ? shape[0] === size && shape[1] === 1 && shape[3] === config.filters : config.data_format !== 'channels_first'
  const turned = modern ? stored : transposed(stored, [2, 3, 1, 0])
  if (className !== 'Conv1D') return turned
  return { ...turned, shape: [turned.shape[0], turned.shape[2], turned.shape[3]] }
}

function transposed (stored: Stored, order: readonly number[]): Stored {
  const { shape: from } = stored
  const shape = order.map((axis) => from[axis])
  const strides = from.map((_, axis) => sizeOf(from.slice(axis + 1)))
  return {
    name: stored.name,
    shape,
    read: () => {
      const given = stored.read()
      const values = shared(given.length)
      for (let n = 0; n < values.length; n++) {
        let rest = n
        let place = 0
        for (let axis = shape.length - 1; axis >= 0; axis--) {
          place += (rest % shape[axis]) * strides[order[axis]]
          rest = Math.floor(rest / shape[axis])
        }
        values[n] = given[place]
      }
      return values
    }
  }
}
