import type { Ops } from '../ops.ts'
import { axesOf, axisOf } from '../shape.ts'
import type { Builder, Value } from './builder.ts'
import { castTo } from './elementwise.ts'

type Moves = Pick<Ops<Value>, 'reshape' | 'splitFirst' | 'transpose' | 'concat' | 'slice' | 'gather' | 'pad' | 'reverse' | 'repeat' | 'expandDims' | 'squeeze' | 'fill' |
  'broadcastLike' | 'range'>

/** As far as ONNX slices: the end of any axis. */
const end = Number.MAX_SAFE_INTEGER

export function moves (b: Builder): Moves {
  const sizes = (x: Value): Value => b.node('Shape', [x], 'int64', [x.shape.length])
  const size = (x: Value, axis: number): Value => b.node('Gather', [sizes(x), b.constant(BigInt64Array.of(BigInt(axis)), [], `s${axis}`)], 'int64', [], { axis: 0 })
  const transpose = (x: Value, order: readonly number[]): Value => b.node('Transpose', [x], x.type, order.map((axis) => x.shape[axis]), { perm: order })
  const slice = (x: Value, axis: number, from: number, to: number | undefined, step = 1): Value => {
    const place = axisOf(x.shape.length, axis)
    const shape = x.shape.with(place, sliced(x.shape[place], from, to, step))
    return b.node('Slice', [x, b.whole([from]), b.whole([to ?? end]), b.whole([place]), b.whole([step])], x.type, shape)
  }
  const expandDims = (x: Value, axis: number): Value => {
    const place = axisOf(x.shape.length + 1, axis)
    return b.node('Unsqueeze', [x, b.whole([place])], x.type, x.shape.toSpliced(place, 0, 1))
  }
  return {
    reshape: (x, shape) => {
      if (shape.filter((size) => size < 0).length > 1) throw new RangeError('a shape with several free axes is known only when it runs')
      return b.node('Reshape', [x, b.whole(shape)], x.type, known(x.shape, shape))
    },
    splitFirst: (x, like) => {
      const [step, batch] = like.shape
      const inner = x.shape.slice(1)
      const target = b.node('Concat', [b.node('Slice', [sizes(like), b.whole([0]), b.whole([2]), b.whole([0]), b.whole([1])], 'int64', [2]),
        b.node('Slice', [sizes(x), b.whole([1]), b.whole([end]), b.whole([0]), b.whole([1])], 'int64', [inner.length])], 'int64', [2 + inner.length], { axis: 0 })
      return b.node('Reshape', [x, target], x.type, [step, batch, ...inner])
    },
    transpose,
    concat: (xs, axis) => {
      const place = axisOf(xs[0].shape.length, axis)
      const along = xs.map(({ shape }) => shape[place])
      const total = along.includes(-1) ? -1 : along.reduce((sum, one) => sum + one, 0)
      const shape = xs[0].shape.map((_, n) => n === place ? total : Math.max(...xs.map((one) => one.shape[n])))
      return b.node('Concat', xs, xs[0].type, shape, { axis: place })
    },
    slice: (x, axis, from, to) => slice(x, axis, from, to),
    gather: (x, indices, axis) => {
      const place = axisOf(x.shape.length, axis)
      return b.node('Gather', [x, castTo(b, indices, 'int64')], x.type, [...x.shape.slice(0, place), ...indices.shape, ...x.shape.slice(place + 1)], { axis: place })
    },
    pad: (x, pairs, value) => {
      const pads = b.whole([...pairs.map(([before]) => before), ...pairs.map(([, after]) => after)])
      const shape = x.shape.map((own, n) => own < 0 ? own : own + pairs[n][0] + pairs[n][1])
      return b.node('Pad', [castTo(b, x, 'float'), pads, b.scalar(value)], 'float', shape, { mode: 'constant' })
    },
    reverse: (x, axis) => {
      const place = axisOf(x.shape.length, axis)
      return b.node('Slice', [x, b.whole([-1]), b.whole([-end]), b.whole([place]), b.whole([-1])], x.type, x.shape)
    },
    repeat: (x, axis, n) => {
      const place = axisOf(x.shape.length, axis)
      const apart = expandDims(x, place + 1)
      const side = b.node('Tile', [apart, b.whole(apart.shape.map((_, at) => at === place + 1 ? n : 1))], x.type, apart.shape.with(place + 1, n))
      const own = x.shape[place]
      const shape = x.shape.with(place, own < 0 ? -1 : own * n)
      // Each free axis before the merged one keeps its place; those behind it do not, so the sizes are read at run time.
      const target = b.node('Mul', [sizes(x), b.whole(x.shape.map((_, at) => at === place ? n : 1))], 'int64', [x.shape.length])
      return b.node('Reshape', [side, target], x.type, shape)
    },
    expandDims,
    squeeze: (x, axis) => {
      const place = axisOf(x.shape.length, axis)
      return b.node('Squeeze', [x, b.whole([place])], x.type, x.shape.toSpliced(place, 1))
    },
    fill: (x, value) => b.node('Expand', [b.scalar(value), sizes(x)], 'float', x.shape),
    broadcastLike: (x, like) => b.node('Expand', [x, sizes(like)], x.type, like.shape),
    range: (x, axis) => {
      const place = axisOf(x.shape.length, axis)
      const [zero, one] = [0n, 1n].map((value) => b.constant(BigInt64Array.of(value), [], `s${value}`))
      return castTo(b, b.node('Range', [zero, size(x, place), one], 'int64', [x.shape[place]]), 'float')
    }
  }
}

/** Size of a slice, where it is known. */
function sliced (own: number, from: number, to: number | undefined, step: number): number {
  if (own < 0) return from === 0 && to !== undefined && to > 0 ? to : -1
  const at = (place: number): number => Math.min(own, Math.max(0, place < 0 ? own + place : place))
  return Math.ceil((at(to ?? own) - at(from)) / step)
}

/** What a reshape makes of a shape, as far as it is known: the size left open, where no free axis goes into it. */
function known (from: readonly number[], to: readonly number[]): number[] {
  const shape = to.map((size, n) => size === 0 ? from[n] : size)
  const merged = from.filter((_, n) => to[n] !== 0)
  if (merged.some((size) => size < 0)) return shape
  const left = to.reduce((all, size) => size > 0 ? all / size : all, merged.reduce((a, c) => a * c, 1))
  return shape.map((size, n) => to[n] < 0 ? left : size)
}

/** Sizes after a reduction. */
export function reduced (shape: readonly number[], axes: readonly number[] | undefined, keepDims: boolean): number[] {
  const gone = new Set(axesOf(shape.length, axes))
  return keepDims ? shape.map((size, n) => gone.has(n) ? 1 : size) : shape.filter((_, n) => !gone.has(n))
}
