import fc from 'fast-check'
import type { Ops, Unary } from '../../src/ops/ops.ts'
import type { Values } from '../../src/model.ts'
import type { Computation } from './subject.ts'

/** A computation drawn at random, with its inputs. */
export interface Drawn { readonly what: string, readonly inputs: readonly Values[], readonly computation: Computation }

export interface Trial {
  readonly name: string
  readonly drawn: fc.Arbitrary<Drawn>
  /** Of max(1, |expected|); 0: the very same number. */
  readonly bound: number
}

/** Rounding of a few float32 operations. */
const rounding = 1e-6
/** The same after sums of at most some hundred terms. */
const sums = 5e-6

/** Half of the entries are halves, so that equal ones meet; the others have all their bits. */
export function filled (shape: readonly number[], seed: number): Values {
  let state = seed >>> 0
  const next = (): number => {
    // Numerical Recipes' linear congruential generator, its upper bits.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) / 2 ** 24
  }
  const size = shape.reduce((product, each) => product * each, 1)
  return { shape, data: Float32Array.from({ length: size }, () => next() < 0.5 ? Math.floor(next() * 9) / 2 - 2 : next() * 4 - 2) }
}

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const size = fc.integer({ min: 1, max: 4 })
const shapes = (from: number, to: number): fc.Arbitrary<number[]> => fc.array(size, { minLength: from, maxLength: to })
const axisOf = (shape: readonly number[]): fc.Arbitrary<number> => fc.integer({ min: -shape.length, max: shape.length - 1 })

/** Inputs of the drawn shapes, and the computation that the rest of the draw stands for. */
function trial<P> (name: string, bound: number, drawn: fc.Arbitrary<{ shapes: number[][] } & P>, make: (drawn: { shapes: number[][] } & P) => Computation): Trial {
  return {
    name,
    bound,
    drawn: fc.tuple(drawn, seeds).map(([parts, seed]) => ({
      what: JSON.stringify(parts), inputs: parts.shapes.map((shape, n) => filled(shape, seed + n)), computation: make(parts)
    }))
  }
}

/** Shapes that broadcast: of a common one, each lacks some leading axes and has some of size 1. */
function broadcasting (count: number, rank = 5): fc.Arbitrary<{ shapes: number[][] }> {
  return shapes(0, rank).chain((common) => fc.record({
    shapes: fc.tuple(...Array.from({ length: count }, () => fc.tuple(fc.nat(common.length), fc.array(fc.boolean(), { minLength: common.length, maxLength: common.length }))
      .map(([missing, ones]) => common.map((each, n) => ones[n] ? 1 : each).slice(missing))))
  }))
}

const one = (from: number, to = 6): fc.Arbitrary<{ shapes: number[][] }> => shapes(from, to).map((shape) => ({ shapes: [shape] }))
const onAxis = (to = 6): fc.Arbitrary<{ shapes: number[][], axis: number }> =>
  shapes(1, to).chain((shape) => fc.record({ shapes: fc.constant([shape]), axis: axisOf(shape) }))

/** A mask with both values in it, from numbers on both sides of 0. */
const truth = <T>(ops: Ops<T>, x: T): T => ops.compare('greater', x, 0)
const shown = <T>(ops: Ops<T>, mask: T): T => ops.cast(mask, 'float')

const unaries: readonly Unary[] = ['neg', 'abs', 'square', 'sqrt', 'rsqrt', 'exp', 'log', 'log1p', 'expm1', 'tanh', 'sigmoid', 'relu', 'erf', 'floor', 'sign', 'softplus']
const positive: ReadonlySet<Unary> = new Set(['sqrt', 'rsqrt', 'log', 'log1p'])
const comparisons = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const
const operations = ['add', 'sub', 'mul', 'minimum', 'maximum'] as const
const reductions = ['sum', 'mean', 'max', 'min', 'prod'] as const

