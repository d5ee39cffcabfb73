import type { Ops, ConvOptions } from '../ops/ops.ts'
import { windows } from '../ops/plain/conv.ts'
import { axesOf, axisOf, broadcastShape, rangeOf, reshaped, sizeOf } from '../ops/shape.ts'

/** A tensor as far as this op set knows it: its sizes, and where its sequences lie. It holds no numbers. */
export interface Sequences {
  readonly shape: readonly number[]
  /** The axis of which every entry belongs to one sequence alone; null: the same for all of them. */
  readonly batch: number | null
  /** Where other axes were merged with that one: its place among them, the last merge last. */
  readonly merged: readonly number[]
}

/** A tensor that is the same for all sequences: a weight, or what follows from weights. */
export const same = (shape: readonly number[]): Sequences => ({ shape, batch: null, merged: [] })

const mixed = (what: string): Error => new Error(`${what} mixes sequences`)

const alike = (a: Sequences, b: Sequences): boolean => a.merged.length === b.merged.length && a.merged.every((place, n) => place === b.merged[n])

/** The sequences on another axis, none before it having been added or taken away unseen. */
const at = (x: Sequences, shape: readonly number[], batch: number | null): Sequences => ({ shape, batch, merged: x.merged })

/** Elementwise: the sequences of all operands must lie on the same axis, and what has none must not differ along it. */
function together (...operands: readonly (Sequences | number)[]): Sequences {
  const tensors = operands.filter((x) => typeof x !== 'number')
  const shape = broadcastShape(...tensors.map((x) => x.shape))
  const first = tensors.find(({ batch }) => batch !== null)
  if (first === undefined) return same(shape)
  const fromEnd = first.shape.length - first.batch!
  for (const x of tensors) {
    if (x.batch === null ? (x.shape.at(-fromEnd) ?? 1) !== 1 : x.shape.length - x.batch !== fromEnd || !alike(x, first)) throw mixed('a broadcast')
  }
  return at(first, shape, shape.length - fromEnd)
}

/**
 * The op contract as a proof: carries along where the sequences of a batch lie, and throws at the first op whose result for one sequence could depend
 * on another. What it lets through is so for any number of sequences. The same layers and cells that run on an engine run on this, so there is no
 * second list of what each of them does.
 */
