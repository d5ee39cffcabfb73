import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Server } from '../../src/server.ts'
import { call, inProject } from '../http/support.ts'
import { serve as start } from '../support/service.ts'

const model = inProject('test/goldens/models/gru-last-k3-keras.keras')
const bytes = readFileSync(model)
const admin = { authorization: 'Bearer do it' }

async function serve (t: Test, folder: string, settings: Record<string, string> = {}): Promise<Server> {
  const { server } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', MODELS_MEMORY_MB: '100', ...settings })
  t.teardown(server.close)
  return server
}

/** What the models on the engines take. */
const used = async (url: string): Promise<number> => (await call(`${url}/models`)).body.memory.used
/** The same, once it is so much or has had ten seconds to become it: the threads let go of what was refused after the answer. */
const settled = async (url: string, bytes: number): Promise<number> => {
  for (const end = performance.now() + 10_000; await used(url) !== bytes && performance.now() < end;) await wait(20)
  return await used(url)
}
const statuses = async (url: string): Promise<Record<string, string>> =>
  Object.fromEntries((await call(`${url}/models`)).body.models.map(({ id, version, status }: { id: string, version: number, status: string }) => [`${id}/${version}`, status]))

async function administer (method: string, url: string, body?: Uint8Array | FormData): Promise<number> {
  const type: Record<string, string> = body instanceof Uint8Array ? { 'content-type': 'application/octet-stream' } : {}
  return (await fetch(url, { method, headers: { ...admin, ...type }, ...body === undefined ? {} : { body: body as FormData } })).status
}

/** What one of these models takes, with one thread. */
let one = 0
const room = (models: number): { MODELS_MEMORY_MB: string } => ({ MODELS_MEMORY_MB: String(models * one / 2 ** 20) })

t.test('a model counts once for each thread and once more', async (t) => {
  const folder = t.testdir()
  cpSync(model, join(folder, 'a.keras'))
  const { url } = await serve(t, folder)
  one = await used(url)
  t.ok(one > 100 && one % 8 === 0, 'float32 numbers, twice')
  const two = await serve(t, folder, { WORKERS: '2' })
  t.equal(await used(two.url) / 3, one / 2)
})

t.test('what fits to the last byte is loaded', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b']) cpSync(model, join(folder, `${id}.keras`))
  const { url } = await serve(t, folder, room(1))
  t.same(await statuses(url), { 'a/1': 'ready', 'b/1': 'idle' })
  t.match(await call(`${url}/models/b`), { status: 200 })
  t.same(await statuses(url), { 'a/1': 'idle', 'b/1': 'ready' })
  t.equal(await used(url), one)
  t.equal(await administer('POST', `${url}/models/b/versions/1/load`), 200)
  t.equal(await used(url), one, 'what is loaded is not loaded again')
})

t.test('what has just arrived goes last', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b']) cpSync(model, join(folder, `${id}.keras`))
  const { url } = await serve(t, folder, room(2))
  t.match(await call(`${url}/models/a`), { status: 200 })
  t.equal(await administer('PUT', `${url}/models/d/versions/1`, bytes), 201)
  t.same(await statuses(url), { 'a/1': 'ready', 'b/1': 'idle', 'd/1': 'ready' })
  t.match(await call(`${url}/models/b`), { status: 200 })
  t.same(await statuses(url), { 'a/1': 'idle', 'b/1': 'ready', 'd/1': 'ready' })
})

t.test('a model that does not pass its check takes no room, at the start or later', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b', 'c']) cpSync(model, join(folder, `${id}/1/model.keras`))
  const odd = '{"sample": {"inputs": [1]}}'
  writeFileSync(join(folder, 'a/1/statescope.json'), odd)
  const { url } = await serve(t, folder, room(3))
  t.match(await statuses(url), { 'a/1': /refused|unsound/, 'b/1': 'ready', 'c/1': 'ready' })
  t.equal(await settled(url, 2 * one), 2 * one)
  const form = new FormData()
  form.append('model', new Blob([bytes]), 'model.keras')
  form.append('meta', new Blob([odd]), 'statescope.json')
  for (let times = 0; times < 3; times++) {
    t.equal(await administer('PUT', `${url}/models/d/versions/1`, form), 422)
    t.equal(await settled(url, 2 * one), 2 * one)
  }
  t.equal(await administer('POST', `${url}/models/a/versions/1/load`), 422)
  t.equal(await settled(url, 2 * one), 2 * one)
  t.match(await statuses(url), { 'b/1': 'ready', 'c/1': 'ready' })
})

