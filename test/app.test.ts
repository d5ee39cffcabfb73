import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { buildApp, openapiYaml } from '../src/app.ts'
import { defaults, type Settings } from '../src/config.ts'
import { Fault } from '../src/errors.ts'
import type { App, ServiceSource } from '../src/http/service.ts'
import { alike, call, inProject, serve } from './http/support.ts'

const folder = t.testdir({ 'old.model': { 'saved_model.pb': '' }, 'README.md': 'not a model' })
for (const id of ['weather', 'nextchar', 'chars']) cpSync(inProject(`models/${id}`), join(folder, id), { recursive: true })
mkdirSync(join(folder, 'versions'))
for (const version of ['1', '2']) cpSync(inProject('models/nextchar'), join(folder, 'versions', version), { recursive: true })
writeFileSync(join(folder, 'broken.h5'), 'not HDF5')

const { url, service } = await serve(t, folder)
const the = { inputs: { text: ['the'] } }

/** The same models behind an app with other settings. */
async function app (t: { teardown: (close: () => Promise<void>) => void }, settings: Partial<Settings>, source: ServiceSource = () => service): Promise<App> {
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent', ...settings }, source)
  t.teardown(async () => { await app.close() })
  return app
}

t.test('a prediction, and the states behind it', async (t) => {
  const predicted = await call(`${url}/predict`, { model: 'nextchar', ...the })
  t.equal(predicted.status, 200)
  t.equal(predicted.headers.get('content-type'), 'application/json')
  t.same(Object.keys(predicted.body), ['model', 'version', 'digest', 'outputs', 'receipt'])
  t.match(predicted.body, { model: 'nextchar', version: 1, digest: /^sha256:[0-9a-f]{64}$/ })
  const states = await call(`${url}/hidden-states`, { model: 'nextchar', ...the, outputs: true })
  t.match(states.body, { batch: 1, receipt: { sound: true } })
  t.same(states.body.outputs, predicted.body.outputs)
  const [lstm] = Object.values(states.body.layers) as { hidden: number[][][] }[]
  t.equal(lstm.hidden[0].length, 3, 'a state at each step')
})

t.test('the path of a model says the same as the body', async (t) => {
  const paths: [path: string, body: object][] = [
    ['predict', {}],
    ['predict?version=1', { version: 1 }],
    ['hidden-states?layers=lstm&tensors=hidden,cell&steps=last&outputs=true', { layers: 'lstm', tensors: ['hidden', 'cell'], steps: 'last', outputs: true }],
    ['hidden-states?tensors=hidden&tensors=gates&steps=0,-1', { tensors: ['hidden', 'gates'], steps: [0, -1] }],
    [`hidden-states?steps=${encodeURIComponent('{"from":-4,"every":2}')}`, { steps: { from: -4, every: 2 } }]
  ]
  for (const [path, fields] of paths) {
    const own = await call(`${url}/models/chars/${path}`, { inputs: { text: ['abc'] } })
    const plain = await call(`${url}/${path.split('?')[0]}`, { model: 'chars', inputs: { text: ['abc'] }, ...fields })
    t.equal(own.status, 200, path)
    t.ok(alike(own.body, plain.body), path)
  }
  const { body: { layers: { lstm: { final } } } } = await call(`${url}/hidden-states`, { model: 'chars', inputs: { text: ['abc'] } })
  const initialState = { lstm: final }
  const own = await call(`${url}/models/chars/predict?initialState=${encodeURIComponent(JSON.stringify(initialState))}`, { inputs: { text: ['abc'] } })
  t.ok(alike(own.body, (await call(`${url}/predict`, { model: 'chars', inputs: { text: ['abc'] }, initialState })).body))
  t.notOk(alike(own.body, (await call(`${url}/predict`, { model: 'chars', inputs: { text: ['abc'] } })).body))
  const raw = { inputs: (await call(`${url}/models/weather/sample`)).body.inputs }
  t.ok(alike((await call(`${url}/models/weather/predict?raw=true`, raw)).body, (await call(`${url}/predict`, { model: 'weather', raw: true, ...raw })).body), 'raw')
  t.same((await call(`${url}/models/nextchar/predict`, { model: 'nextchar', ...the })).status, 200, 'the body may name the model too')
})

t.test('versions: the largest serves, each can be asked for', async (t) => {
  t.match((await call(`${url}/predict`, { model: 'versions', ...the })).body, { version: 2 })
  t.match((await call(`${url}/predict`, { model: 'versions', version: 1, ...the })).body, { version: 1 })
  t.match((await call(`${url}/models/versions?version=1`)).body, { version: 1 })
})

