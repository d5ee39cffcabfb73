/**
 * What is known of many values of each unit: how many, their mean, the sum of squared distances from it (m2), the extremes, how many lie below the low and above the
 * high threshold, and a histogram. All in float64, one array a tensor, so that it crosses threads as it is.
 */
export type Moments = Float64Array

/** Below `low` and above `high` a value counts as saturated. */
export interface Thresholds { readonly low: number, readonly high: number }

/**
 * Edges of every histogram, the same for every tensor and model, so that any two can be added: tenths where sigmoid and tanh give their values, and some beyond.
 * Bin n holds the values from edge n - 1 on and below edge n; the first and the last bin are open.
 */
export const edges: readonly number[] = [-10, -5, -2, ...Array.from({ length: 21 }, (_, n) => (n - 10) / 10), 2, 5, 10]
const bins = edges.length + 1

/** count, mean, m2, min, max, low, high, each `[unit]`; then the histogram, `[unit, bin]`. */
const fields = ['count', 'mean', 'm2', 'min', 'max', 'low', 'high'] as const
type Field = typeof fields[number]

export const unitsOf = (moments: Moments): number => moments.length / (fields.length + bins)

/** A view of one field, `[unit]`. */
export function field (moments: Moments, name: Field): Float64Array {
  const [units, at] = [unitsOf(moments), fields.indexOf(name)]
  return moments.subarray(at * units, (at + 1) * units)
}

/** A view of the histogram, `[unit, bin]`. */
export const histogram = (moments: Moments): Float64Array => moments.subarray(fields.length * unitsOf(moments))

/** How many numbers the moments of so many units are. */
export const sizeFor = (units: number): number => units * (fields.length + bins)

/** Of no value. */
export function noMoments (units: number): Moments {
  const moments = new Float64Array(sizeFor(units))
  field(moments, 'min').fill(Infinity)
  field(moments, 'max').fill(-Infinity)
  return moments
}

/** The bin of a float32: as many edges as it reaches. No float32 lies between a tenth and the float64 nearest to it, and ten times a float32 is exact. */
function binOf (x: number): number {
  const tenths = x * 10
  if (tenths >= -10 && tenths < 10) {
    const towards0 = tenths | 0
    return (tenths < towards0 ? 13 : 14) + towards0
  }
  if (x < 0) return x >= -2 ? 3 : x >= -5 ? 2 : x >= -10 ? 1 : 0
  return x < 2 ? 24 : x < 5 ? 25 : x < 10 ? 26 : 27
}

/** Rows that are looked at together: those of one unit stay near. */
const tile = 128

/**
 * The moments of some rows of values `[row, unit]`. Distances are taken from the mean of the tile that a value is in, and tiles are added as moments are. What is not
 * finite is left out; gives how many that were.
 */
export function momentsOf (values: Float32Array, units: number, rows: Int32Array, { low, high }: Thresholds): { moments: Moments, nonFinite: number } {
  const moments = noMoments(units)
  const [count, mean, m2, min, max, below, above] = fields.map((name) => field(moments, name))
  const counts = new Uint32Array(units * bins)
  const column = new Float64Array(tile)
  let nonFinite = 0
  for (let from = 0; from < rows.length; from += tile) {
    const to = Math.min(rows.length, from + tile)
    for (let unit = 0; unit < units; unit++) {
      let n = 0
      let sum = 0
      for (let row = from; row < to; row++) {
        const x = values[rows[row] * units + unit]
        // Infinity - Infinity is NaN too.
        if (x - x !== 0) continue
        column[n++] = x
        sum += x
      }
      nonFinite += to - from - n
      if (n === 0) continue
      const middle = sum / n
      const bin = unit * bins
      let own = 0
      let least = Infinity
      let most = -Infinity
      let lows = 0
      let highs = 0
      for (let k = 0; k < n; k++) {
        const x = column[k]
        const far = x - middle
        own += far * far
        if (x < least) least = x
        if (x > most) most = x
        if (x < low) lows++
        if (x > high) highs++
        counts[bin + binOf(x)]++
      }
      const all = count[unit] + n
      const apart = middle - mean[unit]
      m2[unit] += own + (count[unit] === 0 ? 0 : apart * apart * count[unit] * n / all)
      mean[unit] = count[unit] === 0 ? middle : mean[unit] + apart * n / all
      count[unit] = all
      if (least < min[unit]) min[unit] = least
      if (most > max[unit]) max[unit] = most
      below[unit] += lows
      above[unit] += highs
    }
  }
  histogram(moments).set(counts)
  return { moments, nonFinite }
}

/**
 * Adds `from` to `into`, as if all values had been seen together (Chan, Golub and LeVeque 1979): with d = mean_b - mean_a and n = n_a + n_b,
 * mean = mean_a + d n_b / n and m2 = m2_a + m2_b + d^2 n_a n_b / n. The rest are sums and extremes.
 */
export function addMoments (into: Moments, from: Moments): void {
  const units = unitsOf(into)
  const [count, mean, m2, min, max] = fields.map((name) => field(into, name))
  const [otherCount, otherMean, otherM2, otherMin, otherMax] = fields.map((name) => field(from, name))
  for (let unit = 0; unit < units; unit++) {
    const [a, b] = [count[unit], otherCount[unit]]
    if (b === 0) continue
    const apart = otherMean[unit] - mean[unit]
    mean[unit] = a === 0 ? otherMean[unit] : mean[unit] + apart * b / (a + b)
    m2[unit] += otherM2[unit] + (a === 0 ? 0 : apart * apart * a * b / (a + b))
    count[unit] = a + b
    min[unit] = Math.min(min[unit], otherMin[unit])
    max[unit] = Math.max(max[unit], otherMax[unit])
  }
  for (let n = fields.indexOf('low') * units; n < into.length; n++) into[n] += from[n]
}
