import t from 'tap'
import { buildPlan } from '../../src/plan/build.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Job } from '../../src/pool/protocol.ts'
import { Queue, sizeOf, type Queued } from '../../src/pool/queue.ts'
import { openLstm } from '../support/models.ts'

const file = openLstm(3, 4)
const planOf = (outputs: boolean): Plan => buildPlan(file, { layers: null, tensors: ['hidden'], steps: 'all', outputs, raw: false }, {})
const plan = planOf(true)

interface Wish { model?: string, size?: number, steps?: number, plan?: Plan, independent?: boolean, states?: boolean }

function queued ({ model = 'm', size = 1, steps = 5, plan: own = plan, independent = true, states = false }: Wish = {}): Queued {
  const zeros = (...shape: number[]): { shape: number[], data: Float32Array } => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) })
  const batch: Job['batch'] = { size, inputs: { x: zeros(size, steps, 3) }, initial: states ? { lstm: { hidden: zeros(size, 4), cell: zeros(size, 4) } } : {} }
  return { model, job: { plan: own, batch, format: 'json', head: {}, independent }, size: sizeOf(batch), patience: null, resolve: () => {}, reject: () => {} }
}

function queueOf (jobs: readonly Queued[]): Queue {
  const queue = new Queue({ requests: 1000, bytes: 2 ** 30 })
  for (const job of jobs) queue.push(job)
  return queue
}

t.test('what fits the oldest goes with it, the rest keeps its order', async (t) => {
  const jobs = [{}, { model: 'other' }, { size: 3 }, { steps: 6 }, { plan: planOf(false) }, { independent: false }, { states: true }, {}].map(queued)
  const queue = queueOf(jobs)
  t.same(queue.take(8).map((job) => jobs.indexOf(job)), [0, 2, 7])
  t.same(Array.from({ length: 5 }, () => queue.take(8).map((job) => jobs.indexOf(job))), [[1], [3], [4], [5], [6]])
  t.same(queue.take(8), [])
  t.equal(queue.length, 0)
})

t.test('the same states brought go together', async (t) => {
  const jobs = [{ states: true }, {}, { states: true, size: 2 }].map(queued)
  t.same(queueOf(jobs).take(8).map((job) => jobs.indexOf(job)), [0, 2])
})

t.test('no more than a share, no more than 32 sequences, a large batch alone', async (t) => {
  t.equal(queueOf(Array.from({ length: 10 }, () => queued())).take(5).length, 5)
  t.equal(queueOf(Array.from({ length: 100 }, () => queued())).take(100).length, 32)
  t.same(queueOf([{ size: 20 }, { size: 20 }, { size: 12 }].map(queued)).take(3).map(({ job }) => job.batch.size), [20, 12])
  t.same(queueOf([{ size: 40 }, { size: 40 }].map(queued)).take(2).map(({ job }) => job.batch.size), [40])
  t.same(queueOf([{ size: 1 }, { size: 32 }].map(queued)).take(2).map(({ job }) => job.batch.size), [1])
})

t.test('bounded in requests', async (t) => {
  const queue = new Queue({ requests: 2, bytes: 2 ** 30 })
  queue.push(queued())
  t.equal(queue.full(), false)
  queue.push(queued())
  t.equal(queue.full(), true)
  t.throws(() => queue.push(queued()), { code: 'queue_full', message: /^2 requests are waiting already/ })
  queue.take(1)
  t.equal(queue.full(), false)
  queue.push(queued())
  t.equal(queue.length, 2)
})

t.test('bounded in bytes of inputs', async (t) => {
  const one = 5 * 3 * 4
  const queue = new Queue({ requests: 100, bytes: 3 * one })
  queue.push(queued({ size: 2 }))
  queue.push(queued())
  t.equal(queue.full(), false, 'there are places, and nobody knows yet that there are too few bytes')
  t.throws(() => queue.push(queued()), { code: 'queue_full', message: /of inputs are waiting already/ })
  t.throws(() => queue.push(queued({ states: true })), { code: 'queue_full' })
  t.equal(queue.full(), true, 'until one leaves')
  t.equal(queue.remove(() => false).length, 0)
  t.equal(queue.full(), true)
  queue.take(1)
  t.equal(queue.full(), false)
  queue.push(queued({ size: 2 }))
  t.equal(queue.remove(() => true).length, 2)
  queue.push(queued({ size: 50 }))
  t.equal(queue.length, 1, 'one that is larger than all that may wait is not refused for ever')
  t.throws(() => queue.push(queued()), { code: 'queue_full' })
})
