import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Server } from '../../src/server.ts'
import { serve as start } from '../support/service.ts'
import { call, inProject } from './support.ts'

async function serve (t: Test, folder: string, settings: Record<string, string> = {}): Promise<Server> {
  const { server } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? 'wasm', ADMIN_TOKEN: 'do it', ...settings })
  t.teardown(server.close)
  return server
}

async function administer (method: string, url: string, body?: unknown, token = 'do it'): Promise<{ status: number, body: any }> {
  const headers = { authorization: `Bearer ${token}`, ...body === undefined ? {} : { 'content-type': 'application/json' } }
  const response = await fetch(url, { method, headers, ...body === undefined ? {} : { body: JSON.stringify(body) } })
  return { status: response.status, body: await response.json() }
}

t.test('a request names a label where it could name a version', async (t) => {
  const folder = t.testdir()
  cpSync(inProject('test/goldens/models/gru-last-k3-keras.keras'), join(folder, 'rain/1/model.keras'))
  cpSync(inProject('test/goldens/models/lstm-last-k2-keras.keras'), join(folder, 'rain/2/model.keras'))
  const { url, close } = await serve(t, folder)
  const label = `${url}/models/rain/labels`
  t.match(await call(label), { status: 200, body: { id: 'rain', labels: {} } })
  t.match(await administer('PUT', `${label}/stable`, { version: 1 }), { status: 200, body: { labels: { stable: 1 } } })
  t.match(await administer('PUT', `${label}/canary`, { version: 2 }), { status: 200, body: { labels: { stable: 1, canary: 2 } } })
  // Names that every object has are names like any other.
  t.match(await administer('PUT', `${label}/constructor`, { version: 2 }), { status: 200 })
  t.match(await administer('DELETE', `${label}/constructor`), { status: 200, body: { labels: { stable: 1, canary: 2 } } })

  const { inputs } = (await call(`${url}/models/rain/sample`)).body
  const one = (await call(`${url}/predict`, { model: 'rain', version: 1, inputs })).body
  const two = (await call(`${url}/predict`, { model: 'rain', version: 2, inputs })).body
  t.notSame(one.outputs, two.outputs)
  const answered = await call(`${url}/predict`, { model: 'rain', version: 'stable', inputs })
  t.match(answered, { status: 200, body: { version: 1, outputs: one.outputs } })
  t.equal(answered.headers.get('x-model-version'), '1')
  t.match((await call(`${url}/models/rain/predict?version=stable`, { inputs })).body, { version: 1, outputs: one.outputs })
  t.match((await call(`${url}/models/rain/predict`, { version: 'canary', inputs })).body, { version: 2, outputs: two.outputs })
  t.match((await call(`${url}/hidden-states`, { model: 'rain', version: 'stable', inputs, tensors: 'final' })).body, { version: 1 })
  for (const path of ['models/rain', 'models/rain/weights']) t.match((await call(`${url}/${path}?version=stable`)).body, { version: 1 }, path)
  t.equal((await call(`${url}/models/rain/decode?language=python&version=stable`)).headers.get('x-model-version'), '1')
  const lines = await fetch(`${url}/models/rain/predict?version=stable`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: `${JSON.stringify({ inputs: inputs[0] })}\n` })
  t.match(JSON.parse(await lines.text()), { version: 1 })
  const { inputs: [input] } = (await call(`${url}/v2/models/rain/versions/stable`)).body
  const flat = { name: input.name, datatype: input.datatype, shape: [1, inputs[0].length, inputs[0][0].length], data: inputs[0].flat() }
  t.match((await call(`${url}/v2/models/rain/versions/stable/infer`, { inputs: [flat] })).body, { model_version: '1' })
  t.match((await call(`${url}/v2/models/rain/versions/canary/ready`)), { status: 200 })

  t.match(await administer('PUT', `${label}/stable`, { version: 2 }), { body: { labels: { stable: 2, canary: 2 } } })
  t.match((await call(`${url}/predict`, { model: 'rain', version: 'stable', inputs })).body, { version: 2, outputs: two.outputs }, 'it has moved')
  await close()
  const again = await serve(t, folder)
  t.match((await call(`${again.url}/predict`, { model: 'rain', version: 'stable', inputs })).body, { version: 2 }, 'it is kept')
  t.match(await administer('DELETE', `${again.url}/models/rain/labels/stable`), { status: 200, body: { labels: { canary: 2 } } })
  t.match(await call(`${again.url}/predict`, { model: 'rain', version: 'stable', inputs }), { status: 404, body: { code: 'unknown_model', pointer: '/version', detail: /"canary"/ } })
  t.match(await call(`${again.url}/v2/models/rain/versions/stable/infer`, { inputs: [flat] }), { status: 404, body: { error: /has no label "stable"; its labels are "canary"\.$/ } }, 'an address has no pointer')
  await again.close()
  writeFileSync(join(folder, '.statescope/labels.json'), '{"rain": {"canary": "x"}}')
  const damaged = await serve(t, folder)
  t.match(await call(`${damaged.url}/predict`, { model: 'rain', version: 'canary', inputs }), { status: 404 }, 'what is damaged is not guessed at')
  t.match(await call(`${damaged.url}/predict`, { model: 'rain', inputs }), { status: 200 })
})

