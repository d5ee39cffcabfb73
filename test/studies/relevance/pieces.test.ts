import t from 'tap'
import { batchOf } from '../../../src/studies/relevance/coalitions.ts'
import { gaussLegendre } from '../../../src/studies/relevance/legendre.ts'
import { lagsOf, playersOf } from '../../../src/studies/relevance/players.ts'
import { agreement, summarize } from '../../../src/studies/relevance/summary.ts'

t.test('Gauss-Legendre is exact up to degree 2n - 1, and no further', async (t) => {
  for (const count of [1, 2, 5, 16, 64, 512]) {
    const { nodes, weights } = gaussLegendre(count)
    const integral = (degree: number): number => nodes.reduce((sum, node, n) => sum + weights[n] * node ** degree, 0)
    for (const degree of [0, 1, count, 2 * count - 1]) t.ok(Math.abs(integral(degree) - 1 / (degree + 1)) < 1e-14, `${count} nodes, degree ${degree}`)
    if (count < 6) t.notOk(Math.abs(integral(2 * count) - 1 / (2 * count + 1)) < 1e-9, 'one degree more is not')
    t.ok(nodes.every((node, n) => node > 0 && node < 1 && (n === 0 || node > nodes[n - 1])))
  }
})

t.test('t-1 is the last step that counts; a masked step in between keeps its number and has no player', async (t) => {
  t.same(playersOf(1, 5, 3, null), { lags: ['t-1', 't-2', 't-3', 'older'], names: ['t-1', 't-2', 't-3', 'older'], of: Int8Array.of(3, 3, 2, 1, 0), last: [4] })
  t.same(playersOf(1, 3, 5, null), { lags: ['t-1', 't-2', 't-3', 't-4', 't-5', 'older'], names: ['t-1', 't-2', 't-3'], of: Int8Array.of(2, 1, 0), last: [2] })
  const counts = Uint8Array.of(1, 1, 1, 1, 0, /**/ 0, 1, 0, 1, 1, /**/ 0, 0, 0, 0, 0)
  t.same(playersOf(3, 5, 2, counts), { lags: ['t-1', 't-2', 'older'], names: ['t-1', 't-2', 'older'], of: Int8Array.of(2, 2, 1, 0, -1, -1, 2, -1, 1, 0, -1, -1, -1, -1, -1), last: [3, 4, -1] })
})

t.test('values of steps are added up by player', async (t) => {
  const players = playersOf(2, 4, 2, Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 0))
  t.same(lagsOf(players, 2, Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8)), { 't-1': [4, 7], 't-2': [3, 6], older: [3, 5] })
})

t.test('a coalition keeps its steps, the others come from the baseline; masked steps and other inputs stay', async (t) => {
  const batch = { size: 2, initial: {}, inputs: { x: { shape: [2, 3, 2], data: Float32Array.from({ length: 12 }, (_, n) => n + 1) }, y: { shape: [2, 1], data: Float32Array.of(7, 8) } } }
  const players = playersOf(2, 3, 1, Uint8Array.of(1, 1, 1, 1, 1, 0))
  const one = batchOf(batch, { x: { shape: [1, 3, 2], data: Float32Array.of(-1, -2, -3, -4, -5, -6) } }, players, [{ sequence: 0, coalition: 0b10 }, { sequence: 1, coalition: 0b01 }, { sequence: 1, coalition: 0 }])
  t.same(one, {
    size: 3,
    initial: {},
    inputs: { x: { shape: [3, 3, 2], data: Float32Array.of(1, 2, 3, 4, -5, -6, -1, -2, 9, 10, 11, 12, -1, -2, -3, -4, 11, 12) }, y: { shape: [3, 1], data: Float32Array.of(7, 8, 8) } }
  })
  const own = batchOf(batch, { x: { shape: [2, 3, 2], data: new Float32Array(12).fill(9, 6) } }, players, [{ sequence: 1, coalition: 0 }])
  t.same(own.inputs.x.data, Float32Array.of(9, 9, 9, 9, 11, 12), 'a baseline for each sequence')
})

t.test('the summary leaves out what is not there', async (t) => {
  const players = playersOf(3, 2, 1, Uint8Array.of(1, 1, 1, 1, 1, 0))
  t.same(summarize({ 't-1': [-4, 16, 8], older: [2, -18, 0] }, players), {
    't-1': { meanAbs: 28 / 3, share: 28 / 3 / (28 / 3 + 10), q05: -4 + 0.1 * 12, q95: 8 + 0.9 * 8, count: 3 },
    older: { meanAbs: 10, share: 10 / (28 / 3 + 10), q05: -18 + 0.05 * 20, q95: -18 + 0.95 * 20, count: 2 }
  })
  t.same(summarize({ 't-1': [0], older: [0] }, playersOf(1, 1, 1, Uint8Array.of(0))), { 't-1': { meanAbs: null, share: null, q05: null, q95: null, count: 0 }, older: { meanAbs: null, share: null, q05: null, q95: null, count: 0 } })
})

t.test('agreement is of the order of absolute values', async (t) => {
  const names = ['a', 'b', 'c']
  const lags = (...rows: number[][]): Record<string, number[]> => Object.fromEntries(names.map((name, n) => [name, rows.map((row) => row[n])]))
  t.equal(agreement(lags([1, 2, 3]), lags([-10, 20, -30]), names), 1)
  t.equal(agreement(lags([1, 2, 3]), lags([3, 2, 1]), names), -1)
  t.equal(agreement(lags([1, 2, 3], [1, 2, 3]), lags([3, 2, 1], [1, 2, 3]), names), 0, 'the mean over the sequences')
  t.ok(Math.abs(agreement(lags([1, 2, 3]), lags([5, 5, 9]), names)! - Math.sqrt(3) / 2) < 1e-12, 'equal ones share their place')
  t.equal(agreement(lags([1, 2, 3]), lags([0, 0, 0]), names), null)
})
