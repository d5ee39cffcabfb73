import { createHash } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Server } from '../../src/server.ts'
import { serve as start } from '../support/service.ts'
import { call, inProject } from './support.ts'

const golden = (name: string): Buffer => readFileSync(inProject(`test/goldens/models/${name}`))
// Two models that take the same inputs.
const first = golden('gru-last-k3-keras.keras')
const other = golden('lstm-last-k2-h5.h5')

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const contentDigest = (bytes: Uint8Array): string => `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`

interface Reply { readonly status: number, readonly type: string | null, readonly body: any }

async function administer (method: string, url: string, body?: Uint8Array | FormData, headers: Record<string, string> = {}): Promise<Reply> {
  const type: Record<string, string> = body instanceof Uint8Array ? { 'content-type': 'application/octet-stream' } : {}
  const response = await fetch(url, { method, headers: { authorization: 'Bearer do it', ...type, ...headers }, ...body === undefined ? {} : { body: body as FormData } })
  const text = await response.text()
  return { status: response.status, type: response.headers.get('content-type'), body: text === '' ? null : JSON.parse(text) }
}

async function serve (t: Test, folder: string, settings: Record<string, string> = {}): Promise<Server> {
  const { server } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', ...settings })
  t.teardown(server.close)
  return server
}

/** What lies below a folder, staging included. */
const below = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
const inputsFor = async (url: string, id: string): Promise<object> => (await call(`${url}/models/${id}/sample`)).body

t.test('a model arrives, answers, is there after a restart, and goes', async (t) => {
  const folder = t.testdir()
  const { url, close } = await serve(t, folder)
  t.match(await administer('PUT', `${url}/models/rain/versions/1`, first, { 'content-digest': contentDigest(first) }), {
    status: 201, body: { id: 'rain', version: 1, status: 'ready', digest: digestOf(first), uploaded: true, receipt: { sound: true } }
  })
  const asked = await inputsFor(url, 'rain')
  const before = await call(`${url}/predict`, asked)
  t.match(before, { status: 200, body: { model: 'rain', version: 1, digest: digestOf(first) } })
  t.match(await administer('PUT', `${url}/models/rain/versions/2`, other), { status: 201, body: { version: 2, digest: digestOf(other) } })
  const after = await call(`${url}/predict`, asked)
  t.match(after.body, { version: 2, digest: digestOf(other) }, 'the largest serves')
  t.notSame(after.body.outputs, before.body.outputs, 'and it is another model')
  t.same([after.headers.get('x-model-version'), after.headers.get('x-model-digest')], ['2', digestOf(other)])
  t.match((await call(`${url}/models/rain/versions`)).body, { id: 'rain', versions: [{ version: 1, status: 'ready', uploaded: true }, { version: 2, status: 'ready', uploaded: true }] })
  t.same(below(join(folder, 'rain')), ['1', '1/model.keras', '1/statescope.manifest.json', '2', '2/model.h5', '2/statescope.manifest.json'])
  t.same(readdirSync(join(folder, '.statescope/staging')), [], 'nothing is left behind')
  await close()

  const again = await serve(t, folder)
  t.same((await call(`${again.url}/predict`, { ...asked, version: 1 })).body, before.body, 'to the last bit')
  t.match(await administer('DELETE', `${again.url}/models/rain/versions/2`), { status: 204, body: null })
  t.match((await call(`${again.url}/predict`, asked)).body, { version: 1, outputs: before.body.outputs }, 'the one before serves')
  t.match(await administer('DELETE', `${again.url}/models/rain/versions/1`), { status: 204 })
  t.match(await call(`${again.url}/predict`, asked), { status: 404, body: { code: 'unknown_model' } })
  t.notOk(existsSync(join(folder, 'rain')))
  t.match(await administer('DELETE', `${again.url}/models/rain/versions/1`), { status: 404 })
})

