import t from 'tap'
import type { Queued } from '../../src/pool/queue.ts'
import { takers } from '../../src/pool/takers.ts'

type Hands = Parameters<typeof takers>[0]
type Some = Hands[number]

const free: Some = { busy: false, work: null }
/** It does not live, or has not started. */
const away: Some = { busy: true, work: null }
/** Jobs of so many milliseconds each, since when. */
const works = (milliseconds: readonly number[], since = 1000): Some => ({ busy: true, work: { since, jobs: milliseconds.map((one) => one as unknown as Queued) } })
const costs = { time: (job: Queued): number => job as unknown as number }
const waiting = (...milliseconds: number[]): Parameters<typeof takers>[1] => ({ length: milliseconds.length, milliseconds: milliseconds.reduce((sum, one) => sum + one, 0), full: () => milliseconds.length >= 6 })
const of = (hands: Hands, queue: ReturnType<typeof waiting>, cores: number, loop = 0.8): number => takers(hands, queue, costs, 1001, loop, cores)

t.test('small jobs leave the last of as many threads as cores alone, while the HTTP side has much to do', async (t) => {
  for (const first of [free, works([0.3]), works([0.3, 0.3, 0.3])]) {
    t.equal(of([first, free], waiting(0.3), 2), 1)
    t.equal(of([first, free], waiting(0.3, 0.2, 0.9, 0.1), 2), 1, 'small on the whole')
  }
  t.equal(of([free, works([0.3]), works([0.3]), free], waiting(0.3), 4), 3)
})

t.test('all threads take larger ones', async (t) => {
  t.equal(of([works([0.3]), free], waiting(0.8), 2), 2)
  t.equal(of([works([0.3]), free], waiting(0.1, 4), 2), 2)
})

t.test('and small ones, where a thread before the last is not free soon: it has much to do, takes longer than was foretold, or is away; and where one more would be refused', async (t) => {
  t.equal(of([works([3, 2.1]), free], waiting(0.3), 2), 2)
  t.equal(of([works([0.3], 996), free], waiting(0.3), 2), 2)
  t.equal(of([away, free], waiting(0.3), 2), 2)
  t.equal(of([works([0.3]), free], waiting(0.1, 0.1, 0.1, 0.1, 0.1), 2), 1)
  t.equal(of([works([0.3]), free], waiting(0.1, 0.1, 0.1, 0.1, 0.1, 0.1), 2), 2)
  t.equal(of([free, works([9]), free], waiting(0.3), 3), 3)
})

t.test('and small ones, where the HTTP side has little to do', async (t) => {
  t.equal(of([works([0.3]), free], waiting(0.3), 2, 0.3), 2)
  t.equal(of([works([0.3]), free], waiting(0.3), 2, 0.5), 1)
})

t.test('fewer threads than cores are not spared, and one is never', async (t) => {
  t.equal(of([free, works([0.3])], waiting(0.3), 3), 2)
  t.equal(of([works([0.3])], waiting(0.3), 1), 1)
  t.equal(of([works([0.3])], waiting(0.3), 8), 1)
  t.equal(of([free, free], waiting(0.3), 1), 1)
})
