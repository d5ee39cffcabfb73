import type { Players } from './players.ts'

/** What each player is given, by sequence. */
export type Lags = Readonly<Record<string, readonly number[]>>

interface LagSummary { readonly meanAbs: number | null, readonly share: number | null, readonly q05: number | null, readonly q95: number | null, readonly count: number }

/** Over the sequences of a batch in which a lag is a step that the model reads; `count` of them. Shares of the mean absolute values add up to 1. */
export function summarize (lags: Lags, { lags: names, of, last }: Players): Record<string, LagSummary> {
  const steps = of.length / last.length
  const there = names.map((name, player) => lags[name].filter((_, b) => of.subarray(b * steps, (b + 1) * steps).includes(player)))
  const means = there.map((values) => values.length === 0 ? null : values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length)
  const whole = means.reduce((sum: number, mean) => sum + (mean ?? 0), 0)
  return Object.fromEntries(names.map((name, n) => {
    const sorted = there[n].toSorted((a, b) => a - b)
    const share = means[n] === null || whole === 0 ? null : means[n] / whole
    return [name, { meanAbs: means[n], share, q05: quantile(sorted, 0.05), q95: quantile(sorted, 0.95), count: sorted.length }]
  }))
}

/** Linear between the two values around it, as NumPy's default. */
function quantile (sorted: readonly number[], q: number): number | null {
  if (sorted.length === 0) return null
  const at = q * (sorted.length - 1)
  const below = Math.floor(at)
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below])
}

/**
 * Do two methods put the lags in the same order of importance? Spearman's correlation of their absolute values, of each sequence, averaged over those that have
 * one: 1 is the same order, null where no sequence has two lags that differ.
 */
export function agreement (a: Lags, b: Lags, names: readonly string[]): number | null {
  const count = a[names[0]].length
  const all = Array.from({ length: count }, (_, n) => correlation(...[a, b].map((lags) => ranks(names.map((name) => Math.abs(lags[name][n])))) as [number[], number[]]))
  const known = all.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

/** Places from the smallest on; equal values share the mean of theirs. */
function ranks (values: readonly number[]): number[] {
  return values.map((value) => values.filter((other) => other < value).length + (values.filter((other) => other === value).length - 1) / 2)
}

/** Pearson's; null where one side does not vary. */
function correlation (x: readonly number[], y: readonly number[]): number | null {
  const centred = [x, y].map((side) => side.map((value) => value - (side.length - 1) / 2))
  const product = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, n) => sum + value * b[n], 0)
  const spread = product(centred[0], centred[0]) * product(centred[1], centred[1])
  return spread === 0 ? null : product(centred[0], centred[1]) / Math.sqrt(spread)
}
