import t from 'tap'
import { startPool } from '../../src/pool/pool.ts'
import { slots, type Job, type LoadCheck, type Ran } from '../../src/pool/protocol.ts'
import type { ModelFile } from '../../src/model.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { independent } from '../../src/plan/independent.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { defaultKinds } from '../../src/request/probe.ts'
import { extract } from '../../src/run/extract.ts'
import { plainRuntime } from '../../src/run/plain-runtime.ts'
import { numbers } from '../cells/support.ts'
import { farthest, flatten } from '../support/cases.ts'
import { maskedLstm, openLstm, weight } from '../support/models.ts'

const [batch, steps, features, units] = [2, 6, 3, 4]
const file = openLstm(features, units)

function batchOf (length: number, size = batch): LoadCheck['sample'] {
  return { inputs: { x: { shape: [size, length, features], data: numbers(size * length * features, 4) } }, initial: {}, size }
}

const planOf = (model: ModelFile): Plan => buildPlan(model, { layers: null, tensors: defaultKinds, steps: 'all', outputs: true, raw: false }, {})
const plan = planOf(file)
const job = (sample: LoadCheck['sample']): Job => ({ plan, batch: sample, format: 'json', head: { model: 'm' }, independent: independent(file, plan, {}) })

interface Answer { model: string, layers: { lstm: { hidden: number[][][] } }, outputs: { dense: number[][][] }, receipt: { engine: string, sound: boolean, warning?: string } }
const parse = (body: Uint8Array): Answer => JSON.parse(Buffer.from(body).toString()) as Answer

/** Row-major values as nested arrays. */
function nest ({ shape, data }: { shape: readonly number[], data: Float32Array }): unknown {
  const build = (depth: number, offset: number, size: number): unknown => depth === shape.length
    ? data[offset]
    : Array.from({ length: shape[depth] }, (_, n) => build(depth + 1, offset + n * size / shape[depth], size / shape[depth]))
  return build(0, 0, data.length)
}

for (const engine of ['auto', 'wasm'] as const) {
  t.test(`engine ${engine}: what a worker answers is what float64 gives`, async (t) => {
    const pool = await startPool({ engine, workers: 1, queue: { requests: 4, bytes: 2 ** 20 } })
    t.teardown(async () => await pool.close())
    t.match(pool.engine, { name: engine === 'wasm' ? 'wasm' : /native|onnx|tfjs|wasm/, reference: { name: engine === 'wasm' ? 'wasm' : /tfjs|wasm/, version: '4.22.0' } })
    for (const model of [file, maskedLstm(features, units)]) {
      const own = planOf(model)
      const { receipt, reason } = await pool.load('m', model, { sample: batchOf(steps), plan: own, expected: null })
      t.equal(reason, undefined)
      t.ok(receipt.maxDifference < 1e-5, `at load they differ by ${receipt.maxDifference}`)
      const answer = parse(await pool.run('m', { ...job(batchOf(steps)), plan: own }))
      const referee = plainRuntime()
      const { traced: expected } = extract(referee.runtime, referee.resident, model, own, batchOf(steps))
      t.ok(farthest(answer.layers.lstm.hidden, nest(expected.layers[0].tensors.hidden)) < 1e-5, 'hidden')
      t.ok(farthest(answer.outputs.dense, nest(expected.outputs[0].values)) < 1e-5, 'outputs')
      t.match(answer.receipt, { engine: pool.engine.name, sound: true })
      if (engine === 'wasm') t.match(answer.receipt.warning, /wasm/i, 'every answer says that the slower engine gave it')
    }
  })
}

t.test('several workers, every answer to its own request; one too many is refused', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 2, queue: { requests: 6, bytes: 2 ** 20 } })
  t.teardown(async () => await pool.close())
  await pool.whole()
  await pool.load('m', file, { sample: batchOf(steps), plan, expected: null })
  const lengths = [1, 2, 3, 4, 5, 6, 7, 8]
  const answers = await Promise.all(lengths.map(async (length) => parse(await pool.run('m', job(batchOf(length, 1))))))
  t.same(answers.map(({ layers }) => layers.lstm.hidden[0].length), lengths)
  // Of a model that has not run yet nobody knows that its jobs are small (takers.ts).
  await pool.load('new', file, { sample: batchOf(steps), plan, expected: null })
  const crowd = await Promise.allSettled(Array.from({ length: 12 }, async () => await pool.run('new', job(batchOf(200)))))
  const refused = crowd.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  t.equal(refused.length, 4, 'two run, six wait, four are refused')
  t.match(refused[0].reason, { code: 'queue_full' })
})

