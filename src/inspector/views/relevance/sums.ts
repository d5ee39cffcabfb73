import type { Method, RelevanceAnswer } from './answer.ts'

/** What the lags of one sequence add up to, held against what they should. */
export interface Sum {
  /** What it begins with: the value at the baseline; of memory the state before the first step. */
  readonly start: number
  readonly lags: readonly (readonly [lag: string, value: number])[]
  readonly total: number
  /** The prediction; of memory 1, its shares together. */
  readonly expected: number
  /** Between the two. */
  readonly apart: number
}

export interface Check {
  readonly sums: readonly Sum[]
  /** The one that is the furthest off. */
  readonly worst: Sum
  /** `nearly`: integrated gradients that stop at what their residual says. */
  readonly verdict: 'yes' | 'nearly' | 'no'
}

/** What rounding may leave of a sum of float64 numbers that went through JSON, relative to the largest of them. */
const rounding = 1e-9
/** What integrated gradients may miss of what they explain and still be said to add up. */
const little = 0.01

/**
 * Adds the lags of each sequence up, here, from the numbers that are shown: the service's own word that they add up is not taken for it. Null for a method that adds up
 * to nothing.
 */
export function check (method: Method, { methods, value, baselineValue }: RelevanceAnswer): Check | null {
  const told = methods[method]
  if (method === 'occlusion' || told === undefined || value.length === 0) return null
  // A number that JSON has no word for is null: what holds one adds up to nothing.
  const finite = (number: number | null | undefined): number => number ?? Number.NaN
  const sums = value.map((predicted, n): Sum => {
    const start = method === 'memory' ? finite(told.initial?.[n] ?? 0) : finite(baselineValue[n])
    const expected = method === 'memory' ? 1 : finite(predicted)
    const lags = Object.entries(told.lags).map(([lag, values]) => [lag, finite(values[n])] as const).reverse()
    const total = lags.reduce((sum, [, one]) => sum + one, start)
    return { start, lags, total, expected, apart: Math.abs(total - expected) }
  })
  // A memory that nothing was written to has no shares.
  const counted = sums.filter(({ start, lags }) => method !== 'memory' || start !== 0 || lags.some(([, one]) => one !== 0))
  if (counted.length === 0) return null
  const size = ({ start, expected, lags }: Sum): number => Math.max(1, Math.abs(start), Math.abs(expected), ...lags.map(([, one]) => Math.abs(one)))
  const excess = (sum: Sum): number => sum.apart / size(sum)
  const off = (sum: Sum): boolean => !(excess(sum) <= rounding)
  const worst = counted.reduce((one, other) => !(excess(other) <= excess(one)) ? other : one)
  if (!counted.some(off)) return { sums, worst, verdict: 'yes' }
  // Only a quadrature ends before it is exact, and its residual says how far.
  const residual = told.residual
  if (method !== 'integrated-gradients' || residual === undefined || counted.some((sum) => !(sum.apart <= residual + rounding * size(sum)))) return { sums, worst, verdict: 'no' }
  const small = counted.every(({ apart, lags }) => apart <= little * lags.reduce((sum, [, one]) => sum + Math.abs(one), 0))
  return { sums, worst, verdict: small ? 'yes' : 'nearly' }
}
