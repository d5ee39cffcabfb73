import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Server } from '../../../src/server.ts'
import { serve as start } from '../../support/service.ts'
import { call, inProject } from '../support.ts'

const model = inProject('test/goldens/models/gru-last-k3-keras.keras')

interface Line { readonly name: string, readonly version: string, readonly state: string, readonly reason: string }

async function serve (t: Test, settings: Record<string, string>, files: readonly string[] = []): Promise<Server> {
  const { server } = await start({ ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', ...settings }, files)
  t.teardown(server.close)
  return server
}

/** One request to the repository: its status and what came back. */
async function repository (url: string, path: string, body?: string): Promise<{ status: number, body: any }> {
  const response = await fetch(`${url}/v2/repository/${path}`, { method: 'POST', headers: { authorization: 'Bearer do it' }, ...body === undefined ? {} : { body } })
  return { status: response.status, body: await response.json() }
}

const index = async (url: string): Promise<Line[]> => (await repository(url, 'index')).body
const states = async (url: string): Promise<string[]> => (await index(url)).map(({ name, version, state }) => `${name} ${version} ${state}`)

t.test('a version that cannot be loaded keeps no other from it, and the index says why it is not there', async (t) => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'rain/1'), { recursive: true })
  writeFileSync(join(folder, 'rain/1/model.keras'), 'PK no zip')
  for (const version of [2, 3]) cpSync(model, join(folder, `rain/${version}/model.keras`))
  const { url } = await serve(t, { MODELS_DIR: folder })
  const expected = [
    { name: 'rain', version: '1', state: 'UNAVAILABLE', reason: /archive is damaged/ },
    { name: 'rain', version: '2', state: 'READY', reason: '' },
    { name: 'rain', version: '3', state: 'READY', reason: '' }
  ]
  const found = await index(url)
  t.match(found, expected)
  t.ok(found.every(({ version }) => typeof version === 'string'), 'a version is text in this protocol')
  t.match(await repository(url, 'models/rain/unload'), { status: 200 })
  t.match(await index(url), [{ reason: /archive is damaged/ }, { state: 'UNAVAILABLE', reason: /unloaded/ }, { state: 'UNAVAILABLE', reason: /unloaded/ }])
  t.same((await repository(url, 'index', '{"ready": true}')).body, [])
  t.same((await repository(url, 'index', '{"ready": false}')).body, await index(url))
  t.match(await repository(url, 'models/rain/load'), { status: 422, body: { error: /archive is damaged/ } })
  t.match(await index(url), expected)
})

t.test('what is new in the folder is loaded of the model that is named, and of no other', async (t) => {
  const folder = t.testdir()
  const { url } = await serve(t, { MODELS_DIR: folder })
  for (const place of ['rain/1', 'rain/2', 'snow/1']) cpSync(model, join(folder, place, 'model.keras'))
  t.match(await repository(url, 'models/rain/load'), { status: 200 })
  t.same(await states(url), ['rain 1 READY', 'rain 2 READY'])
  t.match(await repository(url, 'models/hail/load'), { status: 404, body: { error: /no model "hail"/ } })
  t.same(await states(url), ['rain 1 READY', 'rain 2 READY'])
})

t.test('model files without a folder are unloaded and loaded too', async (t) => {
  const { url } = await serve(t, {}, [model])
  const id = 'gru-last-k3-keras'
  t.match(await repository(url, `models/${id}/unload`), { status: 200 })
  t.same(await states(url), [`${id} 1 UNAVAILABLE`])
  t.match(await repository(url, `models/${id}/load`), { status: 200 })
  t.same(await states(url), [`${id} 1 READY`])
})

t.test('who unloads a model while it is being loaded has it unloaded, all of it', async (t) => {
  const folder = t.testdir()
  for (const version of [1, 2]) cpSync(model, join(folder, `rain/${version}/model.keras`))
  const { url } = await serve(t, { MODELS_DIR: folder })
  t.match(await repository(url, 'models/rain/unload'), { status: 200 })
  const loading = repository(url, 'models/rain/load')
  await wait(50)
  t.match(await repository(url, 'models/rain/unload'), { status: 200 })
  t.match(await loading, { status: 200 })
  t.same(await states(url), ['rain 1 UNAVAILABLE', 'rain 2 UNAVAILABLE'])
})

t.test('what was put aside for want of memory is there in the protocol, is not loaded by a load, and goes by an unload', async (t) => {
  const folder = t.testdir()
  for (const version of [1, 2, 3]) cpSync(model, join(folder, `rain/${version}/model.keras`))
  const free = await serve(t, { MODELS_DIR: folder, MODELS_MEMORY_MB: '100' })
  const { used } = (await call(`${free.url}/models`)).body.memory
  await free.close()
  const { url } = await serve(t, { MODELS_DIR: folder, MODELS_MEMORY_MB: String(used / 3 * 2 / 2 ** 20) })
  const statuses = async (): Promise<string[]> => (await call(`${url}/models/rain/versions`)).body.versions.map(({ status }: { status: string }) => status)
  t.same(await statuses(), ['ready', 'ready', 'idle'], 'two of three fit to the last byte')
  t.match(await repository(url, 'models/rain/load'), { status: 200 })
  t.same(await statuses(), ['ready', 'ready', 'idle'])
  t.same(await states(url), ['rain 1 READY', 'rain 2 READY', 'rain 3 READY'])
  t.match((await call(`${url}/v2/models/stats`)).body.model_stats, [{ version: '1' }, { version: '2' }, { version: '3' }])
  t.match((await call(`${url}/v2/models/rain`)).body, { versions: ['1', '2', '3'] })
  t.same(await statuses(), ['idle', 'ready', 'ready'], 'the largest was asked, and is loaded')
  t.match((await call(`${url}/models`)).body.memory, { used: used / 3 * 2 })
  t.match(await repository(url, 'models/rain/unload'), { status: 200 })
  t.same(await statuses(), ['unloaded', 'unloaded', 'unloaded'])
  // The threads let go of it after the answer.
  const taken = async (): Promise<number> => (await call(`${url}/models`)).body.memory.used
  for (const end = performance.now() + 10_000; await taken() > 0 && performance.now() < end;) await wait(20)
  t.equal(await taken(), 0)
  t.match(await call(`${url}/v2/models/rain`), { status: 409, body: { error: /unloaded/ } }, 'nobody brings it back by asking')
  t.match(await repository(url, 'models/rain/load'), { status: 200 })
  t.equal((await statuses()).filter((status) => status === 'ready').length, 2)
})
