import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { banner } from '../../src/banner.ts'
import { defaults, type Settings } from '../../src/config.ts'
import { Fault } from '../../src/errors.ts'
import { printable, traceOf } from '../../src/http/log.ts'
import type { App, Service } from '../../src/http/service.ts'
import { inProject, serve } from './support.ts'

const { url, service } = await serve(t, inProject('models'))
const secrets = { API_TOKEN: 'api-secret-4711,other-secret-4712', ADMIN_TOKEN: 'admin-secret-4713' }
const [token] = secrets.API_TOKEN.split(',')

/** An app that listens, and what it has logged so far. */
async function logged (t: Test, settings: Partial<Settings> = {}, source: () => Service = () => service): Promise<{ app: App, port: number, lines: () => string[] }> {
  const lines: string[] = []
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'trace', ...settings }, source, { write: (line) => lines.push(line) })
  t.teardown(async () => { await app.close() })
  const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }))
  return { app, port: Number(port), lines: () => lines }
}

/** Bytes as they are over a socket, until the service ends the connection. */
const raw = async (port: number, bytes: string): Promise<string> => await new Promise((resolve, reject) => {
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
  let answer = ''
  socket.on('data', (data) => { answer += String(data) }).on('close', () => resolve(answer)).on('error', reject)
})

