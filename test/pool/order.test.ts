import fc from 'fast-check'
import t from 'tap'
import { buildPlan } from '../../src/plan/build.ts'
import { Costs, Order } from '../../src/pool/order.ts'
import { sizeOf, type Queued } from '../../src/pool/queue.ts'
import { openLstm } from '../support/models.ts'

const plan = buildPlan(openLstm(1, 1), { layers: null, tensors: ['hidden'], steps: 'all', outputs: true, raw: false }, {})

function queued (model: string, numbers: number): Queued {
  const batch = { size: 1, inputs: { x: { shape: [1, numbers, 1], data: new Float32Array(numbers) } }, initial: {} }
  return { model, job: { plan, batch, format: 'json', head: {}, independent: false }, size: sizeOf(batch), patience: null, resolve: () => {}, reject: () => {} }
}

/** What jobs of `numbers` numbers cost as the order counts it. */
const costOf = (numbers: number): number => 2 ** Math.ceil(Math.log2(new Costs().of(queued('m', numbers))))
const alone = (): Queued[] => []

t.test('small ones do not wait behind large ones of their model, and like ones keep their order', async (t) => {
  const order = new Order(new Costs())
  const jobs = [30_000, 10, 30_001, 20, 30].map((numbers) => queued('m', numbers))
  for (const job of jobs) order.push(job)
  t.same(jobs.map(() => jobs.indexOf(order.take(alone)[0])), [1, 3, 4, 0, 2])
  t.same(order.take(alone), [])
})

t.test('a model with many waiting jobs does not keep another from its share', async (t) => {
  const order = new Order(new Costs())
  for (let n = 0; n < 50; n++) order.push(queued('busy', 1000))
  for (let n = 0; n < 5; n++) order.push(queued('quiet', 1000))
  const first = Array.from({ length: 10 }, () => order.take(alone)[0].model)
  t.equal(first.filter((model) => model === 'quiet').length, 5, first.join())
})

t.test('one that had nothing to do has saved nothing', async (t) => {
  const order = new Order(new Costs())
  for (let n = 0; n < 20; n++) order.push(queued('busy', 1000))
  for (let n = 0; n < 10; n++) order.take(alone)
  for (let n = 0; n < 20; n++) order.push(queued('late', 1000))
  const then = Array.from({ length: 10 }, () => order.take(alone)[0].model)
  t.equal(then.filter((model) => model === 'busy').length, 5, then.join())
})

t.test('nothing starves: what goes before a job of its model although it came later costs no more than the job itself and what waited at one moment', async (t) => {
  const sizes = fc.integer({ min: 1, max: 200_000 })
  const steps = fc.array(fc.oneof(sizes, fc.constant('take' as const)), { maxLength: 200 })
  let overtaken = 0
  fc.assert(fc.property(steps, sizes, steps, (before, size, after) => {
    const order = new Order(new Costs())
    const waiting = new Set<Queued>()
    let most = 0
    const play = (step: number | 'take'): Queued | null => {
      if (step !== 'take') {
        const job = queued('m', step)
        order.push(job)
        waiting.add(job)
        most = Math.max(most, [...waiting].reduce((sum, one) => sum + costOf(one.size.numbers), 0))
        return null
      }
      const [job] = order.take(alone)
      if (job !== undefined) waiting.delete(job)
      return job ?? null
    }
    for (const step of before) play(step)
    const own = queued('m', size)
    const earlier = new Set(waiting)
    order.push(own)
    waiting.add(own)
    let passed = 0
    // Newcomers for ever, small ones, the worst there are.
    const endless = Array.from({ length: 2000 }, (_, n) => n % 2 === 0 ? 1 : 'take' as const)
    for (const step of [...after, ...endless]) {
      const job = play(step)
      if (job === own) return true
      if (job !== null && !earlier.has(job)) passed += costOf(job.size.numbers)
      if (passed > 0) overtaken++
      if (passed > costOf(size) + most) return false
    }
    return true
  }), { numRuns: 50 })
  t.ok(overtaken > 100, 'some were overtaken')
})

t.test('under newcomers without end every job has its turn', async (t) => {
  const order = new Order(new Costs())
  const large = queued('m', 100_000)
  order.push(large)
  let turns = 0
  for (; turns < 10_000; turns++) {
    order.push(queued('m', 1))
    order.push(queued('other', 1))
    if (order.take(alone)[0] === large) break
  }
  // Two models take turns; what waits when as much as it costs has been served is as much again; and the other model goes on alone for as long as it takes.
  t.ok(turns > 10 && turns <= 5 * costOf(100_000) / costOf(1) + 10, `after ${turns} turns`)
})

t.test('what jobs of a kind took is what the next will take', async (t) => {
  const costs = new Costs()
  const job = queued('m', 1000)
  const [before, other] = [costs.of(job), costs.of(queued('other', 1000))]
  for (let n = 0; n < 40; n++) costs.learn([job], 500)
  t.ok(Math.abs(costs.of(job) - 500) < 5, String(costs.of(job)))
  t.equal(costs.of(queued('other', 1000)), other)
  costs.forget('m')
  t.equal(costs.of(job), before)
})
