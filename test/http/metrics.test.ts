import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults } from '../../src/config.ts'
import { Fault } from '../../src/errors.ts'
import { Metrics } from '../../src/http/metrics.ts'
import { call, inProject, serve } from './support.ts'

const { url, service } = await serve(t, inProject('models'))

/** The samples of Prometheus' text format, by name and labels as they stand. */
const samplesOf = (text: string): Map<string, number> => new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
  const at = line.lastIndexOf(' ')
  return [line.slice(0, at), Number(line.slice(at + 1))]
}))
const scrape = async (at = url): Promise<Map<string, number>> => samplesOf((await call<string>(`${at}/metrics`)).body)

t.test('requests are counted by route, method and status; models by name; queue and compute time apart', async (t) => {
  const before = await scrape()
  const grown = async (name: string): Promise<number> => ((await scrape()).get(name) ?? 0) - (before.get(name) ?? 0)
  const body = { model: 'nextchar', inputs: { text: ['the'] } }
  for (let n = 0; n < 3; n++) t.equal((await call(`${url}/predict`, body)).status, 200)
  t.equal((await call(`${url}/models/nextchar/predict`, { inputs: { text: ['the'] } })).status, 200)
  t.equal((await call(`${url}/predict`, { ...body, inputs: 1 })).status, 422)
  t.equal((await call(`${url}/v2/models/nextchar/infer`, '{')).status, 400)
  t.equal((await call(`${url}/predict`)).status, 405)
  t.equal((await call(`${url}/nowhere`)).status, 404)
  t.equal(await grown('statescope_http_requests_total{route="/predict",method="POST",status="200"}'), 3)
  t.equal(await grown('statescope_http_requests_total{route="/models/:id/predict",method="POST",status="200"}'), 1)
  t.equal(await grown('statescope_http_requests_total{route="/predict",method="POST",status="422"}'), 1)
  t.equal(await grown('statescope_http_requests_total{route="/predict",method="GET",status="405"}'), 1)
  t.equal(await grown('statescope_http_requests_total{route="none",method="GET",status="404"}'), 1)
  t.equal(await grown('statescope_http_request_duration_seconds_count{route="/predict",method="POST"}'), 4)
  t.equal(await grown('statescope_model_requests_total{model="nextchar",status="200"}'), 4)
  t.equal(await grown('statescope_model_requests_total{model="nextchar",status="422"}'), 1)
  t.equal(await grown('statescope_model_requests_total{model="nextchar",status="400"}'), 1)
  t.equal(await grown('statescope_problems_total{code="not_found"}'), 1)
  for (const name of ['queue_seconds', 'compute_seconds']) t.equal(await grown(`statescope_${name}_count{model="nextchar"}`), 4, name)
  t.equal(await grown('statescope_requests_together_count'), 4)
  const now = await scrape()
  const [queued, ran] = ['queue', 'compute'].map((name) => now.get(`statescope_${name}_seconds_sum{model="nextchar"}`)!)
  t.ok(ran > 0 && queued < ran, 'one at a time does not wait')
})

