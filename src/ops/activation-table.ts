import type { Ops } from './ops.ts'

export type Keras = 1 | 2 | 3

/** An activation with its settings filled in. */
export interface Activation {
  readonly apply: <T>(ops: Ops<T>, x: T) => T
  /** With `x` for the operand. */
  readonly equation: string
}

/** What one name means to some Kerases. */
export interface Entry {
  readonly keras: readonly Keras[]
  /** Throws where a setting is not a number. */
  readonly make: (settings: Settings) => Activation
}

/** Settings of a layer used as an activation, under Keras' own names. */
export interface Settings {
  /** A number by the first of these keys that is there, else `otherwise`. */
  readonly number: (keys: readonly string[], otherwise: number) => number
}

type Apply = Activation['apply']

const every = [1, 2, 3] as const
const old = [1, 2] as const
const current = [3] as const

const plain = (keras: readonly Keras[], equation: string, apply: Apply): Entry => ({ keras, make: () => ({ apply, equation }) })

const clip = <T>(ops: Ops<T>, x: T, low: number, high: number): T => ops.minimum(ops.maximum(x, low), high)
const linear: Apply = (_ops, x) => x
const sigmoid: Apply = (ops, x) => ops.unary('sigmoid', x)
const silu: Apply = (ops, x) => ops.mul(x, sigmoid(ops, x))
const relu6: Apply = (ops, x) => clip(ops, x, 0, 6)
const hardSigmoid: Apply = (ops, x) => ops.div(relu6(ops, ops.add(x, 3)), 6)
const hardSilu: Apply = (ops, x) => ops.mul(x, hardSigmoid(ops, x))
const logSoftmax: Apply = (ops, x) => {
  const low = ops.sub(x, ops.reduce('max', x, [-1], true))
  return ops.sub(low, ops.unary('log', ops.reduce('sum', ops.unary('exp', low), [-1], true)))
}

/** x where above zero, else the slope times x. */
const leaky = (slope: number): Activation => ({
  equation: `max(0, x) + ${slope} * min(0, x)`,
  apply: (ops, x) => ops.where(ops.compare('greater', x, 0), x, ops.mul(x, slope))
})

const elu = (alpha: number): Activation => ({
  equation: `x if x > 0 else ${alpha === 1 ? '' : `${alpha} * `}(exp(x) - 1)`,
  // The exponential sees no positive number: it would be infinite, and its gradient with it, where x itself is taken.
  apply: (ops, x) => ops.where(ops.compare('greater', x, 0), x, ops.mul(ops.unary('expm1', ops.minimum(x, 0)), alpha))
})

/** Klambauer et al. 2017, with the two constants as TensorFlow writes them. */
const selu: Apply = (ops, x) => ops.where(ops.compare('less', x, 0),
  ops.mul(ops.unary('expm1', ops.minimum(x, 0)), 1.7580993408473768), ops.mul(x, 1.0507009873554805))

const gelu: Apply = (ops, x) => ops.mul(ops.mul(x, 0.5), ops.add(ops.unary('erf', ops.div(x, Math.SQRT2)), 1))

/** The ReLU layer: three settings, in Keras' own order of doing. */
function relu (slope: number, most: number | undefined, threshold: number): Activation {
  if (slope !== 0 && most === undefined && threshold === 0) return leaky(slope)
  const kept = threshold === 0 ? 'max(0, x)' : `(x if x > ${threshold} else 0)`
  const capped = most === undefined ? kept : `min(${most}, ${kept})`
  return {
    equation: slope === 0 ? capped : `${capped} - ${slope} * max(0, ${threshold} - x)`,
    apply: (ops, x) => {
      const above = threshold === 0 ? ops.unary('relu', x) : ops.where(ops.compare('greater', x, threshold), x, 0)
      const most0 = most === undefined ? above : clip(ops, above, 0, most)
      return slope === 0 ? most0 : ops.sub(most0, ops.mul(ops.unary('relu', ops.sub(threshold, x)), slope))
    }
  }
}