t.test('the first thread serves as soon as it can, and the others join it with what was loaded meanwhile', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 2, queue: { requests: 6, bytes: 2 ** 20 } })
  t.teardown(async () => await pool.close())
  t.same(pool.state().workers.map(({ alive }) => alive), [true, false])
  await pool.load('m', file, { sample: batchOf(steps), plan, expected: null })
  const first = parse(await pool.run('m', job(batchOf(steps))))
  await pool.whole()
  t.same(pool.state().workers.map(({ alive, busy }) => [alive, busy]), [[true, false], [true, false]])
  const both = await Promise.all([1, 2].map(async () => parse(await pool.run('m', job(batchOf(steps))))))
  for (const { layers } of both) t.same(layers, first.layers)
})

t.test('a thread in which a model does not pass that passed in another is given up and replaced', async (t) => {
  const died: string[] = []
  const check: { sample: LoadCheck['sample'], plan: Plan, expected: LoadCheck['expected'] } = { sample: batchOf(steps), plan, expected: null }
  const pool = await startPool({
    engine: 'auto',
    workers: 2,
    queue: { requests: 6, bytes: 2 ** 20 },
    onDeath: (reason) => {
      died.push(reason)
      check.expected = null
    }
  })
  t.teardown(async () => await pool.close())
  await pool.load('m', file, check)
  check.expected = { inputs: batchOf(steps), plan, outputs: { dense: { shape: [batch, steps, 2], data: weight([batch * steps * 2], 1).data } }, tolerance: 1e-5 }
  await pool.whole()
  while (!pool.state().workers.every(({ alive, busy }) => alive && !busy)) await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(died.length, 1)
  t.match(died[0], /^m does not pass its check in it: .*Keras recorded/)
  await Promise.all([1, 2, 3, 4].map(async () => await pool.run('m', job(batchOf(steps)))))
})

t.test('of several pools in a process one starts its first engine at a time', async (t) => {
  const told: string[] = []
  const hear = (): void => { told.push('a thread starts') }
  process.on('worker', hear)
  const pools = await Promise.all([1, 2, 3].map(async () => {
    const pool = await startPool({ engine: 'wasm', workers: 1, queue: { requests: 1, bytes: 1 } })
    told.push('a pool can work')
    return pool
  }))
  process.off('worker', hear)
  t.same(told, Array.from({ length: 3 }, () => ['a thread starts', 'a pool can work']).flat())
  await Promise.all(pools.map(async (pool) => await pool.close()))
})

t.test('a pool that is closed while its threads start', async (t) => {
  const died: string[] = []
  const pool = await startPool({ engine: 'auto', workers: 2, queue: { requests: 6, bytes: 2 ** 20 }, onDeath: (reason) => died.push(reason) })
  const whole = pool.whole()
  await new Promise((resolve) => setTimeout(resolve, 100))
  await pool.close()
  await whole
  t.same(died, [])
  t.equal(pool.state().lost, 0)
})

t.test('a model that fails its check is not kept, and one unloaded is gone', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 1, queue: { requests: 4, bytes: 2 ** 20 } })
  t.teardown(async () => await pool.close())
  const wrong = { shape: [batch, steps, 2], data: weight([batch * steps * 2], 1).data }
  const { reason, receipt } = await pool.load('m', file, { sample: batchOf(steps), plan, expected: { inputs: batchOf(steps), plan, outputs: { dense: wrong }, tolerance: 1e-5 } })
  t.match(reason, /Keras recorded/)
  t.equal(receipt.sound, false)
  await t.rejects(pool.run('m', job(batchOf(steps))), { code: 'not_ready' })
  await pool.load('m', file, { sample: batchOf(steps), plan, expected: null })
  await pool.run('m', job(batchOf(steps)))
  await pool.unload('m')
  await t.rejects(pool.run('m', job(batchOf(steps))), { code: 'not_ready' })
  await pool.close()
  await t.rejects(pool.run('m', job(batchOf(steps))), { code: 'not_ready', message: /stopping/ })
})

