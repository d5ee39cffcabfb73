import t from 'tap'
import type { Plan } from '../../src/plan/plan.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { startPool } from '../../src/pool/pool.ts'
import type { Job } from '../../src/pool/protocol.ts'
import type { Batch } from '../../src/request/probe.ts'
import type { Relevance } from '../../src/studies/relevance/study.ts'
import { openLstm } from '../support/models.ts'
import { numbers } from '../cells/support.ts'

const [batch, steps, features] = [2, 6, 3]
const file = openLstm(features, 4)
const plan: Plan = buildPlan(file, { layers: [], tensors: [], steps: 'all', outputs: true, raw: false }, {})
const sample = (): Batch => ({ inputs: { x: { shape: [batch, steps, features], data: numbers(batch * steps * features, 4) } }, initial: {}, size: batch })
const zeros: Relevance['baseline'] = { kind: 'zeros', values: { x: { shape: [1, steps, features], data: new Float32Array(steps * features) } } }
const target = (index: number): Relevance['target'] => ({ output: { name: 'dense', index, of: 'value' }, dense: null })
const rest = { inputs: [{ name: 'x', masking: null, starts: [0] }], baseline: zeros, stepwise: true, scaler: null, memory: null }
const parse = (body: Uint8Array): any => JSON.parse(Buffer.from(body).toString())

t.test('a study crosses to a thread, is carried out there with several runs, and comes back as JSON', async (t) => {
  const pool = await startPool({ engine: 'auto', workers: 1, queue: { requests: 4, bytes: 2 ** 20 } })
  t.teardown(async () => await pool.close())
  await pool.load('m', file, { sample: sample(), plan, expected: null })
  const job = (study: Job['study']): Job => ({ plan, batch: sample(), format: 'json', head: { model: 'm' }, independent: false, ...(study === undefined ? {} : { study }) })
  const predict = async (batch: Batch): Promise<number[]> => parse(await pool.run('m', { ...job(undefined), batch })).outputs.dense.map((sequence: number[][]) => sequence.at(-1)![1])
  const answer = parse(await pool.run('m', job({ kind: 'relevance', methods: ['insertion', 'occlusion'], window: 2, ...rest, target: target(1) })))

  t.match(answer, { model: 'm', receipt: { sound: true } })
  t.strictSame(answer.value.map(Math.fround), (await predict(sample())).map(Math.fround), 'the value is the prediction')
  const without = async (...gone: number[]): Promise<number[]> => {
    const { inputs: { x: { shape, data } } } = sample()
    return await predict({ ...sample(), inputs: { x: { shape, data: data.map((value, n) => gone.includes(Math.floor(n / features) % steps) ? 0 : value) } } })
  }
  const { insertion, occlusion } = answer.methods
  t.same(Object.keys(insertion.lags), ['t-1', 't-2', 'older'])
  const [alone, pair] = [await without(0, 1, 2, 3, 4), await without(0, 1, 2, 3)]
  const less = { 't-1': await without(5), 't-2': await without(4), older: await without(0, 1, 2, 3) }
  for (let n = 0; n < batch; n++) {
    t.ok(Math.abs(insertion.lags['t-2'][n] - (pair[n] - alone[n])) < 1e-6)
    for (const [lag, values] of Object.entries(less)) t.ok(Math.abs(occlusion.lags[lag][n] - (answer.value[n] - values[n])) < 1e-6, lag)
    const sum = Object.values<number[]>(insertion.lags).reduce((all, lag) => all + lag[n], 0)
    t.ok(Math.abs(sum - (answer.value[n] - answer.baselineValue[n])) <= insertion.residual + 1e-12)
  }
  t.ok(insertion.residual < 1e-6)
  await t.rejects(pool.run('m', job({ kind: 'relevance', methods: ['insertion'], window: 2, ...rest, target: target(2) })), { code: 'invalid_value', pointer: '/output' })
  await t.rejects(pool.run('other', job({ kind: 'relevance', methods: ['insertion'], window: 2, ...rest, target: target(0) })), { code: 'not_ready' })
})
