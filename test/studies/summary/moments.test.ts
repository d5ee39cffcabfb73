import fc from 'fast-check'
import t from 'tap'
import { addCoMoments, coMomentsOf, correlation, type CoMoments } from '../../../src/studies/summary/co-moments.ts'
import { addMoments, edges, field, histogram, momentsOf, noMoments, type Moments } from '../../../src/studies/summary/moments.ts'

const thresholds = { low: 0, high: 0.5 }
const rowsTo = (count: number, from = 0): Int32Array => Int32Array.from({ length: count }, (_, n) => from + n)

/** Values as gates and states have them: small, saturated, equal, large. */
const value = fc.oneof(
  fc.float({ min: -1, max: 1, noNaN: true }), fc.float({ min: 0, max: 1, noNaN: true }), fc.float({ min: -1000, max: 1000, noNaN: true }),
  fc.constantFrom(0, 1, -1, 0.5, Math.fround(0.1), Math.fround(0.9), Math.fround(-0.3), 10, -10, 2, 5))

/** In plain words and long hand: every number from all values of a unit. */
function byHand (values: readonly number[]): Record<string, number | number[]> {
  const count = values.length
  // Sums of float32 in order of size, so that this side's own rounding does not matter.
  const sum = (terms: readonly number[]): number => [...terms].sort((a, b) => Math.abs(a) - Math.abs(b)).reduce((a, b) => a + b, 0)
  const mean = sum(values) / count
  return {
    count,
    mean,
    m2: sum(values.map((x) => (x - mean) ** 2)),
    min: Math.min(...values),
    max: Math.max(...values),
    low: values.filter((x) => x < thresholds.low).length,
    high: values.filter((x) => x > thresholds.high).length,
    histogram: Array.from({ length: edges.length + 1 }, (_, n) => values.filter((x) => (n === 0 || x >= edges[n - 1]) && (n === edges.length || x < edges[n])).length)
  }
}

/** What rounding may do: 1e-12 of the number, and for m2 of what it is the difference of. */
function near (found: number, expected: number, scale = Math.abs(expected)): boolean {
  return Math.abs(found - expected) <= 1e-12 * Math.abs(expected) + 1e-14 * scale
}

function same (moments: Moments, unit: number, values: readonly number[]): boolean {
  const expected = byHand(values)
  const of = (name: Parameters<typeof field>[1]): number => field(moments, name)[unit]
  const bins = edges.length + 1
  const largest = Math.max(...values.map(Math.abs))
  return (['count', 'min', 'max', 'low', 'high'] as const).every((name) => of(name) === expected[name]) &&
    near(of('mean'), expected.mean as number, largest) && near(of('m2'), expected.m2 as number, largest * Math.sqrt(values.length * (expected.m2 as number))) &&
    histogram(moments).subarray(unit * bins, (unit + 1) * bins).every((n, bin) => n === (expected.histogram as number[])[bin])
}

t.test('moments are what is counted and summed by hand, however the rows are split and in whatever order the parts are added', async () => {
  const table = fc.integer({ min: 1, max: 3 }).chain((units) => fc.array(fc.array(value, { minLength: units, maxLength: units }), { minLength: 1, maxLength: 400 }))
  await fc.assert(fc.asyncProperty(table, fc.array(fc.nat(), { maxLength: 6 }), fc.infiniteStream(fc.nat()), async (rows, cuts, order) => {
    const units = rows[0].length
    const data = Float32Array.from(rows.flat())
    const places = [0, ...cuts.map((cut) => cut % (rows.length + 1)), rows.length].sort((a, b) => a - b)
    const parts = places.slice(1).map((to, n) => momentsOf(data, units, rowsTo(to - places[n], places[n]), thresholds).moments)
    // As of a tree: any two are added, until one is left.
    while (parts.length > 1) {
      const [from] = parts.splice(order.next().value! % parts.length, 1)
      addMoments(parts[order.next().value! % parts.length], from)
    }
    const whole = momentsOf(data, units, rowsTo(rows.length), thresholds).moments
    return Array.from({ length: units }, (_, unit) => Array.from({ length: rows.length }, (_, row) => data[row * units + unit])).every((column, unit) => same(parts[0], unit, column) && same(whole, unit, column))
  }), { numRuns: 300 })
})