const elementwise: Trial[] = [
  ...unaries.map((name) => trial(name, name === 'floor' || name === 'sign' || name === 'relu' || name === 'neg' || name === 'abs' ? 0 : rounding, one(0), () => (ops, [x]) =>
    ops.unary(name, positive.has(name) ? ops.add(ops.unary('abs', x), 1e-3) : x))),
  ...operations.map((name) => trial(name, rounding, broadcasting(2), () => (ops, [a, b]) => ops[name](a, b))),
  ...operations.map((name) => trial(`${name} with numbers`, rounding, one(0), () => (ops, [x]) => ops[name](ops[name](1.25, x), -0.5))),
  trial('div', rounding, broadcasting(2), () => (ops, [a, b]) => ops.div(a, ops.add(ops.unary('abs', b), 0.5))),
  trial('pow', rounding, broadcasting(2), () => (ops, [a, b]) => ops.pow(ops.add(ops.unary('abs', a), 0.5), b)),
  trial('pow of negative numbers', rounding, one(0), () => (ops, [x]) => ops.pow(x, 3)),
  ...comparisons.map((name) => trial(name, 0, broadcasting(2), () => (ops, [a, b]) => shown(ops, ops.compare(name, a, b)))),
  ...comparisons.map((name) => trial(`${name} with a number`, 0, one(0), () => (ops, [x]) => shown(ops, ops.compare(name, x, 0.5)))),
  trial('and, or, not', 0, broadcasting(3), () => (ops, [a, b, c]) => shown(ops, ops.or(ops.and(truth(ops, a), ops.not(truth(ops, b))), truth(ops, c)))),
  trial('where', 0, broadcasting(3), () => (ops, [mask, a, b]) => ops.where(truth(ops, mask), a, b)),
  trial('where of numbers', 0, broadcasting(2), () => (ops, [mask, a]) => ops.where(truth(ops, mask), ops.where(truth(ops, a), 0.25, -7), a)),
  trial('where of masks', 0, broadcasting(3), () => (ops, [mask, a, b]) => shown(ops, ops.not(ops.where(truth(ops, mask), truth(ops, a), truth(ops, b))))),
  trial('cast to int', 0, one(0), () => (ops, [x]) => ops.cast(ops.cast(ops.mul(x, 3), 'int'), 'float')),
  trial('cast to bool', 0, one(0), () => (ops, [x]) => shown(ops, ops.cast(x, 'bool'))),
  trial('arithmetic of whole numbers and masks', rounding, broadcasting(2), () => (ops, [a, b]) =>
    ops.div(ops.add(ops.cast(ops.mul(a, 3), 'int'), truth(ops, b)), ops.add(ops.cast(truth(ops, a), 'int'), 1))),
  trial('softmax', rounding, onAxis(), ({ axis }) => (ops, [x]) => ops.softmax(ops.mul(x, 10), axis))
]

const overAxes = (rank: number): fc.Arbitrary<{ shapes: number[][], axes: number[] | undefined, keepDims: boolean }> => shapes(0, rank).chain((shape) => fc.record({
  shapes: fc.constant([shape]), axes: fc.option(fc.subarray(shape.map((_, n) => n)), { nil: undefined }), keepDims: fc.boolean()
}))

const reduces: Trial[] = [
  ...reductions.map((name) => trial(name, name === 'max' || name === 'min' ? 0 : sums, overAxes(name === 'max' || name === 'min' ? 6 : 4), ({ axes, keepDims }) => (ops, [x]) => ops.reduce(name, x, axes, keepDims))),
  ...(['any', 'all'] as const).map((name) => trial(name, 0, overAxes(6), ({ axes, keepDims }) => (ops, [x]) => shown(ops, ops.reduce(name, truth(ops, x), axes, keepDims)))),
  ...reductions.map((name) => trial(`${name} of masks`, rounding, overAxes(6), ({ axes, keepDims }) => (ops, [x]) => ops.reduce(name, truth(ops, x), axes, keepDims))),
  trial('matmul', sums, fc.record({ leading: shapes(0, 3), sizes: fc.tuple(size, size, size), flat: fc.boolean(), transposed: fc.tuple(fc.boolean(), fc.boolean()) })
    .map(({ leading, sizes: [m, k, n], flat, transposed: [a, b] }) => ({
      shapes: [[...leading, ...(a ? [k, m] : [m, k])], [...(flat ? [] : leading), ...(b ? [n, k] : [k, n])]], a, b
    })), ({ a, b }) => (ops, [x, y]) => ops.matmul(x, y, a, b))
]

