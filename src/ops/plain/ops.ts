import type { Values } from '../../model.ts'
import type { Ops } from '../ops.ts'
import { convolutions } from './conv.ts'
import { binary, compared, reduced, unary } from './numbers.ts'
import { along, broadcast, concat, gather, padded, repeated, transposed } from './moves.ts'
import { matmul } from './matmul.ts'
import { axesOf, axisOf, rangeOf, reshaped, sizeOf } from '../shape.ts'

/** A tensor of the referee: row-major, float64 throughout; masks are 0 and 1. Never changed once made. */
export interface Plain { readonly shape: readonly number[], readonly data: Float64Array }

export const fromValues = ({ shape, data }: Values): Plain => ({ shape, data: Float64Array.from(data) })

/** The nearest float32 of each value: the only rounding of a computation in plain ops. */
export const toValues = ({ shape, data }: Plain): Values => ({ shape, data: Float32Array.from(data) })

/**
 * The op contract over typed arrays, in float64: slow, short, and independent of every engine, so that an engine's answer can be checked
 * against it. What goes in keeps float64; nothing is rounded to float32 on the way.
 */
export function plainOps (): Ops<Plain> {
  const filled = (shape: readonly number[], value: number): Plain => ({ shape, data: new Float64Array(sizeOf(shape)).fill(value) })
  const tensor = (x: Plain | number): Plain => typeof x === 'number' ? filled([], x) : x
  const bool = (truth: boolean): number => truth ? 1 : 0
  const two = (op: (a: number, b: number) => number) => (a: Plain | number, b: Plain | number): Plain => binary(op, tensor(a), tensor(b))
  const axisIn = (x: Plain, axis: number): number => axisOf(x.shape.length, axis)
  const sizeAlong = (x: Plain, axis: number): number => x.shape[axisIn(x, axis)]

  const ops: Ops<Plain> = {
    constant: (data, shape) => fromValues({ data, shape }),
    shape: (x) => x.shape,
    cast: (x, to) => to === 'float' ? x : { shape: x.shape, data: x.data.map(to === 'int' ? Math.trunc : (value) => bool(value !== 0)) },

    add: two((a, b) => a + b),
    sub: two((a, b) => a - b),
    mul: two((a, b) => a * b),
    div: two((a, b) => a / b),
    pow: two((a, b) => a ** b),
    minimum: two(Math.min),
    maximum: two(Math.max),
    unary: (name, x) => ({ shape: x.shape, data: x.data.map(unary[name]) }),

    compare: (name, a, b) => two((a, b) => bool(compared[name](a, b)))(a, b),
    and: two((a, b) => a * b),
    or: two(Math.max),
    not: (a) => two((a, b) => a - b)(1, a),
    where: (mask, yes, no) => {
      const all = [mask, tensor(yes), tensor(no)]
      const [truth, first, second] = all.map((x) => broadcast(x, ...all.map(({ shape }) => shape)))
      return { shape: truth.shape, data: truth.data.map((value, n) => value !== 0 ? first.data[n] : second.data[n]) }
    },

    matmul,
    reduce: (name, x, axes, keepDims = false) => reduced(name, x, axesOf(x.shape.length, axes), keepDims),
    softmax: (x, axis) => {
      const raised = ops.unary('exp', ops.sub(x, ops.reduce('max', x, [axis], true)))
      return ops.div(raised, ops.reduce('sum', raised, [axis], true))
    },

    ...convolutions,

    reshape: (x, shape) => ({ shape: reshaped(x.shape, shape), data: x.data }),
    splitFirst: (x, like) => ({ shape: [...like.shape.slice(0, 2), ...x.shape.slice(1)], data: x.data }),
    transpose: (x, order) => transposed(x, order.map((axis) => axisIn(x, axis))),
    concat: (xs, axis) => concat(xs, axisIn(xs[0], axis)),
    slice: (x, axis, from, to) => {
      const { begin, length } = rangeOf(sizeAlong(x, axis), from, to)
      return along(x, axisIn(x, axis), begin, length, 1)
    },
    gather: (x, indices, axis) => gather(x, indices, axisIn(x, axis)),
    pad: padded,
    reverse: (x, axis) => along(x, axisIn(x, axis), sizeAlong(x, axis) - 1, sizeAlong(x, axis), -1),
    repeat: (x, axis, n) => repeated(x, axisIn(x, axis), n),
    expandDims: (x, axis) => ({ shape: x.shape.toSpliced(axisOf(x.shape.length + 1, axis), 0, 1), data: x.data }),
    squeeze: (x, axis) => {
      if (sizeAlong(x, axis) !== 1) throw new RangeError(`Axis ${axis} of [${x.shape}] is not of size 1`)
      return { shape: x.shape.toSpliced(axisIn(x, axis), 1), data: x.data }
    },
    fill: (x, value) => filled(x.shape, value),
    broadcastLike: (x, like) => {
      const wide = broadcast(x, like.shape)
      if (sizeOf(wide.shape) !== sizeOf(like.shape)) throw new RangeError(`Shape [${x.shape}] does not broadcast to [${like.shape}]`)
      return wide
    },
    range: (x, axis) => ({ shape: [sizeAlong(x, axis)], data: Float64Array.from({ length: sizeAlong(x, axis) }, (_, n) => n) }),

    scan: (body, sequences, states, reverse = false) => {
      const steps = sequences[0].shape[0]
      if (steps === 0) throw new RangeError('A loop needs at least one step')
      const results: Plain[][] = new Array(steps)
      let now = [...states]
      for (let n = 0; n < steps; n++) {
        const at = reverse ? steps - 1 - n : n
        const step = body(sequences.map((sequence) => ops.squeeze(ops.slice(sequence, 0, at, at + 1), 0)), now)
        results[at] = step.results
        now = step.states
      }
      return { results: results[0].map((_, k) => concat(results.map((step) => ops.expandDims(step[k], 0)), 0)), states: now }
    }
  }
  return ops
}