t.test('a version is never overwritten', async (t) => {
  const folder = t.testdir()
  cpSync(inProject('models/weather'), join(folder, 'weather'), { recursive: true })
  cpSync(inProject('test/goldens/models/gru-last-k3-keras.keras'), join(folder, 'alone.keras'))
  const { url } = await serve(t, folder)
  t.match(await administer('PUT', `${url}/models/rain/versions/1`, first), { status: 201 })
  t.match(await administer('PUT', `${url}/models/rain/versions/1`, first), { status: 200, body: { digest: digestOf(first) } }, 'the same again')
  t.match(await administer('PUT', `${url}/models/rain/versions/1`, other), { status: 409, body: { code: 'version_exists', detail: /never overwritten/ } })
  t.match(await administer('PUT', `${url}/models/alone/versions/1`, other), { status: 409 })
  t.match(await administer('PUT', `${url}/models/weather/versions/2`, first), { status: 409, body: { detail: /lies in its folder itself/ } })
  t.match(await administer('DELETE', `${url}/models/alone/versions/1`), { status: 409, body: { detail: /by hand/ } })
  t.ok(existsSync(join(folder, 'alone.keras')))
  // Of several at the same moment one is stored, whichever it is.
  const both = await Promise.all([first, other, first].map(async (bytes) => await administer('PUT', `${url}/models/snow/versions/1`, bytes)))
  const stored = (await call(`${url}/models/snow/versions`)).body.versions[0].digest
  both.forEach(({ status, body }, n) => {
    if (digestOf([first, other, first][n]) === stored) t.ok(status === 200 || status === 201)
    else t.match({ status, body }, { status: 409, body: { code: 'version_exists' } })
  })
  t.equal(both.filter(({ status }) => status === 201).length, 1)
  t.same(readdirSync(join(folder, '.statescope/staging')), [])
})

t.test('what is refused leaves nothing behind', async (t) => {
  const folder = t.testdir()
  const { url } = await serve(t, folder, { UPLOAD_LIMIT_MB: '0.5', API_TOKEN: 'ask me' })
  const at = `${url}/models/rain/versions/1`
  const damaged = Buffer.from(first)
  damaged[damaged.length >> 1] ^= 1
  const cases: readonly [string, () => Promise<Reply>, object][] = [
    ['a bit that flipped', async () => await administer('PUT', at, damaged, { 'content-digest': contentDigest(first) }), { status: 422, body: { code: 'digest_mismatch' } }],
    ['half of it', async () => await administer('PUT', at, first.subarray(0, first.length >> 1)), { status: 422, body: { code: 'bad_file' } }],
    ['no model at all', async () => await administer('PUT', at, Buffer.from('hello')), { status: 422, body: { code: 'bad_file' } }],
    ['nothing', async () => await administer('PUT', at, Buffer.alloc(0)), { status: 400, body: { code: 'malformed' } }],
    ['no body', async () => await administer('PUT', at), { status: 400, body: { code: 'malformed' } }],
    ['too much', async () => await administer('PUT', at, Buffer.alloc(2 ** 20)), { status: 413, body: { code: 'too_large', detail: /UPLOAD_LIMIT_MB/ } }],
    ['far too much', async () => await administer('PUT', at, Buffer.alloc(2 ** 25)), { status: 413, body: { code: 'too_large' } }],
    ['a digest of another kind', async () => await administer('PUT', at, first, { 'content-digest': 'md5=:AAAA:' }), { status: 400, body: { code: 'malformed', detail: /sha-256/ } }],
    ['compressed', async () => await administer('PUT', at, first, { 'content-encoding': 'gzip' }), { status: 415 }],
    ['a version that is none', async () => await administer('PUT', `${url}/models/rain/versions/0`, first), { status: 422, body: { code: 'invalid_value' } }],
    ['a huge one', async () => await administer('PUT', `${url}/models/rain/versions/1e300`, first), { status: 422 }],
    ['a name that is none', async () => await administer('PUT', `${url}/models/..%2Fup/versions/1`, first), { status: 422 }],
    ['a hidden name', async () => await administer('PUT', `${url}/models/.statescope/versions/1`, first), { status: 422 }],
    ['a name of a prototype', async () => await administer('DELETE', `${url}/models/__proto__/versions/1`), { status: 404 }],
    ['no token', async () => await administer('PUT', at, first, { authorization: '' }), { status: 401 }],
    ['a token for inference', async () => await administer('PUT', at, first, { authorization: 'Bearer ask me' }), { status: 403 }],
    ['a delete with it', async () => await administer('DELETE', at, undefined, { authorization: 'Bearer ask me' }), { status: 403 }]
  ]
  for (const [name, send, expected] of cases) t.match(await send(), { type: 'application/problem+json', ...expected }, name)
  t.same(below(folder).filter((path) => !['.statescope', '.statescope/staging'].includes(path)), [])
  t.match((await call(`${url}/models`, undefined, { authorization: 'Bearer ask me' })).body, { models: [] })
  const off = await serve(t, folder, { ADMIN_TOKEN: '' })
  t.match(await administer('PUT', `${off.url}/models/rain/versions/1`, first), { status: 403, body: { detail: /ADMIN_TOKEN/ } })
})