t.test('a model comes back as it was put aside: uploaded, and with what its statescope.json said', async (t) => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'a'))
  cpSync(model, join(folder, 'a/model.keras'))
  writeFileSync(join(folder, 'a/statescope.json'), '{"description": "as it was"}')
  const { url } = await serve(t, folder, room(1))
  const versions = `${url}/models/rain/versions`
  t.equal(await administer('PUT', `${versions}/1`, bytes), 201)
  writeFileSync(join(folder, 'a/statescope.json'), '{"description": "as it is now"}')
  t.match((await call(`${url}/models/a`)).body, { description: 'as it was' })
  t.match((await call(versions)).body.versions, [{ status: 'idle', uploaded: true }])
  t.match((await call(`${url}/models/a/versions`)).body.versions, [{ status: 'ready', uploaded: false }])
  t.equal(await administer('DELETE', `${url}/models/a/versions/1`), 409, 'what was put there by hand cannot')
  t.match(await call(`${url}/models/rain`), { status: 200 })
  t.match((await call(versions)).body.versions, [{ status: 'ready', uploaded: true }])
  t.equal(await administer('DELETE', `${versions}/1`), 204, 'what was uploaded can be deleted')
  t.equal(await administer('PUT', `${versions}/1`, bytes), 201)
  t.match(await call(`${url}/models/a`), { status: 200 })
  writeFileSync(join(folder, 'rain/1/model.keras'), bytes.subarray(1))
  t.match(await call(`${url}/models/rain`), { status: 409, body: { detail: /not those that were stored/ } })
  t.match((await call(versions)).body.versions, [{ status: 'refused', uploaded: true }])
  t.equal(await administer('DELETE', `${versions}/1`), 204, 'altered meanwhile, too')
})

t.test('a version is brought back by its number or a label while another serves, and not by who asks for the labels', async (t) => {
  const folder = t.testdir()
  for (const version of [1, 2]) cpSync(model, join(folder, `rain/${version}/model.keras`))
  const { url } = await serve(t, folder, room(1))
  const response = await fetch(`${url}/models/rain/labels/stable`, { method: 'PUT', headers: { ...admin, 'content-type': 'application/json' }, body: '{"version": 2}' })
  t.equal(response.status, 200)
  const first = { 'rain/1': 'ready', 'rain/2': 'idle' }
  t.same(await statuses(url), first)
  t.match(await call(`${url}/models/rain/labels`), { status: 200, body: { labels: { stable: 2 } } })
  t.same(await statuses(url), first, 'to tell of labels loads nothing')
  const { inputs } = (await call(`${url}/models/rain/sample?version=1`)).body
  t.match(await call(`${url}/predict`, { model: 'rain', version: 'stable', inputs }), { status: 200, body: { version: 2 } })
  t.same(await statuses(url), { 'rain/1': 'idle', 'rain/2': 'ready' })
  t.match(await call(`${url}/predict`, { model: 'rain', version: 1, inputs }), { status: 200, body: { version: 1 } })
  t.same(await statuses(url), first)
})

t.test('who has time waits on where another, with less, began to wait for the same model', async (t) => {
  const folder = t.testdir()
  for (const id of ['a', 'b']) cpSync(model, join(folder, `${id}.keras`))
  const { url } = await serve(t, folder, room(1))
  const { inputs } = (await call(`${url}/models/a/sample`)).body
  const stream = open(`${url}/models/a/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
  const begun = new Promise<void>((resolve) => stream.once('response', (answer) => answer.once('data', () => resolve()).resume()))
  stream.write(`${JSON.stringify({ inputs: inputs[0] })}\n`)
  await begun
  const hasty = call(`${url}/predict`, { model: 'b', inputs }, { 'x-request-timeout': '0.5' })
  await wait(100)
  const patient = call(`${url}/predict`, { model: 'b', inputs }, { 'x-request-timeout': '25' })
  t.ok(['deadline', 'not_ready'].includes((await hasty).body.code))
  await wait(1500)
  stream.end()
  t.match(await patient, { status: 200, body: { model: 'b' } })
})