/**
 * Sparsemax (Martins and Astudillo 2016) along the last axis as Keras 3 computes it: max(0, x - tau), where tau is, over the entries of
 * the support, (the sum of *all* their cumulative sums - 1) / their count. The paper takes the last cumulative sum only, so the results
 * of Keras do not add up to 1; they are what its models learned with. Pairs are compared where Keras sorts.
 */
const sparsemax: Apply = (ops, x) => {
  const place = ops.range(x, -1)
  const [own, other] = [ops.expandDims(x, -1), ops.expandDims(x, -2)]
  const notLater = ops.compare('lessEqual', ops.expandDims(place, -2), ops.expandDims(place, -1))
  // Entries that a stable sort, largest first, puts up to this one.
  const upTo = ops.cast(ops.or(ops.compare('greater', other, own), ops.and(ops.compare('equal', other, own), notLater)), 'float')
  const cumulative = ops.reduce('sum', ops.mul(upTo, other), [-1])
  const support = ops.compare('greater', x, ops.div(ops.sub(cumulative, 1), ops.reduce('sum', upTo, [-1])))
  const sum = ops.reduce('sum', ops.where(support, cumulative, 0), [-1], true)
  const tau = ops.div(ops.sub(sum, 1), ops.reduce('sum', ops.cast(support, 'float'), [-1], true))
  return ops.maximum(ops.sub(x, tau), 0)
}

/** Gated linear unit: the first half of the last axis, opened by the second. */
const glu: Apply = (ops, x) => {
  const half = ops.shape(x)[ops.shape(x).length - 1] / 2
  return ops.mul(ops.slice(x, -1, 0, half), sigmoid(ops, ops.slice(x, -1, half)))
}

const reluLayer: Entry = {
  keras: every,
  make: ({ number }) => {
    const most = number(['max_value'], NaN)
    return relu(number(['negative_slope', 'alpha'], 0), Number.isNaN(most) ? undefined : most, number(['threshold'], 0))
  }
}

const softmax: Entry = {
  keras: every,
  make: ({ number }) => {
    const axis = number(['axis'], -1)
    return { equation: 'exp(x) / sum(exp(x))', apply: (ops, x) => ops.softmax(x, axis) }
  }
}

/**
 * Every activation of Keras 1, 2.15 and 3.15 by the names that their files hold; a name may mean one thing to Keras 2 and another to
 * Keras 3. `silu`, `relu6` and `log_softmax` are in files of Keras 2 too, saved from TensorFlow's functions of these names.
 */
