import type { Values } from '../../model.ts'

/**
 * How units and input features vary together: over the same steps the means and m2 of both, and the co-moments, sums of (feature - mean)(unit - mean),
 * `[feature, unit]`.
 */
export interface CoMoments {
  count: number
  readonly feature: { readonly mean: Float64Array, readonly m2: Float64Array }
  readonly unit: { readonly mean: Float64Array, readonly m2: Float64Array }
  readonly products: Float64Array
}

/** The features of each row: the last axis of an input, or a token id a row, which stands for as many features as there are ids, one of them 1. */
export interface Features { readonly values: Values['data'], readonly size: number, readonly ids: boolean }

const none = (features: number, units: number): CoMoments => ({
  count: 0,
  feature: { mean: new Float64Array(features), m2: new Float64Array(features) },
  unit: { mean: new Float64Array(units), m2: new Float64Array(units) },
  products: new Float64Array(features * units)
})

/** The features that are not 0, row after row: those of the nth row stand from `from[n]` up to `from[n + 1]`. */
function entriesOf ({ values, size, ids }: Features, rows: Int32Array): { from: Int32Array, index: Int32Array, x: Float64Array } {
  const from = new Int32Array(rows.length + 1)
  const index = new Int32Array(rows.length * (ids ? 1 : size))
  const x = new Float64Array(index.length)
  let count = 0
  for (let n = 0; n < rows.length; n++) {
    if (ids) {
      index[count] = values[rows[n]]
      x[count++] = 1
    } else {
      for (let at = 0; at < size; at++) {
        const value = values[rows[n] * size + at]
        if (value === 0) continue
        index[count] = at
        x[count++] = value
      }
    }
    from[n + 1] = count
  }
  return { from, index, x }
}

/**
 * The co-moments over some rows of units `[row, unit]` and features `[row, feature]`. Features that are 0 cost little, so one-hot inputs are as fast as ids.
 * Rows with anything that is not finite are left out.
 */
export function coMomentsOf (values: Float32Array, units: number, features: Features, all: Int32Array): CoMoments {
  const { size } = features
  const co = none(size, units)
  const { unit: { mean, m2 }, feature, products } = co
  const rows = all.filter((row) => finite(values, row * units, units) && finite(features.values, features.ids ? row : row * size, features.ids ? 1 : size))
  co.count = rows.length
  if (rows.length === 0) return co
  const { from, index, x } = entriesOf(features, rows)
  const entries = from[rows.length]
  const present = new Float64Array(size)
  for (let n = 0; n < rows.length; n++) for (let unit = 0, at = rows[n] * units; unit < units; unit++) mean[unit] += values[at + unit]
  for (let unit = 0; unit < units; unit++) mean[unit] /= rows.length
  for (let entry = 0; entry < entries; entry++) {
    feature.mean[index[entry]] += x[entry]
    present[index[entry]]++
  }
  for (let at = 0; at < size; at++) feature.mean[at] /= rows.length
  for (let entry = 0; entry < entries; entry++) feature.m2[index[entry]] += (x[entry] - feature.mean[index[entry]]) ** 2
  const far = new Float64Array(units)
  const residue = new Float64Array(units)
  for (let n = 0; n < rows.length; n++) {
    const row = rows[n] * units
    for (let unit = 0; unit < units; unit++) {
      far[unit] = values[row + unit] - mean[unit]
      m2[unit] += far[unit] * far[unit]
      residue[unit] += far[unit]
    }
    for (let entry = from[n]; entry < from[n + 1]; entry++) {
      const [at, value] = [index[entry] * units, x[entry]]
      for (let unit = 0; unit < units; unit++) products[at + unit] += far[unit] * value
    }
  }
  for (let at = 0; at < size; at++) {
    feature.m2[at] += (rows.length - present[at]) * feature.mean[at] ** 2
    // Distances from a mean add up to 0 but for its rounding: the feature's own mean takes part with that much only.
    for (let unit = 0; unit < units; unit++) products[at * units + unit] -= residue[unit] * feature.mean[at]
  }
  return co
}

function finite (values: Float32Array, from: number, size: number): boolean {
  for (let n = from; n < from + size; n++) if (!Number.isFinite(values[n])) return false
  return true
}

/**
 * Adds `from` to `into`: means and m2 as of moments, and with the distances d_x and d_y of the means products = products_a + products_b + d_x d_y n_a n_b / n.
 */
export function addCoMoments (into: CoMoments, from: CoMoments): void {
  const [a, b] = [into.count, from.count]
  if (b === 0) return
  const [share, weight] = [b / (a + b), a * b / (a + b)]
  const units = into.unit.mean.length
  const apart = (side: 'feature' | 'unit'): Float64Array => from[side].mean.map((mean, n) => mean - into[side].mean[n])
  const [ofFeatures, ofUnits] = [apart('feature'), apart('unit')]
  for (let n = 0; n < into.products.length; n++) into.products[n] += from.products[n] + ofFeatures[Math.floor(n / units)] * ofUnits[n % units] * weight
  for (const [side, distances] of [['feature', ofFeatures], ['unit', ofUnits]] as const) {
    for (const [n, distance] of distances.entries()) {
      into[side].mean[n] += distance * share
      into[side].m2[n] += from[side].m2[n] + distance * distance * weight
    }
  }
  into.count = a + b
}

/** Pearson's correlation of a feature with a unit; null where one of them never changes. */
export function correlation ({ feature, unit, products }: CoMoments, index: number, at: number): number | null {
  const spread = Math.sqrt(feature.m2[index]) * Math.sqrt(unit.m2[at])
  return spread > 0 ? Math.max(-1, Math.min(1, products[index * unit.m2.length + at] / spread)) : null
}