export function batchAxisOps (): Ops<Sequences> {
  const keep = (x: Sequences): Sequences => x
  /** Anything along an axis that must not be that of the sequences. */
  const along = (what: string, x: Sequences, axis: number): number => {
    const place = axisOf(x.shape.length, axis)
    if (place === x.batch) throw mixed(what)
    return place
  }
  const transpose = (x: Sequences, order: readonly number[]): Sequences => {
    const axes = order.map((axis) => axisOf(x.shape.length, axis))
    return at(x, axes.map((axis) => x.shape[axis]), x.batch === null ? null : axes.indexOf(x.batch))
  }
  const flipped = (x: Sequences, flip: boolean): Sequences => {
    const rank = x.shape.length
    return flip ? transpose(x, x.shape.map((_, n) => n < rank - 2 ? n : 2 * rank - 3 - n)) : x
  }
  /** The axes before the last two, which a product goes over one by one. */
  const leading = (x: Sequences): Sequences => {
    if (x.batch !== null && x.batch >= x.shape.length - 2) throw mixed('a product')
    return at(x, x.shape.slice(0, -2), x.batch)
  }
  const slid = (x: Sequences, window: readonly number[], { strides, padding, dilation }: Omit<ConvOptions, 'groups'>, channels: number): Sequences => {
    if (x.batch !== null && x.batch !== 0) throw mixed('a convolution')
    const counts = [0, 1].map((n) => windows(x.shape[n + 1], window[n], strides[n], dilation[n], padding).count)
    return at(x, [x.shape[0], ...counts, channels], x.batch)
  }
  const kernelOf = ({ shape, batch }: Sequences): readonly number[] => {
    if (batch !== null) throw mixed('a kernel')
    return shape
  }

  return {
    constant: (_, shape) => same(shape),
    shape: (x) => x.shape,
    cast: keep,
    add: together,
    sub: together,
    mul: together,
    div: together,
    pow: together,
    minimum: together,
    maximum: together,
    unary: (_, x) => x,
    compare: (_, a, b) => together(a, b),
    and: together,
    or: together,
    not: keep,
    where: together,

    matmul: (a, b, transposeA = false, transposeB = false) => {
      const [left, right] = [flipped(a, transposeA), flipped(b, transposeB)]
      if (left.shape.at(-1) !== right.shape.at(-2)) throw new RangeError(`[${left.shape}] and [${right.shape}] have no product`)
      if (right.shape.length === 2 && right.batch === null) {
        along('a product', left, -1)
        return at(left, left.shape.with(-1, right.shape[1]), left.batch)
      }
      const lead = together(leading(left), leading(right))
      if (left.shape.length !== right.shape.length) throw mixed('a product of different ranks')
      return at(lead, [...lead.shape, left.shape.at(-2)!, right.shape.at(-1)!], lead.batch)
    },
    reduce: (_, x, axes, keepDims = false) => {
      const gone = axesOf(x.shape.length, axes).map((axis) => along('a reduction', x, axis))
      if (keepDims) return at(x, x.shape.map((size, n) => gone.includes(n) ? 1 : size), x.batch)
      return at(x, x.shape.filter((_, n) => !gone.includes(n)), x.batch === null ? null : x.batch - new Set(gone.filter((axis) => axis < x.batch!)).size)
    },
    softmax: (x, axis) => {
      along('a softmax', x, axis)
      return x
    },

    conv: (x, kernel, options) => slid(x, kernelOf(kernel), options, kernelOf(kernel)[3]),
    depthwiseConv: (x, kernel, options) => slid(x, kernelOf(kernel), options, kernelOf(kernel)[2] * kernelOf(kernel)[3]),
    pool: (_, x, { size, ...options }) => slid(x, size, { ...options, dilation: [1, 1] }, x.shape[3]),

    reshape: (x, sizes) => {
      const shape = reshaped(x.shape, sizes)
      if (x.batch === null) return same(shape)
      const kept = sizes.findIndex((size) => size !== 0)
      if (kept < 0 || x.batch < kept) return at(x, shape, x.batch)
      // One new axis takes in that of the sequences: each of its entries must still lie within one of them.
      const [own, inner] = [sizeOf(x.shape.slice(x.batch + 1)), sizeOf(shape.slice(kept + 1))]
      if (sizes[kept] !== -1 || own % inner !== 0) throw mixed('a reshape')
      return x.batch === kept && own === inner ? at(x, shape, kept) : { shape, batch: kept, merged: [...x.merged, x.batch - kept] }
    },
    splitFirst: (x, like) => {
      const sizes = like.shape.slice(0, 2)
      if (x.shape[0] !== sizeOf(sizes)) throw new RangeError(`Axis 0 of [${x.shape}] is not [${sizes}]`)
      if (like.batch === null || !alike(x, { ...like, merged: [...like.merged, like.batch] }) || x.batch !== 0) throw mixed('a split')
      return at(like, [...sizes, ...x.shape.slice(1)], like.batch)
    },
    transpose,
    concat: (xs, axis) => {
      const [first] = xs
      const place = axisOf(first.shape.length, axis)
      for (const x of xs) {
        along('a concatenation', x, place)
        if (x.batch !== first.batch || !alike(x, first)) throw mixed('a concatenation')
        if (x.shape.length !== first.shape.length || x.shape.some((size, n) => n !== place && size !== first.shape[n])) throw new RangeError(`[${x.shape}] does not go with [${first.shape}]`)
      }
      return at(first, first.shape.with(place, xs.reduce((sum, { shape }) => sum + shape[place], 0)), first.batch)
    },
    slice: (x, axis, from, to) => {
      const place = along('a slice', x, axis)
      return at(x, x.shape.with(place, rangeOf(x.shape[place], from, to).length), x.batch)
    },
    gather: (x, indices, axis) => {
      const place = along('a lookup', x, axis)
      const shape = [...x.shape.slice(0, place), ...indices.shape, ...x.shape.slice(place + 1)]
      if (x.batch === null) return at(indices, shape, indices.batch === null ? null : place + indices.batch)
      if (indices.batch !== null) throw mixed('a lookup')
      return at(x, shape, x.batch < place ? x.batch : x.batch - 1 + indices.shape.length)
    },
    pad: (x, pairs) => {
      if (x.batch !== null && pairs[x.batch].some((size) => size !== 0)) throw mixed('a padding')
      return at(x, x.shape.map((size, n) => size + pairs[n][0] + pairs[n][1]), x.batch)
    },
    reverse: (x, axis) => {
      along('a reversal', x, axis)
      return x
    },
    repeat: (x, axis, n) => {
      const place = along('a repetition', x, axis)
      return at(x, x.shape.with(place, x.shape[place] * n), x.batch)
    },
    expandDims: (x, axis) => {
      const place = axisOf(x.shape.length + 1, axis)
      return at(x, x.shape.toSpliced(place, 0, 1), x.batch === null || x.batch < place ? x.batch : x.batch + 1)
    },
    squeeze: (x, axis) => {
      const place = along('a squeeze', x, axis)
      if (x.shape[place] !== 1) throw new RangeError(`Axis ${axis} of [${x.shape}] is not of size 1`)
      return at(x, x.shape.toSpliced(place, 1), x.batch === null || x.batch < place ? x.batch : x.batch - 1)
    },
    fill: keep,
    broadcastLike: (x, like) => {
      const wide = together(x, like)
      if (sizeOf(wide.shape) !== sizeOf(like.shape)) throw new RangeError(`[${x.shape}] does not broadcast to [${like.shape}]`)
      return wide
    },
    range: (x, axis) => same([x.shape[along('a range', x, axis)]]),

    scan: (body, sequences, states) => {
      const steps = sequences.map((x) => {
        along('a loop', x, 0)
        return at(x, x.shape.slice(1), x.batch === null ? null : x.batch - 1)
      })
      const after = body(steps, [...states])
      for (const [n, state] of after.states.entries()) if (state.batch !== states[n].batch || !alike(state, states[n])) throw mixed('a state')
      return {
        results: after.results.map((x) => at(x, [sequences[0].shape[0], ...x.shape], x.batch === null ? null : x.batch + 1)),
        states: after.states
      }
    }
  }
}
