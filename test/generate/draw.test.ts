import t from 'tap'
import { draw, ranked } from '../../src/generate/draw.ts'
import { uniform } from '../../src/generate/random.ts'

t.test('SplitMix64, as its reference implementation counts', async (t) => {
  const random = uniform(1234567)
  for (const expected of [6457827717110365317n, 3203168211198807973n, 9817491932198370423n, 4593380528125082431n, 16408922859458223821n]) t.equal(random(), Number(expected >> 11n) / 2 ** 53)
  const [a, b] = [uniform(2 ** 53 - 1), uniform(2 ** 53 - 1)]
  for (let n = 0; n < 1000; n++) {
    const value = a()
    t.ok(value >= 0 && value < 1 && value === b())
  }
})

const all = { temperature: 1, topK: 99 }

t.test('temperature 0 is the likeliest, of equals the first; no random number is used', async (t) => {
  const none = (): number => { throw new Error('drawn') }
  t.equal(draw([0.2, 0.4, 0.4], { temperature: 0, topK: 3 }, none), 1)
  t.same(ranked([0.2, 0.4, 0, 0.4]), [1, 3, 0, 2])
})

t.test('the first, from the likeliest down, whose cumulated share is above the number', async (t) => {
  const p = [0.125, 0.5, 0.25, 0.125]
  for (const [random, expected] of [[0, 1], [0.4999, 1], [0.5, 2], [0.7499, 2], [0.75, 0], [0.8749, 0], [0.875, 3], [1 - 2 ** -53, 3]]) t.equal(draw(p, all, () => random), expected, `${random}`)
  for (const [random, expected] of [[0, 1], [0.66, 1], [0.67, 2], [0.9999, 2]]) t.equal(draw(p, { temperature: 1, topK: 2 }, () => random), expected, `of two: ${random}`)
  t.equal(draw(p, { temperature: 1, topK: 1 }, () => 0.9999), 1)
})

t.test('as often as p to the power of 1 / temperature says', async (t) => {
  const p = [0.6, 0, 0.3, 0.1]
  for (const temperature of [0.5, 1, 2]) {
    const weights = p.map((value) => value ** (1 / temperature))
    const total = weights.reduce((a, b) => a + b)
    const random = uniform(7)
    const counts = p.map(() => 0)
    for (let n = 0; n < 20_000; n++) counts[draw(p, { temperature, topK: 4 }, random)]++
    // Five standard deviations of a count are below 0.018 of all.
    for (const [n, count] of counts.entries()) t.ok(Math.abs(count / 20_000 - weights[n] / total) < 0.018, `temperature ${temperature}: ${count} of ${p[n]}`)
    t.equal(counts[1], 0, 'what is impossible stays so')
  }
})

t.test('extremes', async (t) => {
  for (const random of [0, 0.5, 1 - 2 ** -53]) {
    t.equal(draw([0.3, 0.30000001, 0.39], { temperature: 5e-324, topK: 3 }, () => random), 2)
    t.not(draw([1e-45, 0, 1], { temperature: 1e308, topK: 3 }, () => random), 1)
  }
  t.equal(draw([1e-45, 0, 1], { temperature: 1e308, topK: 3 }, () => 0.51), 0, 'a very high temperature makes all that is possible alike')
})