t.test('many clients at once: each gets what it would get alone', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 2, queue: { requests: 500, bytes: 2 ** 26 } })
  t.teardown(async () => await pool.close())
  for (const [name, model] of [['open', file], ['masked', maskedLstm(features, units)]] as const) await pool.load(name, model, { sample: batchOf(steps), plan: planOf(model), expected: null })
  const plans = new Map([['open', plan], ['masked', planOf(maskedLstm(features, units))]])
  const ask = async (name: string, n: number): Promise<Answer> => {
    const data = numbers((1 + n % 3) * (3 + n % 4) * features, n)
    if (n % 5 === 0) data.fill(0, 0, 2 * features)
    const sample = { inputs: { x: { shape: [1 + n % 3, 3 + n % 4, features], data } }, initial: {}, size: 1 + n % 3 }
    return parse(await pool.run(name, { plan: plans.get(name)!, batch: sample, format: 'json', head: { model: `${name} ${n}` }, independent: true }))
  }
  const wishes = Array.from({ length: 200 }, (_, n) => [n % 2 === 0 ? 'open' : 'masked', n] as const)
  const crowded = await Promise.all(wishes.map(async (wish) => await ask(...wish)))
  for (const [place, wish] of wishes.entries()) {
    const alone = await ask(...wish)
    t.equal(crowded[place].model, wish.join(' '))
    const far = farthest(Object.values(flatten(crowded[place].layers)), Object.values(flatten(alone.layers))) + farthest(crowded[place].outputs.dense, alone.outputs.dense)
    t.ok(far <= 1e-6, `${wish.join(' ')}: ${far}`)
  }
})

t.test('plans beyond those that a thread keeps', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 1, queue: { requests: 4, bytes: 2 ** 20 } })
  t.teardown(async () => await pool.close())
  await pool.load('m', file, { sample: batchOf(steps), plan, expected: null })
  const plans = Array.from({ length: slots + 3 }, (_, n) => buildPlan(file, { layers: null, tensors: ['hidden'], steps: [n], outputs: false, raw: false }, {}))
  const chosen = async (n: number): Promise<unknown> => JSON.parse(Buffer.from(await pool.run('m', { ...job(batchOf(slots + 3, 1)), plan: plans[n] })).toString()).layers.lstm.stepIndices
  for (const n of [...plans.keys(), 0, slots, 1, 2]) t.same(await chosen(n), [n])
})

t.test('inputs are moved where nothing else lies in their buffer', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 1, queue: { requests: 4, bytes: 2 ** 20 } })
  t.teardown(async () => await pool.close())
  await pool.load('m', file, { sample: batchOf(steps), plan, expected: null })
  const own = batchOf(steps)
  await pool.run('m', job(own))
  t.equal(own.inputs.x.data.length, 0, 'moved')
  const all = numbers(2 * batch * steps * features, 4)
  const part = { ...batchOf(steps), inputs: { x: { shape: [batch, steps, features], data: all.subarray(batch * steps * features) } } }
  await pool.run('m', job(part))
  t.equal(all.length, 2 * batch * steps * features, 'the rest is still there')
})

t.test('whoever watches is told how each job went, and sees what the threads hold', async (t) => {
  const told: Ran[] = []
  const pool = await startPool({ engine: 'auto', workers: 1, queue: { requests: 4, bytes: 2 ** 20 }, onRun: (ran) => told.push(ran) })
  t.teardown(async () => await pool.close())
  const load = async (): Promise<unknown> => await pool.load('m', file, { sample: batchOf(steps), plan, expected: null })
  // The first of all leaves constants of the engine itself.
  await load()
  await pool.unload('m')
  const [empty] = pool.state().workers
  t.match(empty, { alive: true, busy: false })
  await load()
  const crowd = Array.from({ length: 6 }, async () => await pool.run('m', job(batchOf(steps, 1))))
  t.same(pool.state().waiting, { requests: 4, bytes: 4 * steps * features * 4 })
  t.equal(pool.state().workers[0].busy, true)
  t.equal((await Promise.allSettled(crowd)).filter(({ status }) => status === 'rejected').length, 1)
  t.same(told.map(({ model, together }) => [model, together]), [['m', 1], ...Array(4).fill(['m', 4])], 'the one refused is not told of')
  t.ok(told.slice(1).every(({ queued }) => told[0].queued < queued), 'who finds a free thread does not wait')
  for (const [n, { queued, ran }] of told.entries()) {
    t.ok(ran > 0)
    if (n > 0) t.ok(queued > 0 && queued >= told[0].ran / 2, 'the others waited for the first')
  }
  await t.rejects(pool.run('nobody', job(batchOf(steps))))
  t.equal(told.at(-1)?.model, 'nobody', 'of what fails too')
  const [loaded] = pool.state().workers
  t.ok(loaded.tensors > empty.tensors && loaded.bytes > empty.bytes, `${loaded.tensors} tensors, ${loaded.bytes} bytes`)
  await pool.unload('m')
  t.match(pool.state(), { waiting: { requests: 0, bytes: 0 }, workers: [{ tensors: empty.tensors, bytes: empty.bytes, busy: false }] })
  await pool.close()
  t.match(pool.state().workers, [{ alive: false, tensors: 0 }])
})
