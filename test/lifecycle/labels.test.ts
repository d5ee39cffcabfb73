import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Server } from '../../src/server.ts'
import { call, inProject } from '../http/support.ts'
import { serve as start } from '../support/service.ts'

const model = 'test/goldens/models/gru-last-k3-keras.keras'

async function serve (t: Test, settings: Record<string, string>, files: readonly string[] = []): Promise<Server> {
  const { server } = await start({ ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', ...settings }, files)
  t.teardown(server.close)
  return server
}

async function administer (method: string, url: string, body?: object | Buffer): Promise<{ status: number, body: any }> {
  const type = body instanceof Buffer ? 'application/octet-stream' : 'application/json'
  const headers = { authorization: 'Bearer do it', ...body === undefined ? {} : { 'content-type': type } }
  const response = await fetch(url, { method, headers, ...body === undefined ? {} : { body: body instanceof Buffer ? new Uint8Array(body) : JSON.stringify(body) } })
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

const labelsOf = async (url: string, id: string): Promise<Record<string, number>> => (await call(`${url}/models/${id}/labels`)).body.labels

t.test('labels that are set at the same moment are all kept', async (t) => {
  const folder = t.testdir()
  for (const id of ['rain', 'snow']) for (const version of [1, 2]) cpSync(inProject(model), join(folder, `${id}/${version}/model.keras`))
  const { url, close } = await serve(t, { MODELS_DIR: folder })
  const names = ['a', 'b', 'c', 'd']
  const answers = await Promise.all(names.flatMap((name, n) => ['rain', 'snow'].map(async (id) => await administer('PUT', `${url}/models/${id}/labels/${name}`, { version: n % 2 + 1 }))))
  t.same(answers.map(({ status }) => status), answers.map(() => 200))
  const expected = { a: 1, b: 2, c: 1, d: 2 }
  for (const id of ['rain', 'snow']) t.same(await labelsOf(url, id), expected, id)
  t.same(readdirSync(join(folder, '.statescope/staging')), [], 'nothing is left behind')
  await close()
  const again = await serve(t, { MODELS_DIR: folder })
  for (const id of ['rain', 'snow']) t.same(await labelsOf(again.url, id), expected, `${id}, after a restart`)
})

t.test('a label that could not be kept is not set, and one that could not be taken away stays', async (t) => {
  const folder = t.testdir()
  cpSync(inProject(model), join(folder, 'rain.keras'))
  const { url } = await serve(t, { MODELS_DIR: folder })
  const kept = join(folder, '.statescope/labels.json')
  // A file cannot take the place of a folder.
  mkdirSync(join(kept, 'full'), { recursive: true })
  t.match(await administer('PUT', `${url}/models/rain/labels/stable`, { version: 1 }), { status: 503, body: { code: 'storage_failed', detail: /nothing has changed/ } })
  t.same(await labelsOf(url, 'rain'), {})
  rmSync(kept, { recursive: true })
  t.match(await administer('PUT', `${url}/models/rain/labels/stable`, { version: 1 }), { status: 200, body: { labels: { stable: 1 } } })
  rmSync(kept)
  mkdirSync(join(kept, 'full'), { recursive: true })
  t.match(await administer('DELETE', `${url}/models/rain/labels/stable`), { status: 503 })
  t.same(await labelsOf(url, 'rain'), { stable: 1 })
  t.same(readdirSync(join(folder, '.statescope/staging')), [], 'nothing is left behind')
})

t.test('a label names a version of its own model, and no other in its place', async (t) => {
  const folder = t.testdir()
  for (const place of ['rain/2', 'snow/1']) cpSync(inProject(model), join(folder, place, 'model.keras'))
  const { url } = await serve(t, { MODELS_DIR: folder })
  const stable = `${url}/models/rain/labels/stable`
  t.match(await administer('PUT', stable, { version: 1 }), { status: 404, body: { code: 'unknown_model', pointer: '/version', detail: /no version 1/ } }, 'another model has it, and this one a larger one')
  const bytes = readFileSync(inProject(model))
  t.match(await administer('PUT', `${url}/models/rain/versions/3`, bytes), { status: 201 })
  t.match(await administer('PUT', stable, { version: 3 }), { status: 200 })
  t.match(await administer('DELETE', `${url}/models/rain/versions/3`), { status: 204 })
  const { inputs } = (await call(`${url}/models/rain/sample`)).body
  t.match(await call(`${url}/predict`, { model: 'rain', version: 'stable', inputs }), { status: 404, body: { code: 'unknown_model', detail: /no version 3; its versions are 2/ } }, 'its version has gone')
  t.match(await call(`${url}/predict`, { model: 'rain', inputs }), { status: 200, body: { version: 2 } })
  t.match(await administer('PUT', stable, { version: 2 }), { status: 200 })
  t.match((await call(`${url}/predict`, { model: 'rain', version: 'stable', inputs })).body, { version: 2 })
  t.match(await administer('POST', `${url}/models/rain/versions/2/unload`), { status: 200 })
  t.match(await call(`${url}/predict`, { model: 'rain', version: 'stable', inputs }), { status: 409, body: { code: 'model_refused', detail: /unloaded/ } })
})

t.test('the label of a model that has gone can be taken away', async (t) => {
  const folder = t.testdir()
  const { url } = await serve(t, { MODELS_DIR: folder })
  t.match(await administer('PUT', `${url}/models/rain/versions/1`, readFileSync(inProject(model))), { status: 201 })
  t.match(await administer('PUT', `${url}/models/rain/labels/stable`, { version: 1 }), { status: 200 })
  t.match(await administer('DELETE', `${url}/models/rain/versions/1`), { status: 204 })
  t.match(await call(`${url}/models/rain/labels`), { status: 404 })
  t.match(await administer('DELETE', `${url}/models/rain/labels/stable`), { status: 200, body: { id: 'rain', labels: {} } })
  t.same(JSON.parse(readFileSync(join(folder, '.statescope/labels.json'), 'utf8')), {})
})

t.test('labels.json with a version that is none is not believed', async (t) => {
  const folder = t.testdir()
  cpSync(inProject(model), join(folder, 'rain.keras'))
  mkdirSync(join(folder, '.statescope'))
  for (const version of ['0', '-1', '1.5', 'null', '{}']) {
    writeFileSync(join(folder, '.statescope/labels.json'), `{"rain": {"stable": ${version}, "canary": 1}}`)
    const { url, close } = await serve(t, { MODELS_DIR: folder })
    t.same(await labelsOf(url, 'rain'), {}, version)
    await close()
  }
})

t.test('without a folder there are no labels, and the answer says what to set', async (t) => {
  const { url } = await serve(t, {}, [inProject(model)])
  const label = `${url}/models/gru-last-k3-keras/labels`
  t.match(await call(label), { status: 200, body: { labels: {} } })
  for (const [method, body] of [['PUT', { version: 1 }], ['DELETE', undefined]] as const) t.match(await administer(method, `${label}/stable`, body), { status: 403, body: { code: 'forbidden', detail: /MODELS_DIR/ } }, method)
})
