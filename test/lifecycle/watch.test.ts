import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Server } from '../../src/server.ts'
import { call, inProject } from '../http/support.ts'
import { serve as start } from '../support/service.ts'

const golden = (name: string): Buffer => readFileSync(inProject(`test/goldens/models/${name}`))
// Two models that take the same inputs.
const first = golden('gru-last-k3-keras.keras')
const other = golden('lstm-last-k2-keras.keras')
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

async function serve (t: Test, folder: string, settings: Record<string, string> = {}): Promise<Server> {
  const { server } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', WATCH_MODELS: 'true', ...settings })
  t.teardown(server.close)
  return server
}

const list = async (url: string): Promise<any[]> => (await call(`${url}/models`)).body.models

/** Waits until it is so; the test ends by its own time limit where it never is. */
async function until (is: () => Promise<boolean>): Promise<void> {
  while (!await is()) await wait(50)
}

/** Puts a file there as a whole. */
function put (folder: string, name: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, '.arriving'), bytes)
  renameSync(join(folder, '.arriving'), join(folder, name))
}

t.test('a model that is new, changed or gone, while others ask', async (t) => {
  const folder = t.testdir()
  put(folder, 'rain.keras', first)
  const { url, service: { pool } } = await serve(t, folder)
  const asked = (await call(`${url}/models/rain/sample`)).body
  const tensors = (): number => pool.state().workers.reduce((sum, worker) => sum + worker.tensors, 0)
  const alone = tensors()
  const request = open(`${url}/models/rain/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' } })
  const answered = new Promise<AsyncIterator<Buffer>>((resolve) => request.once('response', (answer) => resolve(answer[Symbol.asyncIterator]())))
  const line = `${JSON.stringify({ inputs: asked.inputs[0] })}\n`
  request.write(line)
  const lines = await answered
  const next = async (): Promise<object> => JSON.parse(String((await lines.next()).value))
  t.match(await next(), { digest: digestOf(first) })

  const state = { over: false, odd: [] as unknown[], digests: new Set<string>() }
  const client = (async () => {
    while (!state.over) {
      const { status, headers, body } = await call(`${url}/predict`, asked)
      if (status !== 200 || headers.get('x-model-digest') !== body.digest) state.odd.push([status, body])
      state.digests.add(body.digest)
    }
  })()
  put(folder, 'rain.keras', other)
  await until(async () => (await list(url))[0].digest === digestOf(other))
  t.match((await call(`${url}/predict`, asked)).body, { version: 1, digest: digestOf(other) })
  request.write(line)
  t.match(await next(), { digest: digestOf(first) }, 'a stream that had begun is answered to its end by the one before')
  request.end()
  t.ok((await lines.next()).done)
  state.over = true
  await client
  t.same(state.odd, [])
  t.same(state.digests, new Set([digestOf(first), digestOf(other)]))

  mkdirSync(join(folder, 'snow/2'), { recursive: true })
  put(folder, 'snow/2/model.keras', first)
  await until(async () => (await list(url)).length === 2)
  t.match(await list(url), [{ id: 'rain', status: 'ready' }, { id: 'snow', version: 2, status: 'ready', digest: digestOf(first) }])
  t.match(await call(`${url}/models/snow`), { body: { description: undefined } })
  put(folder, 'snow/2/statescope.json', Buffer.from('{"description": "deep"}'))
  await until(async () => (await list(url))[1].description === 'deep')
  // The same model elsewhere is the same model.
  mkdirSync(join(folder, 'rain/1'), { recursive: true })
  renameSync(join(folder, 'rain.keras'), join(folder, 'rain/1/model.keras'))
  rmSync(join(folder, 'snow'), { recursive: true })
  await until(async () => (await list(url)).length === 1)
  t.match(await call(`${url}/predict`, { ...asked, model: 'snow' }), { status: 404 })
  t.match((await call(`${url}/predict`, asked)).body, { digest: digestOf(other) })
  await until(async () => tensors() <= alone * 2)
  rmSync(join(folder, 'rain'), { recursive: true })
  await until(async () => (await list(url)).length === 0)
})

t.test('a file that is broken changes nothing, one that is being written is let be', async (t) => {
  const folder = t.testdir()
  put(folder, 'rain.keras', first)
  const { url } = await serve(t, folder)
  const asked = (await call(`${url}/models/rain/sample`)).body
  const before = (await call(`${url}/predict`, asked)).body
  put(folder, 'rain.keras', other.subarray(0, 5000))
  await until(async () => (await list(url))[0].reason !== undefined)
  t.match(await list(url), [{ id: 'rain', status: 'ready', digest: digestOf(first), reason: /cannot be served: .*The one before serves/ }])
  t.match(await call(`${url}/predict`, asked), { status: 200, body: { outputs: before.outputs } })
  t.equal((await call(`${url}/health/ready`)).status, 200)
  put(folder, 'rain.keras', Buffer.from(JSON.stringify({ no: 'model' })))
  put(folder, 'rain.keras', first)
  await until(async () => (await list(url))[0].reason === undefined)
  t.match(await call(`${url}/predict`, asked), { status: 200, body: { outputs: before.outputs } }, 'put back as it was')

  // For longer than two looks are apart.
  writeFileSync(join(folder, 'slow.keras'), '')
  const seen = new Set<string>()
  const state = { over: false }
  const looking = (async () => {
    while (!state.over) for (const { id, status } of await list(url)) seen.add(`${id} ${status}`)
  })()
  for (let at = 0; at < other.length; at += Math.ceil(other.length / 40)) {
    appendFileSync(join(folder, 'slow.keras'), other.subarray(at, at + Math.ceil(other.length / 40)))
    await wait(80)
  }
  state.over = true
  await looking
  t.same([...seen], ['rain ready'])
  await until(async () => (await list(url)).length === 2)
  t.match(await list(url), [{ id: 'rain', status: 'ready' }, { id: 'slow', status: 'ready', digest: digestOf(other) }])
})

t.test('uploads, and what is unloaded on purpose, are let be; without the setting nothing is looked at', async (t) => {
  const folder = t.testdir()
  const { url, close } = await serve(t, folder)
  const administer = async (method: string, path: string, body?: Buffer): Promise<number> =>
    (await fetch(url + path, { method, headers: { authorization: 'Bearer do it', ...body === undefined ? {} : { 'content-type': 'application/octet-stream' } }, ...body === undefined ? {} : { body: new Uint8Array(body) } })).status
  t.equal(await administer('PUT', '/models/rain/versions/1', first), 201)
  t.equal(await administer('PUT', '/models/snow/versions/1', first), 201)
  t.equal(await administer('POST', '/models/rain/versions/1/unload'), 200)
  await wait(2500)
  t.match(await list(url), [{ id: 'rain', status: 'unloaded' }, { id: 'snow', status: 'ready', reason: undefined }])
  // What was stored has to stay what was stored.
  put(folder, 'snow/1/model.keras', other)
  await until(async () => (await list(url))[1].reason !== undefined)
  t.match((await list(url))[1], { status: 'ready', digest: digestOf(first), reason: /not those that were stored/ })
  t.equal(await administer('DELETE', '/models/snow/versions/1'), 204)
  await wait(2500)
  t.match(await list(url), [{ id: 'rain', status: 'unloaded' }])
  await close()

  const off = await serve(t, folder, { WATCH_MODELS: 'false' })
  put(folder, 'hail.keras', first)
  await wait(2500)
  t.match(await list(off.url), [{ id: 'rain' }])
})