t.test('a client that goes away leaves nothing behind', async (t) => {
  const folder = t.testdir()
  const { url } = await serve(t, folder)
  for (const sent of [0, 1, 1000, first.length - 1]) {
    const request = open(`${url}/models/rain/versions/1`, { method: 'PUT', headers: { authorization: 'Bearer do it', 'content-type': 'application/octet-stream', 'content-length': first.length } })
    request.on('error', () => {})
    request.flushHeaders()
    await new Promise((resolve) => request.write(first.subarray(0, sent), resolve))
    const staging = join(folder, '.statescope/staging')
    const empty = (): boolean => !existsSync(staging) || readdirSync(staging).length === 0
    while (empty()) await new Promise((resolve) => setTimeout(resolve, 10))
    request.destroy()
    while (!empty()) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  t.match((await call(`${url}/models`)).body, { models: [] })
})

t.test('a form brings the model and what its numbers mean', async (t) => {
  const folder = t.testdir()
  const { url } = await serve(t, folder)
  const form = (...files: readonly (readonly [string, string, Uint8Array | string])[]): FormData => {
    const made = new FormData()
    for (const [field, name, bytes] of files) made.append(field, new Blob([bytes]), name)
    return made
  }
  const meta = JSON.stringify({ description: 'rain at noon' })
  const put = async (version: number, body: FormData): Promise<Reply> => await administer('PUT', `${url}/models/rain/versions/${version}`, body)
  t.match(await put(1, form(['model', 'my rain.keras', first], ['meta', 'statescope.json', meta])), { status: 201, body: { digest: digestOf(first) } })
  t.match((await call(`${url}/models/rain`)).body, { description: 'rain at noon' })
  t.match(await put(2, form(['meta', 'statescope.json', meta], ['model', 'x', other])), { status: 201 }, 'in any order')
  t.match(await put(2, form(['model', 'x', other])), { status: 409, body: { detail: /another statescope.json/ } })
  t.match(await put(2, form(['model', 'x', other], ['meta', 'statescope.json', meta])), { status: 200 })
  for (const [name, body, expected] of [
    ['no model', form(['meta', 'statescope.json', meta]), { status: 400, body: { detail: /no model/ } }],
    ['two models', form(['a', 'a.h5', first], ['b', 'b.h5', other]), { status: 400, body: { detail: /two models/ } }],
    ['three files', form(['a', 'a.h5', first], ['meta', 'statescope.json', meta], ['b', 'b.h5', other]), { status: 400 }],
    ['a bad statescope.json', form(['a', 'a.h5', first], ['meta', 'statescope.json', '{"features": 1}']), { status: 422, body: { code: 'bad_file', detail: /features/ } }],
    ['a sample that does not fit', form(['a', 'a.h5', first], ['meta', 'statescope.json', '{"sample": {"inputs": [1]}}']), { status: 422, body: { code: 'bad_file' } }]
  ] as const) t.match(await put(3, body), { type: 'application/problem+json', ...expected }, name)
  const words = new FormData()
  words.append('model', 'hello')
  t.match(await put(3, words), { status: 400 })
  t.match(await administer('PUT', `${url}/models/rain/versions/3`, Buffer.from('--x\r\nbroken'), { 'content-type': 'multipart/form-data; boundary=x' }), { status: 400 })
  t.match(await administer('PUT', `${url}/models/rain/versions/3`, first, { 'content-type': 'multipart/form-data' }), { status: 400 }, 'without a boundary')
  t.same(readdirSync(join(folder, '.statescope/staging')), [])
})

t.test('files that were altered on the disk: what runs is not touched, what is read again is refused, and another version serves', async (t) => {
  const folder = t.testdir()
  const { url, close } = await serve(t, folder)
  for (const [version, bytes] of [[1, first], [2, other]] as const) t.match(await administer('PUT', `${url}/models/rain/versions/${version}`, bytes), { status: 201 })
  const asked = await inputsFor(url, 'rain')
  const before = (await call(`${url}/predict`, asked)).body
  const file = join(folder, 'rain/2/model.h5')
  const altered = Buffer.from(other)
  altered[altered.length - 100] ^= 1
  writeFileSync(file, altered)
  t.same((await call(`${url}/predict`, asked)).body, before)
  t.match(await administer('POST', `${url}/models/rain/versions/2/unload`), { status: 200, body: { status: 'unloaded' } })
  t.match((await call(`${url}/predict`, asked)).body, { version: 1 }, 'the other one serves')
  t.match(await call(`${url}/predict`, { ...asked, version: 2 }), { status: 409, body: { code: 'model_refused', detail: /unloaded/ } })
  t.match(await administer('POST', `${url}/models/rain/versions/2/load`), { status: 422, body: { code: 'bad_file', detail: /not those that were stored/ } })
  writeFileSync(file, other)
  t.match(await administer('POST', `${url}/models/rain/versions/2/load`), { status: 200, body: { status: 'ready' } })
  t.same((await call(`${url}/predict`, asked)).body, before)
  await close()

  writeFileSync(file, altered)
  writeFileSync(join(folder, 'rain/1/statescope.json'), '{}')
  const again = await serve(t, folder)
  t.match((await call(`${again.url}/models/rain/versions`)).body.versions, [{ version: 1, status: 'refused', reason: /statescope.json/ }, { version: 2, status: 'refused', reason: /not those that were stored/, uploaded: true }])
  t.match(await call(`${again.url}/health/ready`), { status: 200 }, 'one that is damaged holds nothing back')
  t.match(await administer('DELETE', `${again.url}/models/rain/versions/2`), { status: 204 })
  t.match(await administer('PUT', `${again.url}/models/rain/versions/2`, other), { status: 201 })
  t.same((await call(`${again.url}/predict`, asked)).body, before)
})

t.test('each answer is from one version while versions come and go, and none is lost', async (t) => {
  const folder = t.testdir()
  const { url, service: { pool } } = await serve(t, folder)
  const numbersOf = (outputs: object): number[] => Object.values(outputs).flat(9) as number[]
  const expected = new Map<string, number[]>()
  for (const [n, bytes] of [first, other].entries()) {
    t.match(await administer('PUT', `${url}/models/rain/versions/${n + 1}`, bytes), { status: 201 })
    const { body } = await call(`${url}/predict`, { ...await inputsFor(url, 'rain'), version: n + 1 })
    expected.set(body.digest, numbersOf(body.outputs))
  }
  const [a, b] = expected.values()
  t.ok(Math.abs(a[0] - b[0]) > 1e-3, 'the two can be told apart')
  const tensors = (): number => pool.state().workers.reduce((sum, worker) => sum + worker.tensors, 0)
  const before = tensors()
  const asked = await inputsFor(url, 'rain')
  const state = { over: false, answers: 0 }
  const odd: unknown[] = []
  const client = async (): Promise<void> => {
    while (!state.over) {
      const { status, headers, body } = await call(`${url}/predict`, asked)
      state.answers++
      const known = expected.get(body.digest)
      const right = status === 200 && known !== undefined && numbersOf(body.outputs).every((value, n) => Math.abs(value - known[n]) <= 1e-6)
      if (!right || headers.get('x-model-digest') !== body.digest || headers.get('x-model-version') !== String(body.version)) odd.push([status, body])
    }
  }
  const clients = Array.from({ length: 6 }, client)
  for (let version = 3; version <= 4; version++) {
    t.match(await administer('PUT', `${url}/models/rain/versions/${version}`, [first, other][(version + 1) % 2]), { status: 201 })
    t.match(await administer('DELETE', `${url}/models/rain/versions/${version - 2}`), { status: 204 })
    t.match(await administer('POST', `${url}/models/rain/versions/${version}/unload`), { status: 200 })
    t.match(await administer('POST', `${url}/models/rain/versions/${version}/load`), { status: 200 })
  }
  state.over = true
  await Promise.all(clients)
  t.same(odd, [])
  t.ok(state.answers > 20, `${state.answers} answers`)
  // What has gone leaves the engines.
  while (tensors() > before) await new Promise((resolve) => setTimeout(resolve, 10))
  t.equal(tensors(), before)
})

t.test('a stream of lines that has begun is answered to its end by the version that began it', async (t) => {
  const folder = t.testdir()
  const { url } = await serve(t, folder)
  t.match(await administer('PUT', `${url}/models/rain/versions/1`, first), { status: 201 })
  const { inputs } = await inputsFor(url, 'rain') as { inputs: number[][][] }
  const line = `${JSON.stringify({ inputs: inputs[0] })}\n`
  const request = open(`${url}/models/rain/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
  const answered = new Promise<{ version: unknown, lines: AsyncIterator<Buffer> }>((resolve) => request.once('response', (answer) => resolve({ version: answer.headers['x-model-version'], lines: answer[Symbol.asyncIterator]() })))
  request.write(line)
  const { version, lines } = await answered
  t.equal(version, '1')
  const next = async (): Promise<object> => JSON.parse(String((await lines.next()).value))
  t.match(await next(), { version: 1, digest: digestOf(first) })
  t.match(await administer('PUT', `${url}/models/rain/versions/2`, other), { status: 201 })
  t.match(await administer('DELETE', `${url}/models/rain/versions/1`), { status: 204 })
  t.match((await call(`${url}/models/rain/versions`)).body.versions, [{ version: 2 }])
  request.end(line)
  t.match(await next(), { version: 1, digest: digestOf(first) }, 'gone from the disk, and still there for this one')
  t.ok((await lines.next()).done)
})
