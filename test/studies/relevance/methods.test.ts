import fc from 'fast-check'
import t from 'tap'
import { insertion, occlusion, shapley, type Game } from '../../../src/studies/relevance/methods.ts'

/** A game of random values, one for each coalition. */
const games = fc.integer({ min: 1, max: 5 }).chain((count) => fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2 ** count, maxLength: 2 ** count })
  .map((values) => ({ count, game: ((coalition) => values[coalition]) as Game })))
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9

/** The definition itself: what a player adds on arriving, averaged over all orders of arrival. */
function byOrders (count: number, game: Game): number[] {
  const shares = Array<number>(count).fill(0)
  let orders = 0
  const arrive = (there: number, gains: readonly [number, number][]): void => {
    if (gains.length === count) {
      orders++
      for (const [player, gain] of gains) shares[player] += gain
      return
    }
    for (let player = 0; player < count; player++) {
      if ((there >> player) % 2 === 1) continue
      arrive(there + 2 ** player, [...gains, [player, game(there + 2 ** player) - game(there)]])
    }
  }
  arrive(0, [])
  return shares.map((share) => share / orders)
}

t.test('Shapley is the mean gain over all orders of arrival, and adds up', async (t) => {
  fc.assert(fc.property(games, ({ count, game }) => {
    const shares = shapley.shares(count, game)
    return near(sum(shares), game(2 ** count - 1) - game(0)) && byOrders(count, game).every((share, n) => near(share, shares[n]))
  }), { seed: 3, numRuns: 100 })
  t.same(shapley.shares(2, (coalition) => [0, 1, 2, 7][coalition]), [3, 4])
})

t.test('insertion adds up in its order, occlusion need not', async (t) => {
  fc.assert(fc.property(games, ({ count, game }) => near(sum(insertion.shares(count, game)), game(2 ** count - 1) - game(0))), { seed: 3 })
  const game: Game = (coalition) => [0, 1, 2, 7][coalition]
  t.same(insertion.shares(2, game), [1, 6])
  t.same(occlusion.shares(2, game), [5, 6])
})

t.test('each method says which coalitions it needs', async (t) => {
  for (const method of [shapley, insertion, occlusion]) {
    for (const count of [1, 3, 6]) {
      const known = new Set(method.coalitions(count))
      method.shares(count, (coalition) => {
        t.ok(known.has(coalition), `${coalition} of ${count}`)
        return 0
      })
      t.equal(known.size, method.coalitions(count).length, 'none twice')
    }
  }
})