t.test('what there is', async (t) => {
  const { body: { models } } = await call(`${url}/models`)
  t.match(models.map(({ id, status }: { id: string, status: string }) => `${id} ${status}`).sort(),
    ['broken refused', 'chars ready', 'nextchar ready', 'old.model refused', 'versions ready', 'versions ready', 'weather ready'])
  const { body: sample } = await call(`${url}/models/weather/sample`)
  t.equal((await call(`${url}/hidden-states`, sample)).status, 200, 'the sample is a ready body')
  const gates = await call(`${url}/models/nextchar/weights`)
  t.equal(gates.headers.get('content-type'), 'application/json')
  const { body: names } = await call(`${url}/models/nextchar/weights?values=false`)
  t.same(JSON.parse(JSON.stringify(gates.body, (key, value) => key === 'data' ? undefined : value)), names, 'values=false leaves out the numbers alone')
  const [layer] = Object.keys(gates.body.layers)
  t.same(Object.keys((await call(`${url}/models/nextchar/weights?layer=${layer}`)).body.layers), [layer])
  const { body: { weights } } = await call(`${url}/models/nextchar/weights?layout=keras`)
  t.same(weights.map(({ index }: { index: number }) => index), [0, 1, 2, 3, 4], 'three of the LSTM, two of the Dense layer')
})