const slices = onAxis().chain((parts) => fc.record({ from: fc.integer({ min: -5, max: 3 }), to: fc.option(fc.integer({ min: -3, max: 6 }), { nil: undefined }) })
  .map((ends) => ({ ...parts, ...ends })))
  // Empty results are the business of nobody who computes.
  .filter(({ shapes: [shape], axis, from, to }) => new Array(shape.at(axis)!).fill(0).slice(from, to).length > 0)

/** The same move of numbers and of masks; `masks` says which of the inputs become masks (all, or the first). */
function move<P> (name: string, drawn: fc.Arbitrary<{ shapes: number[][] } & P>, make: (drawn: { shapes: number[][] } & P) => Computation, masks: 'all' | 'first' = 'first'): Trial[] {
  return [trial(name, 0, drawn, make), trial(`${name} of masks`, 0, drawn, (parts) => (ops, xs) =>
    shown(ops, make(parts)(ops, xs.map((x, n) => masks === 'all' || n === 0 ? truth(ops, x) : x))))]
}

const moves: Trial[] = [
  ...move('reshape', one(2), () => (ops, [x]) => ops.reshape(ops.reshape(x, [0, -1, 1]), [-1, 0])),
  ...move('splitFirst', one(2), ({ shapes: [shape] }) => (ops, [x]) => ops.splitFirst(ops.reshape(x, [-1, ...shape.slice(2)]), x)),
  ...move('transpose', shapes(1, 6).chain((shape) => fc.record({ shapes: fc.constant([shape]), order: fc.shuffledSubarray(shape.map((_, n) => n), { minLength: shape.length }) })),
    ({ order }) => (ops, [x]) => ops.transpose(x, order)),
  ...move('concat', onAxis().chain((parts) => fc.array(size, { minLength: 1, maxLength: 3 }).map((sizes) => ({
    axis: parts.axis, shapes: sizes.map((each) => parts.shapes[0].with(parts.axis, each))
  }))), ({ axis }) => (ops, xs) => ops.concat(xs, axis), 'all'),
  ...move('slice', slices, ({ axis, from, to }) => (ops, [x]) => ops.slice(x, axis, from, to)),
  ...move('gather', fc.tuple(onAxis(4), shapes(0, 2)).map(([parts, places]) => ({ ...parts, shapes: [parts.shapes[0], places] })),
    ({ axis, shapes: [shape] }) => (ops, [x, places]) => ops.gather(x, ops.cast(ops.mul(ops.unary('sigmoid', places), shape.at(axis)!), 'int'), axis)),
  ...move('reverse', onAxis(), ({ axis }) => (ops, [x]) => ops.reverse(x, axis)),
  ...move('repeat', onAxis(5).chain((parts) => size.map((n) => ({ ...parts, n }))), ({ axis, n }) => (ops, [x]) => ops.repeat(x, axis, n)),
  ...move('expandDims', shapes(0, 5).chain((shape) => fc.record({ shapes: fc.constant([shape]), axis: fc.integer({ min: -shape.length - 1, max: shape.length }) })),
    ({ axis }) => (ops, [x]) => ops.expandDims(x, axis)),
  ...move('squeeze', onAxis().map(({ shapes: [shape], axis }) => ({ shapes: [shape.with(axis, 1)], axis })), ({ axis }) => (ops, [x]) => ops.squeeze(x, axis)),
  ...move('broadcastLike', shapes(0, 6).chain((shape) => fc.tuple(fc.nat(shape.length), fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }))
    .map(([missing, ones]) => ({ shapes: [shape.map((each, n) => ones[n] ? 1 : each).slice(missing), shape] }))), () => (ops, [x, like]) => ops.broadcastLike(x, like)),
  ...move('stack and unstack', one(2, 5), () => (ops, [x]) => ops.scan(([step]) => ({ results: [step], states: [] }), [x], []).results[0]),
  trial('pad', 0, shapes(1, 6).chain((shape) => fc.record({
    shapes: fc.constant([shape]), pairs: fc.tuple(...shape.map(() => fc.tuple(fc.nat(2), fc.nat(2)))), value: fc.constantFrom(0, -1.5)
  })), ({ pairs, value }) => (ops, [x]) => ops.pad(x, pairs, value)),
  trial('fill', 0, one(0), () => (ops, [x]) => ops.add(ops.fill(x, -0.25), ops.fill(truth(ops, x), 2))),
  trial('range', 0, onAxis(), ({ axis }) => (ops, [x]) => ops.range(x, axis))
]