t.test('one line a request: what it was, how it ended, whose it was, and the trace it belongs to', async (t) => {
  const { app, lines } = await logged(t, { API_TOKEN: secrets.API_TOKEN, ADMIN_TOKEN: secrets.ADMIN_TOKEN })
  const headers = { authorization: 'Bearer other-secret-4712', 'x-request-id': 'mine-1', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
  lines().length = 0
  await app.inject({ url: '/models/weather?x=1', headers })
  t.equal(lines().length, 1)
  t.same({ ...JSON.parse(lines()[0]), ms: 0, time: 0, pid: 0, hostname: '' }, {
    level: 30,
    time: 0,
    pid: 0,
    hostname: '',
    requestId: 'mine-1',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    parent_id: 'b7ad6b7169203331',
    method: 'GET',
    route: '/models/:id',
    status: 422,
    ms: 0,
    code: 'invalid_value',
    caller: 'inference/2',
    ip: '127.0.0.1',
    msg: 'request'
  })
  lines().length = 0
  const answer = await app.inject({ method: 'POST', url: '/predict', payload: {} })
  t.equal(lines().length, 1)
  t.match(JSON.parse(lines()[0]), { requestId: answer.headers['x-request-id'], trace_id: /^[0-9a-f]{32}$/, method: 'POST', route: '/predict', status: 401, code: 'unauthorized' })
  t.notOk('caller' in JSON.parse(lines()[0]))
  lines().length = 0
  for (const path of ['/health/live', '/health/ready', '/metrics', '/v2/health/live']) await app.inject({ url: path, headers })
  t.same(lines().map((line) => JSON.parse(line).level), [20, 20, 20, 20], 'who watches every second is written down for LOG_LEVEL=debug alone')
  for (const LOG_LEVEL of ['info', 'silent'] as const) {
    const { app, lines } = await logged(t, { LOG_LEVEL }, () => { throw new Fault('not_ready', 'no engine yet') })
    lines().length = 0
    for (const path of ['/health/live', '/health/ready']) await app.inject(path)
    t.same(lines(), [], LOG_LEVEL)
  }
})

t.test('failures of the service are logged with their cause, and answered without', async (t) => {
  const { app, lines } = await logged(t, {}, () => { throw Object.assign(new TypeError('inside'), { code: 'E_ODD', given: { token } }) })
  await app.inject('/models')
  const [error, line] = lines().slice(-2).map((line) => JSON.parse(line))
  t.match(error, { level: 50, err: { type: 'TypeError', message: 'inside', code: 'E_ODD', stack: /log\.test/ } })
  t.notOk(JSON.stringify(error).includes(token), 'of an error nothing but its words')
  t.match(line, { level: 40, status: 500, code: 'internal', requestId: error.requestId })
})

t.test('W3C traceparent: a valid one is kept, else there is a new one', async (t) => {
  const [trace, parent] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331']
  for (const valid of [`00-${trace}-${parent}-01`, `00-${trace}-${parent}-00`, `01-${trace}-${parent}-01`, `cc-${trace}-${parent}-01-what-comes-later`]) t.same(traceOf(valid), { trace_id: trace, parent_id: parent }, valid)
  const wrong = ['', '00', `ff-${trace}-${parent}-01`, `00-${trace}-${parent}-01-more`, `00-${'0'.repeat(32)}-${parent}-01`, `00-${trace}-${'0'.repeat(16)}-01`, `00-${trace.toUpperCase()}-${parent}-01`,
    `00-${trace}-${parent}-1`, `00-${trace}-${parent}-01-`, ` 00-${trace}-${parent}-01`, `00-${trace}-${parent}-01\n`, `00-${trace.slice(1)}-${parent}-01`, `00-${trace}-${parent}-zz`]
  for (const text of [...wrong, undefined, [`00-${trace}-${parent}-01`]]) {
    const found = traceOf(text)
    t.match(found.trace_id, /^[0-9a-f]{32}$/, String(text))
    t.not(found.trace_id, trace)
    t.notOk('parent_id' in found)
  }
  t.not(traceOf('').trace_id, traceOf('').trace_id)
})

t.test('whatever is sent, no secret and no order to a terminal stands in the log', async (t) => {
  const { app, port, lines } = await logged(t, { ...secrets, TRUST_PROXY: 'loopback', RATE_LIMIT: 1_000_000 })
  const all = [...secrets.API_TOKEN.split(','), secrets.ADMIN_TOKEN]
  const nasty = ['\r\nlevel: 60', '\u001b[31mred\u001b[0m', '\u009b31m', '\u2028new line', '\u202ebackwards', '"}\n{"level":60}', '\0', '%0d%0a{"level":60}', 'a'.repeat(10_000), '__proto__']
  let n = 0
  for (const secret of all) {
    for (const word of nasty) {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
      const there = encodeURIComponent(`${word}${secret}`)
      // JSON escapes what it must; what it need not stands there as it is.
      for (const request of [
        { url: `/models/${there}`, headers },
        { url: `/models/weather?version=${there}&token=${secret}`, headers },
        { url: '/models', headers: { 'x-request-id': secret } },
        { url: '/models', headers: { 'x-request-id': `mine-${secret}` } },
        { url: `/nope/${there}?access_token=${secret}` },
        { url: '/models', headers: { authorization: `Basic ${secret}`, cookie: `token=${secret}`, 'x-api-key': secret, 'user-agent': secret, referer: `http://${secret}/`, 'x-request-id': `${secret} ${secret}`, traceparent: secret, 'x-forwarded-for': encodeURIComponent(word) + secret } },
        { method: 'POST' as const, url: '/predict', headers, payload: { model: word + secret, inputs: secret } },
        { method: 'POST' as const, url: '/predict', headers, payload: `{"model": ${secret}${word}` },
        { method: 'POST' as const, url: '/hidden-states', headers, payload: { model: 'weather', inputs: [[[1]]], [word + secret]: 1 } },
        { method: 'POST' as const, url: `/v2/models/${there}/infer`, headers, payload: { id: word + secret } },
        { method: 'POST' as const, url: '/predict', headers: { ...headers, 'content-type': 'text/plain' }, payload: word + secret }
      ]) {
        await app.inject(request)
        n++
      }
    }
  }
  for (const path of ['/%zz', '/a\u009bb', `/models/${token}%`]) {
    await raw(port, `GET ${path}${token} HTTP/1.1\r\nHost: ${token}\r\nX-Forwarded-For: \u009b31m${token}\r\nAuthorization: Bearer \u009b${token}\r\nConnection: close\r\n\r\n`)
    await raw(port, `${token}\u001b[31m\r\n\r\n`)
  }
  const log = lines().join('')
  t.ok(lines().length > n, `${n} requests, ${lines().length} lines`)
  for (const secret of all) t.notOk(log.includes(secret), 'no token')
  t.notMatch(log, /31m|backwards|new line/, 'nor anything else that was sent')
  t.notMatch(log.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\u2028\u2029]/u, 'no control character')
  for (const line of lines()) {
    t.equal(line.indexOf('\n'), line.length - 1)
    t.ok(line.length < 1000)
    t.ok(JSON.parse(line).level < 50, line)
  }
})

t.test('what stands in a text stays readable, and JSON says the same', async (t) => {
  for (const text of ['a\u009b31m', 'a\u2028b', '\u202ea', 'tag \u{e0001}', 'schön, 猫, 🐈', 'plain']) {
    const line = JSON.stringify({ text })
    t.notMatch(printable(line), /[\p{Cc}\p{Cf}\u2028\u2029]/u)
    t.same(JSON.parse(printable(line)), { text })
  }
  t.equal(printable('schön, 猫, 🐈'), 'schön, 猫, 🐈')
  const odd = { ...service.registry.list()[0], id: '\u001b[31mred', status: 'refused' as const, reason: 'a\nb' }
  const words = banner({ url, service: { ...service, registry: { ...service.registry, list: () => [odd] } } })
  t.match(words, '\\u001b[31mred  version 1  refused: a\\u000ab')
  t.notMatch(words.replaceAll('\n', ''), /\p{Cc}/u)
})