export const activations: ReadonlyMap<string, readonly Entry[]> = new Map<string, readonly Entry[]>([
  ['linear', [plain(every, 'x', linear)]],
  ['tanh', [plain(every, 'tanh(x)', (ops, x) => ops.unary('tanh', x))]],
  ['sigmoid', [plain(every, '1 / (1 + exp(-x))', sigmoid)]],
  ['hard_sigmoid', [
    plain(old, 'max(0, min(1, 0.2 * x + 0.5))', (ops, x) => clip(ops, ops.add(ops.mul(x, 0.2), 0.5), 0, 1)),
    plain(current, 'max(0, min(6, x + 3)) / 6', hardSigmoid)
  ]],
  ['relu', [reluLayer]],
  ['ReLU', [reluLayer]],
  ['relu6', [plain(every, 'max(0, min(6, x))', relu6)]],
  ['leaky_relu', [{ keras: every, make: ({ number }) => leaky(number(['negative_slope'], 0.2)) }]],
  ['LeakyReLU', [{ keras: every, make: ({ number }) => leaky(number(['negative_slope', 'alpha'], 0.3)) }]],
  ['elu', [{ keras: every, make: ({ number }) => elu(number(['alpha'], 1)) }]],
  ['ELU', [{ keras: every, make: ({ number }) => elu(number(['alpha'], 1)) }]],
  ['ThresholdedReLU', [{ keras: old, make: ({ number }) => relu(0, undefined, number(['theta'], 1)) }]],
  ['selu', [plain(every, '1.05070098 * (x if x > 0 else 1.67326324 * (exp(x) - 1))', selu)]],
  ['softplus', [plain(every, 'log(exp(x) + 1)', (ops, x) => ops.unary('softplus', x))]],
  ['softsign', [plain(every, 'x / (abs(x) + 1)', (ops, x) => ops.div(x, ops.add(ops.unary('abs', x), 1)))]],
  ['swish', [plain(every, 'x / (1 + exp(-x))', silu)]],
  ['silu', [plain(every, 'x / (1 + exp(-x))', silu)]],
  ['gelu', [plain(every, '0.5 * x * (1 + erf(x / sqrt(2)))', gelu)]],
  ['mish', [plain(every, 'x * tanh(log(exp(x) + 1))', (ops, x) => ops.mul(x, ops.unary('tanh', ops.unary('softplus', x))))]],
  ['exponential', [plain(every, 'exp(x)', (ops, x) => ops.unary('exp', x))]],
  ['softmax', [softmax]],
  ['Softmax', [softmax]],
  ['log_softmax', [plain(every, 'x - log(sum(exp(x)))', logSoftmax)]],
  ['celu', [plain(current, 'max(0, x) + (exp(min(0, x)) - 1)', (ops, x) => ops.add(ops.maximum(x, 0), ops.unary('expm1', ops.minimum(x, 0))))]],
  ['glu', [plain(current, 'x_a / (1 + exp(-x_b)), x_a and x_b the halves of x', glu)]],
  ['hard_silu', [plain(current, 'x * max(0, min(6, x + 3)) / 6', hardSilu)]],
  ['hard_swish', [plain(current, 'x * max(0, min(6, x + 3)) / 6', hardSilu)]],
  ['hard_tanh', [plain(current, 'max(-1, min(1, x))', (ops, x) => clip(ops, x, -1, 1))]],
  ['hard_shrink', [plain(current, 'x if abs(x) > 0.5 else 0', (ops, x) => ops.where(ops.compare('greater', ops.unary('abs', x), 0.5), x, 0))]],
  ['soft_shrink', [plain(current, 'x - 0.5 if x > 0.5 else x + 0.5 if x < -0.5 else 0', (ops, x) =>
    ops.where(ops.compare('greater', x, 0.5), ops.sub(x, 0.5), ops.where(ops.compare('less', x, -0.5), ops.add(x, 0.5), 0)))]],
  ['tanh_shrink', [plain(current, 'x - tanh(x)', (ops, x) => ops.sub(x, ops.unary('tanh', x)))]],
  ['log_sigmoid', [plain(current, '-log(exp(-x) + 1)', (ops, x) => ops.unary('neg', ops.unary('softplus', ops.unary('neg', x))))]],
  ['squareplus', [plain(current, '(x + sqrt(x * x + 4)) / 2', (ops, x) =>
    ops.div(ops.add(x, ops.unary('sqrt', ops.add(ops.unary('square', x), 4))), 2))]],
  ['sparse_plus', [plain(current, '0 if x <= -1 else 0.25 * (x + 1) * (x + 1) if x < 1 else x', (ops, x) =>
    ops.where(ops.compare('lessEqual', x, -1), 0, ops.where(ops.compare('less', x, 1), ops.mul(ops.unary('square', ops.add(x, 1)), 0.25), x)))]],
  ['sparse_sigmoid', [plain(current, 'max(0, min(1, 0.5 * (x + 1)))', (ops, x) => clip(ops, ops.mul(ops.add(x, 1), 0.5), 0, 1))]],
  ['sparsemax', [plain(current, 'max(0, x - tau), tau = (sum of the cumulative sums in the support - 1) / its size', sparsemax)]]
])
