import { createConnection } from 'node:net'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import Fastify from 'fastify'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults } from '../../src/config.ts'
import { refuseWhenBusy } from '../../src/http/busy.ts'
import type { App, ServiceSource } from '../../src/http/service.ts'
import { call, inProject, serve } from './support.ts'

const { service, url: real } = await serve(t, inProject('models'))
const { inputs } = (await call(`${real}/models/weather/sample`)).body
const body = { model: 'weather', inputs }

/** The service behind a queue that is as full as the test says, and an app that counts what of bodies is parsed. */
async function listening (t: { teardown: (close: () => Promise<void>) => void }, isFull: () => boolean): Promise<{ url: string, parsed: () => number, app: App }> {
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent', API_TOKEN: 'open' }, () => ({ ...service, pool: { ...service.pool, full: isFull } }))
  let parsed = 0
  app.addHook('preValidation', async () => { parsed++ })
  t.teardown(async () => { await app.close() })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), parsed: () => parsed, app }
}

const mine = { authorization: 'Bearer open' }

t.test('with a full queue what computes is turned away, and nothing else', async (t) => {
  const { url, parsed } = await listening(t, () => true)
  for (const path of ['/predict', '/hidden-states', '/relevance', '/search', '/generate', ...['predict', 'hidden-states', 'relevance', 'search', 'generate'].map((what) => `/models/weather/${what}`)]) {
    const { status, headers, body: problem } = await call(`${url}${path}`, 'no JSON at all', mine)
    t.match({ status, problem }, { status: 429, problem: { code: 'queue_full', detail: /QUEUE_LIMIT/ } }, path)
    t.equal(headers.get('retry-after'), '1')
    t.equal(headers.get('content-type'), 'application/problem+json')
  }
  const v2 = await call(`${url}/v2/models/weather/infer`, 'no JSON at all', mine)
  t.match(v2, { status: 429, body: { error: /QUEUE_LIMIT/ } })
  t.equal(v2.headers.get('retry-after'), '1')
  t.equal(parsed(), 0, 'nothing was parsed')
  t.match(await call(`${url}/predict`, body), { status: 401 }, 'a stranger learns nothing of it')
  for (const path of ['/health/live', '/health/ready', '/metrics', '/models', '/models/weather/weights?values=false']) t.equal((await call(url + path, undefined, mine)).status, 200, path)
  const lines = await call(`${url}/models/weather/predict`, `${JSON.stringify({ inputs: inputs[0] })}\n`, { ...mine, 'content-type': 'application/x-ndjson' })
  t.equal(lines.status, 200, 'a stream waits for each of its lines')
})

t.test('the answer comes before the body, which is thrown away: the connection serves the next request', async (t) => {
  let full = true
  const { url } = await listening(t, () => full)
  const socket = createConnection(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => { socket.destroy() })
  let text = ''
  socket.on('data', (data) => { text += String(data) })
  const until = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(text)) await wait(10)
    text = ''
  }
  const head = (length: number): string => `POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer open\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`
  const long = 3_000_000
  socket.write(head(long))
  await until(/^HTTP\/1\.1 429 .*retry-after: 1\r\n.*"code":"queue_full"/is)
  socket.write(' '.repeat(long))
  full = false
  const json = JSON.stringify(body)
  socket.write(head(json.length) + json)
  await until(/^HTTP\/1\.1 200 .*"outputs"/s)
  t.pass('answered')
})

t.test('a queue that fills while a body arrives refuses it before it is parsed', async (t) => {
  let asked = 0
  const { url, parsed } = await listening(t, () => asked++ > 0)
  t.match(await call(`${url}/predict`, body, mine), { status: 429, body: { code: 'queue_full' } })
  t.equal(asked, 2)
  t.equal(parsed(), 0)
})

t.test('what comes so late that it cannot be read in time is turned away; who watches is not', async (t) => {
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  await refuseWhenBusy(app as unknown as App, (() => service) as ServiceSource, { late: 20, mean: 100 })
  app.get('/models', async () => 'here')
  app.get('/health/live', { config: { quiet: true } }, async () => 'alive')
  t.equal((await app.inject('/models')).statusCode, 200)
  let answer = 'here'
  while (answer === 'here') {
    const end = performance.now() + 60
    while (performance.now() < end);
    await turn()
    answer = (await app.inject('/models')).body
    if (answer !== 'here') t.equal((await app.inject('/health/live')).body, 'alive')
  }
  t.match(answer, /more arrives than can be read/)
  while ((await app.inject('/models')).statusCode !== 200) await wait(20)
  t.pass('and when that is over it answers again')
})