t.test('what the service is at', async (t) => {
  const now = await scrape()
  const { waiting, workers: [{ tensors, bytes }] } = service.pool.state()
  t.same(waiting, { requests: 0, bytes: 0 })
  const expected: Record<string, number> = {
    statescope_http_requests_under_way: 1,
    statescope_queue_requests: 0,
    statescope_queue_bytes: 0,
    'statescope_workers{state="all"}': 1,
    'statescope_workers{state="alive"}': 1,
    'statescope_workers{state="busy"}': 0,
    statescope_worker_deaths_total: 0,
    statescope_tensors: tensors,
    statescope_tensor_bytes: bytes,
    'statescope_models{status="ready"}': 4,
    'statescope_models{status="refused"}': 0,
    'statescope_model_ready{model="weather",version="1"}': 1
  }
  for (const [name, value] of Object.entries(expected)) t.equal(now.get(name), value, name)
  t.ok(tensors > 10 && bytes > 10_000)
  t.ok(now.get('process_resident_memory_bytes')! > 2 ** 24)
  t.ok(now.has('nodejs_eventloop_lag_p99_seconds'))
  const { headers } = await call<string>(`${url}/metrics`, undefined, { accept: 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1' })
  t.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/)
})

t.test('no client makes it grow without end: 100,000 names are one label', async (t) => {
  const metrics = new Metrics()
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent' }, () => service, { metrics })
  t.teardown(async () => { await app.close() })
  await app.inject('/models/weather')
  const lines = async (): Promise<number> => (await metrics.text(service)).split('\n').filter((line) => line.startsWith('statescope_')).length
  const names = ['\u001b[31m', 'a"b', 'a\nb 1', '__proto__', 'constructor', 'weather/1', 'WEATHER', '', ' ', 'none', 'x'.repeat(200), '\u009b', 'other']
  for (const name of names) await app.inject(`/models/${encodeURIComponent(name)}`)
  for (const name of names) await app.inject({ method: 'POST', url: '/predict', payload: { model: name, inputs: [] } })
  for (const model of [null, 1, {}, []]) await app.inject({ method: 'POST', url: '/predict', payload: { model, inputs: [] } })
  await app.inject('/nowhere')
  const before = await lines()
  for (let n = 0; n < 500; n++) await app.inject(`/models/name-${n}`)
  for (let n = 0; n < 500; n++) await app.inject(`/no-${n}/where?name=${n}`)
  // The rest without Fastify in between: all that a name meets.
  for (let n = 0; n < 99_500; n++) {
    metrics.came()
    metrics.served({ route: '/models/:id', method: 'GET', status: 404, seconds: 0.001, model: `name-${n}`, code: 'unknown_model' }, () => false)
  }
  t.equal(await lines(), before)
  const text = await metrics.text(service)
  t.notMatch(text, /name-|constructor|__proto__|WEATHER/)
  t.notMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u)
  t.ok(samplesOf(text).get('statescope_model_requests_total{model="other",status="404"}')! >= 100_000)
  // Nor do models that exist, one after the other.
  for (let n = 0; n < 1000; n++) metrics.ran({ model: `real-${n}/1`, queued: 0, ran: 1, together: 1 })
  const models = new Set([...samplesOf(await metrics.text(service)).keys()].flatMap((name) => /^statescope_compute_seconds_count\{model="(.*)"\}$/.exec(name)?.[1] ?? []))
  t.equal(models.size, 200, 'weather, 198 others of these, and what stands for the rest')
  t.ok(models.has('other') && models.has('real-0') && !models.has('real-999'))
})

t.test('it is there before the models are, and asks for the token as the rest does', async (t) => {
  const starting = await buildApp({ ...defaults(), LOG_LEVEL: 'silent', API_TOKEN: 'sesame' }, () => { throw new Fault('not_ready', 'no engine yet') })
  t.teardown(async () => { await starting.close() })
  t.equal((await starting.inject('/metrics')).statusCode, 401)
  const answer = await starting.inject({ url: '/metrics', headers: { authorization: 'Bearer sesame' } })
  t.equal(answer.statusCode, 200)
  t.equal(samplesOf(answer.body).get('statescope_problems_total{code="unauthorized"}'), 1)
  t.notOk(samplesOf(answer.body).has('statescope_models{status="ready"}'))
})

t.test('a client that goes away is counted, and nothing stays under way', async (t) => {
  const leave = new AbortController()
  const body = JSON.stringify({ model: 'chars', inputs: { text: Array.from({ length: 500 }, (_, n) => `sequence ${n}`) } })
  const gone = fetch(`${url}/hidden-states`, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: leave.signal })
  while ((await scrape()).get('statescope_workers{state="busy"}') !== 1) await new Promise((resolve) => setTimeout(resolve, 5))
  leave.abort()
  await t.rejects(gone)
  const name = 'statescope_http_requests_total{route="/hidden-states",method="POST",status="499"}'
  while ((await scrape()).get(name) !== 1) await new Promise((resolve) => setTimeout(resolve, 20))
  t.equal((await scrape()).get('statescope_http_requests_under_way'), 1, 'the scrape itself')
})

t.test('not ready while no thread is alive', async (t) => {
  const state = { waiting: { requests: 0, bytes: 0 }, lost: 0, workers: [{ alive: false, busy: true, tensors: 0, bytes: 0 }] }
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent' }, () => ({ ...service, pool: { ...service.pool, state: () => state } }))
  t.teardown(async () => { await app.close() })
  const answer = await app.inject('/health/ready')
  t.match(answer.json(), { status: 503, code: 'not_ready', detail: /threads that compute is alive/ })
  t.equal(answer.headers['retry-after'], '1')
  t.equal((await app.inject('/v2/health/ready')).statusCode, 503)
  t.equal((await app.inject('/health/live')).statusCode, 200)
  const samples = samplesOf((await app.inject('/metrics')).body)
  t.same(['all', 'alive', 'busy'].map((each) => samples.get(`statescope_workers{state="${each}"}`)), [1, 0, 0])
  t.match((await call(`${url}/health/ready`)).body, { workers: 1, workersAlive: 1 })
})