/** A cell with a mask: h = tanh(x + 0.5 * h) where the mask holds, else h as it was; the second result is x - h before the step. */
const loops: Trial[] = [
  trial('scan', rounding, fc.record({ shape: shapes(2, 4), reverse: fc.boolean(), which: fc.constantFrom(0, 1, 2) })
    .map(({ shape, ...rest }) => ({ shapes: [shape, shape.slice(1)], ...rest })), ({ reverse, which }) => (ops, [x, first]) => {
    const { results, states } = ops.scan(([now, seen], [h]) => {
      const next = ops.where(seen, ops.unary('tanh', ops.add(now, ops.mul(h, 0.5))), h)
      return { results: [next, ops.sub(now, h)], states: [next] }
    }, [x, truth(ops, x)], [first], reverse)
    return [...results, ...states][which]
  })
]

const between = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })
const pair = (min: number, max: number): fc.Arbitrary<[number, number]> => fc.tuple(between(min, max), between(min, max))
const padding = fc.constantFrom('valid' as const, 'same' as const)
/** Strides, dilations, or both. */
const steps = fc.oneof(fc.record({ strides: pair(1, 3), dilation: pair(1, 3) }), pair(1, 3).map((strides) => ({ strides, dilation: [1, 1] as [number, number] })), pair(1, 3).map((dilation) => ({ strides: [1, 1] as [number, number], dilation })))

const windows: Trial[] = [
  trial('conv', 2e-5, fc.record({ image: pair(7, 9), window: pair(1, 3), batch: size, channels: size, filters: size, groups: size, padding, steps }).map((drawn) => ({
    shapes: [[drawn.batch, ...drawn.image, drawn.channels * drawn.groups], [...drawn.window, drawn.channels, drawn.filters * drawn.groups]], ...drawn
  })), ({ groups, padding, steps }) => (ops, [x, kernel]) => ops.conv(x, kernel, { ...steps, padding, groups })),
  trial('depthwiseConv', 2e-5, fc.record({ image: pair(7, 9), window: pair(1, 3), batch: size, channels: size, multiplier: size, padding, steps }).map((drawn) => ({
    shapes: [[drawn.batch, ...drawn.image, drawn.channels], [...drawn.window, drawn.channels, drawn.multiplier]], ...drawn
  })), ({ padding, steps }) => (ops, [x, kernel]) => ops.depthwiseConv(x, kernel, { ...steps, padding })),
  ...(['max', 'mean'] as const).map((kind) => trial(`${kind} pool`, rounding, fc.record({ image: pair(4, 8), window: pair(1, 4), strides: pair(1, 4), batch: size, channels: size, padding })
    .map((drawn) => ({ shapes: [[drawn.batch, ...drawn.image, drawn.channels]], ...drawn })), ({ window, strides, padding }) => (ops, [x]) =>
    ops.pool(kind, x, { size: window, strides, padding })))
]

/** Every op of the contract but the fused one. */
export const trials: readonly Trial[] = [...elementwise, ...reduces, ...moves, ...loops, ...windows]
