import { cpSync, readFileSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Server } from '../../src/server.ts'
import { alike, call, inProject } from '../http/support.ts'
import { serve as start } from '../support/service.ts'

const model = 'test/goldens/models/gru-last-k3-keras.keras'
const admin = { authorization: 'Bearer do it' }

async function serve (t: Test, folder: string, settings: Record<string, string> = {}): Promise<Server> {
  const { server } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', ...settings })
  t.teardown(server.close)
  return server
}

const administer = async (method: string, url: string, body?: Buffer): Promise<number> =>
  (await fetch(url, { method, headers: { ...admin, ...body === undefined ? {} : { 'content-type': 'application/octet-stream' } }, ...body === undefined ? {} : { body: new Uint8Array(body) } })).status

/** The status of each model, by its id. */
const statuses = async (url: string): Promise<Record<string, string>> =>
  Object.fromEntries((await call(`${url}/models`)).body.models.map(({ id, status }: { id: string, status: string }) => [id, status]))

/** Of a metric, by its label `model`. */
async function metric (url: string, name: string): Promise<Record<string, number>> {
  const { body } = await call<string>(`${url}/metrics`)
  return Object.fromEntries([...body.matchAll(new RegExp(`^${name}\\{model="(\\w+)".*\\} (\\d+)$`, 'gm'))].map(([, id, value]) => [id, Number(value)]))
}

const inputs = [[[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]]

t.test('three models and memory for two', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b', 'c']) cpSync(inProject(model), join(folder, `${id}.keras`))
  const free = await serve(t, folder)
  const { a: bytes } = await metric(free.url, 'statescope_model_bytes')
  t.ok(bytes > 100)
  t.notOk('memory' in (await call(`${free.url}/models`)).body, 'without the setting nothing is said of it')
  const asked = (await call(`${free.url}/models/a/sample`)).body.inputs
  const expected = (await call(`${free.url}/predict`, { model: 'a', inputs: asked })).body.outputs
  t.same(await statuses(free.url), { a: 'ready', b: 'ready', c: 'ready' })
  await free.close()

  const limit = 2.5 * bytes
  const { url, service: { pool } } = await serve(t, folder, { MODELS_MEMORY_MB: String(limit / 2 ** 20) })
  const predict = async (id: string, headers: Record<string, string> = {}): Promise<any> => await call(`${url}/predict`, { model: id, inputs: asked }, headers)
  t.same(await statuses(url), { a: 'ready', b: 'ready', c: 'idle' }, 'the third does not fit')
  t.match(await call(`${url}/health/ready`), { status: 200 })
  t.same(await metric(url, 'statescope_model_bytes'), { a: bytes, b: bytes, c: 0 })
  t.same(await metric(url, 'statescope_model_ready'), { a: 1, b: 1, c: 1 }, 'it can be asked all the same')
  t.match((await call(`${url}/models`)).body.memory, { limit: Math.round(limit), used: 2 * bytes })
  const tensors = (): number => pool.state().workers.reduce((sum, worker) => sum + worker.tensors, 0)
  const before = tensors()

  t.match(await predict('a'), { status: 200, body: { outputs: expected } })
  t.match(await predict('c'), { status: 200, body: { outputs: expected } }, 'it is loaded when it is asked for, and is the same')
  t.same(await statuses(url), { a: 'ready', b: 'idle', c: 'ready' }, 'the one that was not asked for longest made room')
  t.equal(tensors(), before, 'and has left the engines')
  t.match(await call(`${url}/v2/models/b/ready`), { status: 200 })
  t.match(await call(`${url}/models/b/versions`), { status: 200, body: { versions: [{ version: 1, status: 'idle' }] } })
  t.match((await call(`${url}/v2/repository/index`, { ready: true })).body, [{ name: 'a' }, { name: 'b', state: 'READY' }, { name: 'c' }])
  t.same(await statuses(url), { a: 'ready', b: 'idle', c: 'ready' }, 'to tell of it loads nothing')
  t.match(await call(`${url}/models/b`), { status: 200, body: { id: 'b', status: 'ready', receipt: { sound: true } } }, 'to show what is inside does')
  t.same(await statuses(url), { a: 'idle', b: 'ready', c: 'ready' })

  const many = await Promise.all(Array.from({ length: 12 }, async (_, n) => await predict(['a', 'b', 'c'][n % 3])))
  // They were computed in company: the last bits may differ.
  for (const { status, body } of many) t.ok(status === 200 && alike(body.outputs, expected), JSON.stringify(body))
  t.equal(Object.values(await statuses(url)).filter((status) => status === 'ready').length, 2)
  t.equal(tensors(), before)

  t.equal(await administer('PUT', `${url}/models/d/versions/1`, readFileSync(inProject(model))), 201, 'what is uploaded takes the room of another')
  t.equal(Object.values(await statuses(url)).filter((status) => status === 'ready').length, 2)
  t.equal((await statuses(url)).d, 'ready')
  const [idle] = Object.entries(await statuses(url)).find(([, status]) => status === 'idle')!
  t.equal(await administer('POST', `${url}/models/${idle}/versions/1/unload`), 200)
  t.match(await predict(idle), { status: 409, body: { code: 'model_refused' } }, 'what was unloaded on purpose stays so')
  t.equal(await administer('POST', `${url}/models/${idle}/versions/1/load`), 200)
  t.equal((await statuses(url))[idle], 'ready')
  t.equal(tensors(), before)
})