t.test('parts of sets as gates have them agree to 1e-12', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 20, maxLength: 2000 }), fc.nat(), async (values, cut) => {
    const data = Float32Array.from(values)
    const at = cut % (data.length + 1)
    const whole = momentsOf(data, 1, rowsTo(data.length), thresholds).moments
    const parts = momentsOf(data, 1, rowsTo(at), thresholds).moments
    addMoments(parts, momentsOf(data, 1, rowsTo(data.length - at, at), thresholds).moments)
    const spread = field(whole, 'm2')[0] > 1e-6 * field(whole, 'mean')[0] ** 2 * data.length
    return whole.every((x, n) => (n === 2 && !spread) || Math.abs(x - parts[n]) <= 1e-12 * Math.abs(x))
  }), { numRuns: 300 })
})

t.test('a value that never changes has no spread, in parts either', async (t) => {
  const data = new Float32Array(3001).fill(0.1)
  const { moments } = momentsOf(data, 1, rowsTo(1000), thresholds)
  addMoments(moments, momentsOf(data, 1, rowsTo(2001, 1000), thresholds).moments)
  t.same([...moments.subarray(0, 7)], [3001, data[0], 0, data[0], data[0], 0, 0])
})

t.test('what is not finite is left out and counted; nothing at all is nothing', async (t) => {
  const { moments, nonFinite } = momentsOf(Float32Array.of(1, NaN, 3, Infinity, -Infinity, 2), 2, rowsTo(3), thresholds)
  t.equal(nonFinite, 3)
  t.same([...field(moments, 'count')], [2, 1])
  t.same([...field(moments, 'mean')], [2, 2])
  const none = noMoments(2)
  addMoments(none, noMoments(2))
  t.same(none, noMoments(2))
  addMoments(none, moments)
  t.same(none, moments)
})

t.test('edges are fixed, and each holds what it says', async (t) => {
  t.same(edges, [-10, -5, -2, -1, -0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 5, 10])
  const bits = new Int32Array(1)
  const float = new Float32Array(bits.buffer)
  for (const edge of edges) {
    // The float32 nearest to each edge and its two neighbours.
    float[0] = edge
    const [own] = bits
    for (const neighbour of edge === 0 ? [0] : [own - 1, own, own + 1]) {
      bits[0] = neighbour
      const { moments } = momentsOf(float, 1, rowsTo(1), thresholds)
      t.equal(histogram(moments).indexOf(1), edges.filter((other) => other <= float[0]).length, `${float[0]}`)
    }
  }
})

/** Means, spreads and products of pairs, by hand. */
function pairs (xs: readonly number[], ys: readonly number[]): { r: number | null, products: number } {
  const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length
  const [mx, my] = [mean(xs), mean(ys)]
  const products = xs.reduce((sum, x, n) => sum + (x - mx) * (ys[n] - my), 0)
  const spread = Math.sqrt(xs.reduce((sum, x) => sum + (x - mx) ** 2, 0) * ys.reduce((sum, y) => sum + (y - my) ** 2, 0))
  return { r: spread === 0 ? null : products / spread, products }
}

t.test('co-moments are those of every pair, of features and of ids, in any parts', async () => {
  const small = fc.float({ min: -1, max: 1, noNaN: true })
  const rows = fc.array(fc.record({ units: fc.tuple(small, small), features: fc.tuple(fc.oneof(fc.constant(0), small), fc.constantFrom(0, 1), fc.constant(1)), id: fc.nat(2) }), { minLength: 2, maxLength: 150 })
  await fc.assert(fc.asyncProperty(rows, fc.nat(), async (rows, cut) => {
    const data = Float32Array.from(rows.flatMap(({ units }) => units))
    const dense = { values: Float32Array.from(rows.flatMap(({ features }) => features)), size: 3, ids: false }
    const ids = { values: Float32Array.from(rows, ({ id }) => id), size: 3, ids: true }
    const at = cut % (rows.length + 1)
    for (const features of [dense, ids]) {
      const of = (from: number, to: number): CoMoments => coMomentsOf(data, 2, features, rowsTo(to - from, from))
      const parts = of(0, at)
      addCoMoments(parts, of(at, rows.length))
      for (const co of [of(0, rows.length), parts]) {
        for (let feature = 0; feature < 3; feature++) {
          for (let unit = 0; unit < 2; unit++) {
            const xs = rows.map((_, n) => features.ids ? Number(ids.values[n] === feature) : dense.values[n * 3 + feature])
            const { r, products } = pairs(xs, rows.map((_, n) => data[n * 2 + unit]))
            if (Math.abs(co.products[feature * 2 + unit] - products) > 1e-12 * rows.length) return false
            const found = correlation(co, feature, unit)
            if (r !== null && Math.abs(products) > 1e-6 && (found === null || Math.abs(found - r) > 1e-9)) return false
            if (found !== null && Math.abs(found) > 1) return false
          }
        }
        if (!features.ids && correlation(co, 2, 0) !== null) return false
      }
    }
    return true
  }), { numRuns: 200 })
})
