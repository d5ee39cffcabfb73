import type * as tfjs from '@tensorflow/tfjs-core'
import type { Ops } from '../ops.ts'
import { convolutions } from './conv.ts'
import { extremes } from './extremes.ts'
import { flatMasks } from './gradients.ts'
import { loop } from './scan.ts'
import { numbers, type Tf } from './numbers.ts'
import { unaries } from './unary.ts'
import { fusedLstm } from './fused.ts'
import { axesOf, axisOf, rangeOf, reshaped, sizeOf } from '../shape.ts'

/**
 * The op contract over tfjs-core, op by op: native (`tfjs`) or WebAssembly (`wasm`). `tf` is the engine's own module with its backend
 * set and ready. Nothing is disposed of but what `scan` makes on its way: run a whole call inside `tf.tidy`. Arithmetic makes floats
 * of whole numbers and booleans, so no engine's integer division or narrow sums show. Under `tf.grad`
 * leave `fusedLstm` out; dilated convolutions have no gradient, and neither `repeat` nor `broadcastLike` has one beyond rank 4.
 */
export function eagerOps (tf: Tf, engine: 'tfjs' | 'wasm'): Ops<tfjs.Tensor> {
  type T = tfjs.Tensor
  flatMasks(tf)
  const { float, number } = numbers(tf)
  const arithmetic = (op: (a: T, b: T) => T) => (a: T | number, b: T | number): T => op(number(a), number(b))
  const rank = (x: T): number => x.shape.length
  const sizes = (x: T): number[] => x.shape

  const fill = (x: T, value: number): T => Object.is(value, 0) ? tf.zeros(x.shape) : tf.fill(x.shape, value, 'float32')

  const compare: Record<Parameters<Ops<T>['compare']>[0], (a: T, b: T) => T> = {
    equal: tf.equal, notEqual: tf.notEqual, less: tf.less, lessEqual: tf.lessEqual, greater: tf.greater, greaterEqual: tf.greaterEqual
  }

  const reduce: Record<'sum' | 'mean' | 'max' | 'min' | 'prod', (x: T, axes: number[], keepDims: boolean) => T> = {
    sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min, prod: tf.prod
  }

  const ops: Ops<T> = {
    constant: (data, shape) => tf.tensor(data, [...shape], 'float32'),
    shape: (x) => x.shape,
    cast: (x, to) => {
      if (to === 'float') return float(x)
      if (to === 'int') return tf.cast(x, 'int32')
      // Not tf.cast: the WebAssembly kernel cuts 0.5 and 256 down to 0.
      return x.dtype === 'bool' ? x : tf.notEqual(float(x), number(0))
    },

    add: arithmetic(tf.add),
    sub: arithmetic(tf.sub),
    mul: arithmetic(tf.mul),
    div: arithmetic(tf.div),
    pow: arithmetic(tf.pow),
    ...extremes(tf, engine, number),
    unary: unaries(tf, engine, float, number),

    compare: (name, a, b) => compare[name](number(a), number(b)),
    and: (a, b) => tf.logicalAnd(a, b),
    or: (a, b) => tf.logicalOr(a, b),
    not: (a) => tf.logicalNot(a),
    where: (mask, yes, no) => {
      // A number stands as an array: to make one out of a single number takes WebAssembly three times as long.
      if (typeof yes === 'number') return tf.where(mask, typeof no === 'number' ? number(yes) : fill(no, yes), number(no))
      if (typeof no === 'number') return tf.where(mask, yes, fill(yes, no))
      if (yes.dtype !== 'bool' || no.dtype !== 'bool') return tf.where(mask, yes, no)
      // WebAssembly's kernel chooses between floats only, and takes the whole engine down over masks.
      return tf.logicalOr(tf.logicalAnd(mask, yes), tf.logicalAnd(tf.logicalNot(mask), no))
    },

    matmul: (a, b, transposeA = false, transposeB = false) => multiply(tf, float(a), float(b), transposeA, transposeB),
    reduce: (name, x, axes, keepDims = false) => {
      const places = axesOf(rank(x), axes)
      if (name === 'any') return tf.any(x, places, keepDims)
      if (name === 'all') return tf.all(x, places, keepDims)
      return reduce[name](float(x), places, keepDims)
    },
    softmax: (x, axis) => {
      const last = rank(x) - 1
      const place = axisOf(rank(x), axis)
      if (place === last) return tf.softmax(float(x))
      // The kernel knows the last axis only. Swapping two axes twice gives the first order back.
      const swap = x.shape.map((_, n) => n === place ? last : n === last ? place : n)
      return tf.transpose(tf.softmax(tf.transpose(float(x), swap)), swap)
    },

    ...convolutions(tf, engine),

    reshape: (x, shape) => tf.reshape(x, reshaped(x.shape, shape)),
    splitFirst: (x, like) => tf.reshape(x, [...sizes(like).slice(0, 2), ...sizes(x).slice(1)]),
    transpose: (x, order) => tf.transpose(x, [...order]),
    concat: (xs, axis) => tf.concat([...xs], axisOf(rank(xs[0]), axis)),
    slice: (x, axis, from, to) => {
      const place = axisOf(rank(x), axis)
      const { begin, length } = rangeOf(x.shape[place], from, to)
      if (length === x.shape[place]) return x
      return tf.slice(x, x.shape.map((_, n) => n === place ? begin : 0), x.shape.map((size, n) => n === place ? length : size))
    },
    gather: (x, indices, axis) => tf.gather(x, tf.cast(indices, 'int32') as tfjs.Tensor1D, axisOf(rank(x), axis)),
    pad: (x, pairs, value) => tf.pad(x, pairs.map(([before, after]) => [before, after]), value),
    // WebAssembly's kernel takes the bytes of a mask for floats.
    reverse: (x, axis) => x.dtype === 'bool' ? ops.cast(ops.reverse(float(x), axis), 'bool') : tf.reverse(x, axisOf(rank(x), axis)),
    repeat: (x, axis, n) => {
      const place = axisOf(rank(x), axis)
      const apart = tf.expandDims(x, place + 1)
      const side = tf.tile(apart, apart.shape.map((_, at) => at === place + 1 ? n : 1))
      return tf.reshape(side, x.shape.map((size, at) => at === place ? size * n : size))
    },
    expandDims: (x, axis) => tf.expandDims(x, axisOf(rank(x) + 1, axis)),
    squeeze: (x, axis) => tf.squeeze(x, [axisOf(rank(x), axis)]),
    fill,
    broadcastLike: (x, like) => tf.broadcastTo(x, like.shape),
    range: (x, axis) => tf.range(0, x.shape[axisOf(rank(x), axis)], 1, 'float32'),

    scan: loop(tf),
    ...(engine === 'tfjs' ? { fusedLstm: fusedLstm(tf) } : {})
  }
  return ops
}

/** One product wherever the leading axes can be folded into the rows; else one a place of the leading axes. */
function multiply (tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor, transposeA: boolean, transposeB: boolean): tfjs.Tensor {
  if (a.shape.length === 2 && b.shape.length === 2) return tf.matMul(a, b, transposeA, transposeB)
  const leading = a.shape.slice(0, -2)
  const [rows, inner]: number[] = a.shape.slice(-2)
  if (b.shape.length === 2 && !transposeA) {
    const product = tf.matMul(tf.reshape(a, [sizeOf(leading) * rows, inner]), b, false, transposeB)
    return tf.reshape(product, [...leading, rows, ...product.shape.slice(1)])
  }
  return tf.matMul(a, b, transposeA, transposeB)
}