t.test('what is in use is not unloaded: who asks for another one waits, within its deadline', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b']) cpSync(inProject(model), join(folder, `${id}.keras`))
  const free = await serve(t, folder)
  const { a: bytes } = await metric(free.url, 'statescope_model_bytes')
  const asked = (await call(`${free.url}/models/a/sample`)).body.inputs
  await free.close()
  const { url } = await serve(t, folder, { MODELS_MEMORY_MB: String(1.5 * bytes / 2 ** 20) })
  const request = open(`${url}/models/a/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
  const answered = new Promise<AsyncIterator<Buffer>>((resolve) => request.once('response', (answer) => resolve(answer[Symbol.asyncIterator]())))
  const line = `${JSON.stringify({ inputs: asked[0] })}\n`
  request.write(line)
  const lines = await answered
  t.match(JSON.parse(String((await lines.next()).value)), { model: 'a' })
  const late = await call(`${url}/predict`, { model: 'b', inputs: asked }, { 'x-request-timeout': '0.3' })
  t.ok(['deadline', 'not_ready'].includes(late.body.code), late.body.detail)
  t.same(await statuses(url), { a: 'ready', b: 'idle' })
  const waiting = call(`${url}/predict`, { model: 'b', inputs: asked })
  request.write(line)
  t.match(JSON.parse(String((await lines.next()).value)), { model: 'a' }, 'the stream goes on')
  request.end()
  t.ok((await lines.next()).done)
  t.match(await waiting, { status: 200, body: { model: 'b' } })
  t.same(await statuses(url), { a: 'idle', b: 'ready' })

  // Whoever leaves while the model is waited for holds nothing.
  const stream = open(`${url}/models/b/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
  const begun = new Promise<void>((resolve) => stream.once('response', (answer) => answer.once('data', () => resolve()).resume()))
  stream.write(line)
  await begun
  const body = JSON.stringify({ model: 'a', inputs: asked })
  const leaving = open(`${url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } })
  leaving.on('error', () => {})
  await new Promise((resolve) => leaving.end(body, () => resolve(null)))
  await new Promise((resolve) => setTimeout(resolve, 500))
  leaving.destroy()
  await new Promise((resolve) => setTimeout(resolve, 500))
  stream.end()
  while ((await statuses(url)).a !== 'ready') await new Promise((resolve) => setTimeout(resolve, 50))
  t.match(await call(`${url}/predict`, { model: 'b', inputs: asked }, { 'x-request-timeout': '20' }), { status: 200, body: { model: 'b' } })
})

t.test('a model that never fits is refused with the setting, and one that was altered meanwhile with its digest', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b']) cpSync(inProject(model), join(folder, `${id}.keras`))
  const tiny = await serve(t, folder, { MODELS_MEMORY_MB: '0.0001' })
  t.match((await call(`${tiny.url}/models`)).body.models, [{ id: 'a', status: 'refused', reason: /MODELS_MEMORY_MB/ }, { id: 'b', status: 'refused' }])
  t.equal(await administer('PUT', `${tiny.url}/models/d/versions/1`, readFileSync(inProject(model))), 507)
  await tiny.close()
  const free = await serve(t, folder)
  const { a: bytes } = await metric(free.url, 'statescope_model_bytes')
  await free.close()
  const { url } = await serve(t, folder, { MODELS_MEMORY_MB: String(1.5 * bytes / 2 ** 20) })
  cpSync(inProject('test/goldens/models/lstm-last-k3-keras.keras'), join(folder, 'b.keras'))
  t.match(await call(`${url}/predict`, { model: 'b', inputs }), { status: 409, body: { code: 'model_refused', detail: /altered/ } })
  t.match((await call(`${url}/models/b/versions`)).body.versions, [{ status: 'refused', uploaded: false }])
  t.equal((await statuses(url)).a, 'ready', 'nothing had to make room for it')
})
