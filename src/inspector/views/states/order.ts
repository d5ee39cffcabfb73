import type { Curves } from './cell.ts'

/** How units are sorted from top to bottom, and what that is called. */
export const sorts = {
  index: 'index',
  final: 'final value',
  step: 'value at the step',
  mean: 'mean',
  variance: 'variance',
  largest: 'largest magnitude',
  clusters: 'clusters of alike curves'
} as const

export type Sort = keyof typeof sorts

/** Units that may be clustered: the work grows with their cube, 512 take a second or two and these about ten. */
export const mostClustered = 1024

/**
 * The units in the order of `by`: those with the largest number first, units of one number by their index. Masked steps do not count; the final value is that of the
 * last step that does.
 * @param step the one whose value counts, for `step`
 */
export function orderOf ({ steps, units, values }: Curves, mask: Uint8Array | null, by: Exclude<Sort, 'clusters'>, step: number): Uint32Array {
  const order = Uint32Array.from({ length: units }, (_, unit) => unit)
  if (by === 'index') return order
  const seen = Array.from({ length: steps }, (_, n) => n).filter((n) => mask?.[n] !== 0)
  const at = (n: number, unit: number): number => values[n * units + unit]
  const mean = (unit: number, of: (value: number) => number): number => seen.reduce((sum, n) => sum + of(at(n, unit)), 0) / seen.length
  const keyOf = (unit: number): number => {
    switch (by) {
      case 'final': return seen.length === 0 ? 0 : at(seen[seen.length - 1], unit)
      case 'step': return at(step, unit)
      case 'mean': return mean(unit, (value) => value)
      case 'variance': {
        const middle = mean(unit, (value) => value)
        return mean(unit, (value) => (value - middle) ** 2)
      }
      case 'largest': return seen.reduce((most, n) => Math.max(most, Math.abs(at(n, unit))), 0)
    }
  }
  const keys = Float64Array.from(order, (unit) => {
    const key = keyOf(unit)
    return Number.isNaN(key) ? -Infinity : key
  })
  return order.sort((a, b) => keys[b] === keys[a] ? a - b : keys[b] > keys[a] ? 1 : -1)
}
