import type { Ops, Unary } from '../ops.ts'
import type { Plain } from './ops.ts'
import { broadcast, folded } from './moves.ts'
import { erf } from './erf.ts'

/** Functions of one number. Math's own are within an ulp of float64. */
export const unary: Readonly<Record<Unary, (x: number) => number>> = {
  neg: (x) => -x,
  abs: Math.abs,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  expm1: Math.expm1,
  tanh: Math.tanh,
  // The exponential is taken of a negative number only, so it cannot overflow.
  sigmoid: (x) => x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)),
  relu: (x) => Math.max(x, 0),
  erf,
  floor: Math.floor,
  sign: Math.sign,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
}

export const compared: Readonly<Record<Parameters<Ops<Plain>['compare']>[0], (a: number, b: number) => boolean>> = {
  equal: (a, b) => a === b,
  notEqual: (a, b) => a !== b,
  less: (a, b) => a < b,
  lessEqual: (a, b) => a <= b,
  greater: (a, b) => a > b,
  greaterEqual: (a, b) => a >= b
}

/** Element by element, after NumPy's broadcast. */
export function binary (op: (a: number, b: number) => number, a: Plain, b: Plain): Plain {
  const [first, second] = [broadcast(a, b.shape), broadcast(b, a.shape)]
  return { shape: first.shape, data: first.data.map((value, n) => op(value, second.data[n])) }
}

const folds: Readonly<Record<Parameters<Ops<Plain>['reduce']>[0], { start: number, add: (sum: number, x: number) => number }>> = {
  sum: { start: 0, add: (sum, x) => sum + x },
  mean: { start: 0, add: (sum, x) => sum + x },
  prod: { start: 1, add: (sum, x) => sum * x },
  max: { start: -Infinity, add: Math.max },
  min: { start: Infinity, add: Math.min },
  any: { start: 0, add: (sum, x) => x !== 0 ? 1 : sum },
  all: { start: 1, add: (sum, x) => x === 0 ? 0 : sum }
}

/** One value for all entries that differ in `axes` only. */
export function reduced (name: keyof typeof folds, x: Plain, axes: readonly number[], keepDims: boolean): Plain {
  const { start, add } = folds[name]
  const { shape, data } = folded(x, axes, start, add)
  const count = x.data.length / data.length
  return { shape: keepDims ? shape : shape.filter((_, n) => !axes.includes(n)), data: name === 'mean' ? data.map((sum) => sum / count) : data }
}