t.test('every error is a problem that says what to do', async (t) => {
  const large = await app(t, { BODY_LIMIT_MB: 0.001 })
  t.match((await large.inject({ method: 'POST', url: '/predict', payload: { model: 'nextchar', inputs: { text: ['the'.repeat(1000)] } } })).json(),
    { status: 413, code: 'too_large', detail: /0.001 MiB.*BODY_LIMIT_MB/ })

  type Case = [what: string, path: string, body: unknown, headers: Record<string, string>, status: number, code: string, pointer: string | undefined, detail: RegExp]
  const cases: Case[] = [
    ['no route', '/nope?x=1', undefined, {}, 404, 'not_found', undefined, /no GET \/nope\./],
    ['wrong method', '/predict', undefined, {}, 405, 'method_not_allowed', undefined, /Use POST/],
    ['bad escape', '/models/%zz', undefined, {}, 400, 'malformed', undefined, /%25/],
    ['long name', `/models/${'a'.repeat(600)}`, undefined, {}, 404, 'not_found', undefined, /longer than any/],
    ['no JSON', '/predict', '{"model": "nextchar",\n "inputs": [NaN]}', {}, 400, 'malformed', undefined, /"NaN" at line 2, column 13 .*no such number/],
    ['single quotes', '/predict', "{'model': 1}", {}, 400, 'malformed', undefined, /line 1, column 2 .*double quotes/],
    ['cut off', '/predict', '{"model": "nextc', {}, 400, 'malformed', undefined, /ends too early, at line 1, column 17/],
    ['prototype', '/predict', '{"model": "nextchar", "__proto__": {}}', {}, 400, 'malformed', undefined, /__proto__/],
    ['constructor', '/predict', '{"constructor": {"prototype": {}}}', {}, 400, 'malformed', undefined, /constructor/],
    ['empty', '/predict', '', {}, 400, 'malformed', undefined, /empty/],
    ['a form', '/predict', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported_media_type', undefined, /application\/json/],
    ['plain text', '/predict', '{}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type', undefined, /application\/json/],
    ['not compressed', '/predict', '{}', { 'content-encoding': 'gzip' }, 400, 'malformed', undefined, /not gzip/],
    ['compressed in another way', '/predict', '{}', { 'content-encoding': 'br' }, 415, 'unsupported_media_type', undefined, /gzip, deflate.* not as br/],
    ['not acceptable', '/models', undefined, { accept: 'text/csv' }, 406, 'not_acceptable', undefined, /application\/json/],
    ['a list', '/predict', [1], {}, 422, 'invalid_value', '', /an object/],
    ['null', '/predict', 'null', {}, 422, 'invalid_value', '', /missing/],
    ['unknown field', '/predict', { model: 'nextchar', ...the, layers: 'lstm' }, {}, 422, 'invalid_value', '/layers', /no field "layers"; there are: model, version/],
    ['odd field', '/predict', { model: 'nextchar', ...the, 'a/~b': 1 }, {}, 422, 'invalid_value', '/a~1~0b', /no field "a\/~b"/],
    ['no inputs', '/predict', { model: 'nextchar' }, {}, 422, 'invalid_value', '/inputs', /lacks the field "inputs"/],
    ['no model', '/predict', the, {}, 422, 'invalid_value', '/model', /lacks the field "model"/],
    ['number for a name', '/predict', { model: 1, ...the }, {}, 422, 'invalid_value', '/model', /expected a string, got the number 1/],
    ['text for a flag', '/predict', { model: 'nextchar', ...the, raw: 'true' }, {}, 422, 'invalid_value', '/raw', /expected true or false, got the string "true"/],
    ['text for a version', '/predict', { model: 'nextchar', ...the, version: '1' }, {}, 422, 'invalid_value', '/version', /expected a whole number of at least 1/],
    ['odd steps', '/hidden-states', { model: 'nextchar', ...the, steps: 'first' }, {}, 422, 'invalid_value', '/steps', /"all", or "last", or a list/],
    ['misspelt step', '/hidden-states', { model: 'nextchar', ...the, steps: { form: 1 } }, {}, 422, 'invalid_value', '/steps/form', /from, to, every/],
    ['text among steps', '/hidden-states', { model: 'nextchar', ...the, steps: [0, '1'] }, {}, 422, 'invalid_value', '/steps/1', /expected a whole number/],
    ['unknown tensor', '/hidden-states', { model: 'nextchar', ...the, tensors: ['hidden', 'hiden'] }, {}, 422, 'invalid_value', '/tensors/1', /"preactivations"/],
    ['unknown layer', '/hidden-states', { model: 'nextchar', ...the, layers: ['nope'] }, {}, 422, 'unknown_name', '/layers/0', /lstm/],
    ['unknown model', '/predict', { model: 'nope', ...the }, {}, 404, 'unknown_model', '/model', /"nextchar"/],
    ['unknown version', '/predict', { model: 'versions', version: 3, ...the }, {}, 404, 'unknown_model', '/version', /1, 2/],
    ['refused model', '/predict', { model: 'old.model', ...the }, {}, 409, 'model_refused', '/model', /SavedModel/],
    ['null among numbers', '/predict', { model: 'weather', inputs: [Array.from({ length: 7 }, (_, n) => [1, n === 3 ? null : 1, 1, 1])] }, {}, 422, 'invalid_value', '/inputs/0/3/1', /number/],
    ['text among numbers', '/predict', { model: 'weather', inputs: [Array.from({ length: 7 }, () => [1, 1, 1, '3'])] }, {}, 422, 'invalid_value', '/inputs/0/0/3', /number/],
    ['unknown parameter', '/models/nextchar/predict?layers=lstm', the, {}, 422, 'invalid_value', undefined, /no parameter "layers"; there are: version/],
    ['word for a version', '/models/nextchar?version=one', undefined, {}, 404, 'unknown_model', '/version', /no label "one"/],
    ['half a version', '/models/nextchar?version=1.5', undefined, {}, 422, 'invalid_value', undefined, /"version": expected a whole number of at least 1, or a string that matches \^\[A-Za-z\].*, got the string "1\.5"/],
    ['twice', '/models/nextchar?version=1&version=2', undefined, {}, 422, 'invalid_value', undefined, /"version" is given more than once/],
    ['word for a flag', '/models/nextchar/predict?raw=yes', the, {}, 422, 'invalid_value', undefined, /true or false/],
    ['in both', '/models/nextchar/predict?version=1', { ...the, version: 1 }, {}, 422, 'invalid_value', '/version', /say it once/],
    ['another model', '/models/nextchar/predict', { model: 'chars', ...the }, {}, 422, 'invalid_value', '/model', /"nextchar"/],
    ['no JSON in the query', '/models/nextchar/hidden-states?steps={', the, {}, 422, 'invalid_value', undefined, /"steps" is not JSON/],
    ['unknown layout', '/models/nextchar/weights?layout=rows', undefined, {}, 422, 'invalid_value', undefined, /"gates", "keras"/]
  ]
  for (const [what, path, body, headers, status, code, pointer, detail] of cases) {
    const answer = await call(url + path, body, headers)
    t.equal(answer.status, status, what)
    t.equal(answer.headers.get('content-type'), 'application/problem+json', what)
    t.match(answer.body, { type: `urn:statescope:problem:${code}`, title: String, status, code, detail, instance: answer.headers.get('x-request-id') }, what)
    t.equal(answer.body.pointer, pointer, `${what}: pointer`)
  }
  t.equal((await call(`${url}/predict`)).headers.get('allow'), 'POST')
})

t.test('a body that is missing and a method that is unusual are refused like others', async (t) => {
  const service = await app(t, {})
  for (const path of ['predict', 'hidden-states', 'relevance', 'search']) {
    const answer = await service.inject({ method: 'POST', url: `/models/weather/${path}?version=1` })
    t.match([answer.statusCode, answer.headers['content-type'], answer.json().code, answer.json().pointer], [422, 'application/problem+json', 'invalid_value', ''], path)
    t.match(answer.json().detail, /^The body is missing: send/)
  }
  for (const method of ['QUERY', 'TRACE'] as const) {
    for (const [path, allowed] of [['/models/weather', 'GET, HEAD'], ['/predict', 'POST'], ['/v2/models/weather/infer', 'POST']] as const) {
      const answer = await service.inject({ method: method as 'GET', url: path })
      t.match([answer.statusCode, answer.headers.allow?.split(', ').sort().join(', ')], [405, allowed], `${method} ${path}`)
    }
  }
})

t.test('what is no HTTP at all is answered with a problem too', async (t) => {
  const { port } = new URL(url)
  const raw = async (text: string): Promise<string> => await new Promise((resolve, reject) => {
    const socket = createConnection(Number(port), '127.0.0.1', () => socket.end(text))
    let answer = ''
    socket.on('data', (data) => { answer += String(data) }).on('end', () => resolve(answer)).on('error', reject)
  })
  t.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1\.1 400 .*application\/problem\+json.*"code":"malformed"/s)
  t.match(await raw(`GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 .*problem\+json/s)
})

t.test('a failure of the service itself tells the reader nothing of its inside', async (t) => {
  const failing = await app(t, {}, () => { throw new TypeError('secret place') })
  const answer = await failing.inject('/models')
  t.match(answer.json(), { status: 500, code: 'internal', instance: answer.headers['x-request-id'] })
  t.notMatch(answer.body, /secret/)
})

t.test('health: live at once, ready when all is loaded', async (t) => {
  t.same((await call(`${url}/health/live`)).body, { status: 'live' })
  const { engine } = service.pool
  const ready = await call(`${url}/health/ready`, undefined, { accept: 'text/plain' })
  t.match(ready, { status: 200, body: { status: 'ready', engine: engine.name, engineVersion: engine.version, tensorflow: engine.tensorflow, workers: 1 } })
  t.equal(ready.body.warning, engine.warning)
  t.match(ready.body.models.find(({ id }: { id: string }) => id === 'old.model'), { status: 'refused', reason: /SavedModel/ })

  const states: [ServiceSource, RegExp][] = [
    [() => { throw new Fault('not_ready', 'the engine is being started') }, /The engine is being started\./],
    [() => ({ ...service, registry: { get: () => { throw new Error() }, entry: () => { throw new Error() }, list: () => service.registry.list().map((entry) => ({ ...entry, status: 'loading' as const })) } }), /loaded: .*weather/]
  ]
  for (const [source, detail] of states) {
    const early = await app(t, {}, source)
    t.equal((await early.inject('/health/live')).statusCode, 200)
    const answer = await early.inject('/health/ready')
    t.match(answer.json(), { status: 503, code: 'not_ready', detail })
    t.equal(answer.headers['retry-after'], '1')
  }
})

t.test('a service that stops answers what is under way and takes nothing new', async (t) => {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => { release = resolve })
  let asked = (): void => {}
  const running = new Promise<void>((resolve) => { asked = resolve })
  const stopping = await app(t, {}, () => ({
    ...service,
    pool: {
      ...service.pool,
      run: async (...job) => {
        asked()
        await held
        return await service.pool.run(...job)
      }
    }
  }))
  const at = await stopping.listen({ host: '127.0.0.1', port: 0 })
  const underWay = call(`${at}/predict`, { model: 'nextchar', ...the })
  await running
  const closed = stopping.close()
  t.match(await call(`${at}/health/ready`), { status: 503, body: { code: 'not_ready', detail: /stopping/ } })
  t.match(await call(`${at}/predict`, { model: 'nextchar', ...the }), { status: 503, body: { code: 'not_ready', detail: /stopping/ } })
  t.equal((await call(`${at}/health/live`)).status, 200)
  release()
  const answer = await underWay
  t.match(answer, { status: 200, body: { model: 'nextchar' } })
  t.equal(answer.headers.get('connection'), 'close')
  await closed
  await t.rejects(call(`${at}/health/live`), 'it is gone')
})

t.test('connections on which nothing has come, or the half of a head, do not hold a stop up', async (t) => {
  const stopping = await app(t, { SLOW_CLIENT_S: 3600 })
  const { port } = new URL(await stopping.listen({ host: '127.0.0.1', port: 0 }))
  const ends: Promise<void>[] = []
  for (const text of ['', 'GET /models HT']) {
    const socket = createConnection(Number(port), '127.0.0.1')
    t.teardown(() => { socket.destroy() })
    ends.push(new Promise((resolve) => { socket.on('error', () => {}).once('close', () => resolve()).resume() }))
    await new Promise<void>((resolve) => { socket.once('connect', () => resolve()) })
    socket.write(text)
  }
  await call(`http://127.0.0.1:${port}/health/live`)
  await stopping.close()
  await Promise.all(ends)
  t.pass('both are closed')
})

t.test('with API_TOKEN all but health asks for it', async (t) => {
  const guarded = await app(t, { API_TOKEN: 'open sesame' })
  const status = async (path: string, authorization?: string): Promise<number> =>
    (await guarded.inject({ url: path, headers: authorization === undefined ? {} : { authorization } })).statusCode
  for (const path of ['/', '/models', '/models/weather', '/models/weather/weights', '/docs', '/docs/static/swagger-ui.css', '/openapi.json', '/predict', '/nope', '/health/nope', '/health/../models']) {
    t.equal(await status(path), 401, path)
  }
  for (const path of ['/health/live', '/health/ready']) t.equal(await status(path), 200, path)
  for (const wrong of ['open sesame', 'Bearer open', 'Bearer open sesame!', 'Basic open sesame', 'Bearer ']) t.equal(await status('/models', wrong), 401, wrong)
  for (const right of ['Bearer open sesame', 'bearer open sesame']) t.equal(await status('/models', right), 200, right)
  const refused = await guarded.inject({ method: 'POST', url: '/predict', payload: '{', headers: { 'content-type': 'application/json' } })
  t.match(refused.json(), { code: 'unauthorized' }, 'before the body is read')
  t.equal(refused.headers['www-authenticate'], 'Bearer')
})

t.test('pages of another origin may call only where CORS_ORIGIN says so', async (t) => {
  const preflight = { method: 'OPTIONS', url: '/predict', headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' } } as const
  const closed = await app(t, {})
  t.equal((await closed.inject(preflight)).statusCode, 405)
  t.equal((await closed.inject({ url: '/models', headers: preflight.headers })).headers['access-control-allow-origin'], undefined)
  const open = await app(t, { CORS_ORIGIN: 'https://a.example', API_TOKEN: 'x' })
  const allowed = await open.inject(preflight)
  t.equal(allowed.statusCode, 204, 'a preflight needs no token')
  t.match(allowed.headers, { 'access-control-allow-origin': 'https://a.example', 'access-control-allow-methods': /POST/, 'access-control-allow-headers': /authorization/ })
  t.equal((await open.inject({ url: '/models', headers: { origin: 'https://a.example' } })).headers['access-control-allow-origin'], 'https://a.example', 'errors can be read too')
  t.equal(allowed.headers['access-control-allow-methods'], 'GET, HEAD, POST')
  const administered = await (await app(t, { CORS_ORIGIN: 'https://a.example', ADMIN_TOKEN: 'x' })).inject({ ...preflight, url: '/models/rain/versions/1', headers: { ...preflight.headers, 'access-control-request-method': 'PUT' } })
  t.match(administered.headers, { 'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE', 'access-control-allow-headers': /content-digest/ }, 'uploads and deletes, where there are any')
  const other = await open.inject({ url: '/models', headers: { origin: 'https://b.example' } })
  t.equal(other.headers['access-control-allow-origin'], undefined)
  t.equal(other.headers.vary, 'Origin, Accept-Encoding')
})

t.test('each answer has the id of its request', async (t) => {
  t.equal((await call(`${url}/models`, undefined, { 'x-request-id': 'mine-1' })).headers.get('x-request-id'), 'mine-1')
  const ids = await Promise.all([1, 2].map(async () => (await call(`${url}/models`)).headers.get('x-request-id')))
  t.not(ids[0], ids[1])
  t.not((await call(`${url}/models`, undefined, { 'x-request-id': 'a"b\\c'.repeat(20) })).headers.get('x-request-id'), 'a"b\\c'.repeat(20))
})

t.test('/docs needs no other host', async (t) => {
  const page = await call<string>(`${url}/docs`)
  const policy = page.headers.get('content-security-policy') ?? ''
  t.match(policy, /script-src 'self';/)
  t.notMatch(policy, /https?:|unsafe-eval|upgrade-insecure/)
  t.notMatch(page.body, /<script>|(?:src|href)="(?:https?:)?\/\//, 'no inline script, no other host')
  const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part)
  t.ok(parts.length >= 5)
  for (const part of parts) t.equal((await call(new URL(part, `${url}/docs`).href)).status, 200, part)
  t.same((await call(`${url}/openapi.json`)).body, parse(await openapiYaml()))
})
