import type { Plain } from './ops.ts'
import { broadcastShape, sizeOf } from '../shape.ts'

/** How many entries lie between two neighbours along each axis, in row-major order. */
export const stridesOf = (shape: readonly number[]): number[] => shape.map((_, n) => sizeOf(shape.slice(n + 1)))

/** Walks places in row-major order: `visit` gets the count and `start` plus each axis' stride times the place on it. */
function walk (shape: readonly number[], start: number, strides: readonly number[], visit: (n: number, from: number) => void): void {
  const at: number[] = new Array(shape.length).fill(0)
  const size = sizeOf(shape)
  let from = start
  for (let n = 0; n < size; n++) {
    visit(n, from)
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis]++
      from += strides[axis]
      if (at[axis] < shape[axis]) break
      from -= strides[axis] * shape[axis]
      at[axis] = 0
    }
  }
}

/** A tensor of `shape` with x's entries from `start` on, `strides` apart: a transpose, a slice, a reversal, a repetition. */
export function strided (x: Plain, shape: readonly number[], start: number, strides: readonly number[]): Plain {
  const data = new Float64Array(sizeOf(shape))
  const last = shape.length - 1
  if (strides[last] === 1) {
    // Whole rows that lie together.
    const length = shape[last]
    walk(shape.slice(0, last), start, strides, (n, from) => { data.set(x.data.subarray(from, from + length), n * length) })
  } else walk(shape, start, strides, (n, from) => { data[n] = x.data[from] })
  return { shape, data }
}

/** x repeated over the axes that it lacks, or has at size 1, in the common shape of all `shapes`, its own among them. */
export function broadcast (x: Plain, ...shapes: readonly (readonly number[])[]): Plain {
  const shape = broadcastShape(x.shape, ...shapes)
  if (shape.length === x.shape.length && shape.every((size, n) => size === x.shape[n])) return x
  const strides = stridesOf(x.shape).map((stride, n) => x.shape[n] === 1 ? 0 : stride)
  return strided(x, shape, 0, [...new Array(shape.length - x.shape.length).fill(0), ...strides])
}

/** `length` entries along `axis` from `begin` on, forwards or backwards. */
export function along (x: Plain, axis: number, begin: number, length: number, direction: 1 | -1): Plain {
  if (length === x.shape[axis] && direction === 1) return x
  const strides = stridesOf(x.shape)
  return strided(x, x.shape.with(axis, length), begin * strides[axis], strides.with(axis, direction * strides[axis]))
}

/** Axes in another order. */
export function transposed (x: Plain, order: readonly number[]): Plain {
  const strides = stridesOf(x.shape)
  return strided(x, order.map((axis) => x.shape[axis]), 0, order.map((axis) => strides[axis]))
}

/** Each entry along `axis` n times over. */
export function repeated (x: Plain, axis: number, n: number): Plain {
  const apart = strided(x, x.shape.toSpliced(axis + 1, 0, n), 0, stridesOf(x.shape).toSpliced(axis + 1, 0, 0))
  return { shape: x.shape.with(axis, x.shape[axis] * n), data: apart.data }
}

/** One after the other along `axis`. */
export function concat (xs: readonly Plain[], axis: number): Plain {
  const size = xs.reduce((sum, x) => sum + x.shape[axis], 0)
  const shape = xs[0].shape.with(axis, size)
  for (const x of xs) {
    if (x.shape.length !== shape.length || x.shape.some((own, n) => n !== axis && own !== shape[n])) {
      throw new RangeError(`Shapes ${xs.map((each) => `[${each.shape}]`).join(', ')} do not join along axis ${axis}`)
    }
  }
  const data = new Float64Array(sizeOf(shape))
  const rows = sizeOf(shape.slice(0, axis))
  let to = 0
  for (let row = 0; row < rows; row++) {
    for (const x of xs) {
      const length = sizeOf(x.shape.slice(axis))
      data.set(x.data.subarray(row * length, (row + 1) * length), to)
      to += length
    }
  }
  return { shape, data }
}

/** x's entries along `axis` in the order of `indices`, whose axes take its place. Throws where an index is not in the axis. */
export function gather (x: Plain, indices: Plain, axis: number): Plain {
  const size = x.shape[axis]
  const [rows, length] = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis + 1))]
  const data = new Float64Array(rows * indices.data.length * length)
  let to = 0
  for (let row = 0; row < rows; row++) {
    for (const given of indices.data) {
      const index = Math.trunc(given)
      if (!(index >= 0 && index < size)) throw new RangeError(`Index ${given} is not in an axis of ${size} entries`)
      data.set(x.data.subarray((row * size + index) * length, (row * size + index + 1) * length), to)
      to += length
    }
  }
  return { shape: x.shape.toSpliced(axis, 1, ...indices.shape), data }
}

/** `value` before and after x along each axis, as many times as its pair says. */
export function padded (x: Plain, pairs: readonly (readonly [number, number])[], value: number): Plain {
  const shape = x.shape.map((size, n) => pairs[n][0] + size + pairs[n][1])
  const data = new Float64Array(sizeOf(shape)).fill(value)
  const strides = stridesOf(shape)
  const start = strides.reduce((sum, stride, axis) => sum + stride * pairs[axis][0], 0)
  walk(x.shape, start, strides, (n, to) => { data[to] = x.data[n] })
  return { shape, data }
}

/** Adds x up along `axes`: `add` gets the place in the result of each entry. Axes added up stay, of size 1. */
export function folded (x: Plain, axes: readonly number[], start: number, add: (sum: number, entry: number) => number): Plain {
  const shape = x.shape.map((size, n) => axes.includes(n) ? 1 : size)
  const data = new Float64Array(sizeOf(shape)).fill(start)
  walk(x.shape, 0, stridesOf(shape).map((stride, n) => axes.includes(n) ? 0 : stride), (n, to) => { data[to] = add(data[to], x.data[n]) })
  return { shape, data }
}