t.test('what is refused', async (t) => {
  const folder = t.testdir()
  cpSync(inProject('test/goldens/models/gru-last-k3-keras.keras'), join(folder, 'rain.keras'))
  const { url } = await serve(t, folder, { API_TOKEN: 'ask me' })
  const label = `${url}/models/rain/labels`
  for (const [method, path, body, status] of [
    ['PUT', `${label}/1`, { version: 1 }, 422],
    ['PUT', `${label}/__proto__`, { version: 1 }, 422],
    ['PUT', `${label}/${'x'.repeat(65)}`, { version: 1 }, 422],
    ['PUT', `${label}/stable`, { version: 2 }, 404],
    ['PUT', `${label}/stable`, { version: 'x' }, 422],
    ['PUT', `${label}/stable`, { version: 1e300 }, 422],
    ['PUT', `${label}/stable`, {}, 422],
    ['PUT', `${label}/stable`, [], 422],
    ['PUT', `${label}/stable`, { version: 1, more: 1 }, 422],
    ['PUT', `${url}/models/snow/labels/stable`, { version: 1 }, 404],
    ['DELETE', `${label}/stable`, undefined, 404],
    ['DELETE', `${url}/models/__proto__/labels/stable`, undefined, 404]
  ] as const) {
    const answer = await administer(method, path, body)
    t.equal(answer.status, status, `${method} ${path} ${JSON.stringify(body)}: ${String(answer.body.detail)}`)
  }
  t.match(await administer('PUT', `${label}/stable`, { version: 1 }, 'ask me'), { status: 403 })
  t.match(await administer('GET', label, undefined, 'ask me'), { status: 200, body: { labels: {} } })
  t.match(await administer('PUT', `${label}/${'x'.repeat(64)}`, { version: 1 }), { status: 200 }, 'as long as a label may be')
  t.match(await administer('DELETE', `${label}/${'x'.repeat(64)}`, undefined, 'ask me'), { status: 403 })
  t.match(await administer('DELETE', `${label}/${'x'.repeat(64)}`), { status: 200, body: { labels: {} } })
  t.match(await administer('GET', `${url}/models/snow/labels`), { status: 404 })
  // What is deleted, loaded or unloaded is said by its number: a label may have been moved meanwhile.
  t.match(await administer('PUT', `${label}/stable`, { version: 1 }), { status: 200 })
  for (const [method, action] of [['DELETE', ''], ['POST', '/load'], ['POST', '/unload']]) {
    t.match(await administer(method, `${url}/models/rain/versions/stable${action}`), { status: 422, body: { code: 'invalid_value', detail: /"stable"/ } }, `${method} ${action}`)
  }
  t.match((await administer('GET', `${url}/models/rain/versions`)).body.versions, [{ version: 1, status: 'ready' }])
  t.match(await administer('DELETE', `${label}/stable`), { status: 200 })
  const { inputs } = (await administer('GET', `${url}/models/rain/sample`)).body
  for (const [version, status] of [['stable', 404], ['__proto__', 422], ['constructor', 404], ['', 422], [0, 422], [1.5, 422], [null, 422]] as const) {
    t.equal((await administer('POST', `${url}/predict`, { model: 'rain', version, inputs })).status, status, String(version))
  }
  t.equal(readFileSync(join(folder, 'rain.keras')).length > 0, true)
})
