import { copyFileSync, cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { farthest } from '../support/cases.ts'
import { serve as start } from '../support/service.ts'
import { call, inProject, serve } from './support.ts'

const id = 'lstm-last-k2-keras'
const folder = t.testdir()
copyFileSync(inProject(`test/goldens/models/${id}.keras`), join(folder, `${id}.keras`))
copyFileSync(inProject('test/goldens/models/any-length-k3-keras.keras'), join(folder, 'any-length.keras'))
const { url } = await serve(t, folder)

const { body: { inputs } } = await call(`${url}/models/${id}/sample`)
const { body: metadata } = await call(`${url}/v2/models/${id}`)
const [input] = metadata.inputs as { name: string }[]
const shape = [1, inputs[0].length, inputs[0][0].length]
const infer = `${url}/v2/models/${id}/infer`
const tensor = (more: object = { data: inputs }): object => ({ name: input.name, shape, datatype: 'FP32', ...more })
const floats = Float32Array.from((inputs as number[][][]).flat(2))
const request = (body: Uint8Array | string, headers: Record<string, string> = {}, to = infer): Promise<Response> => fetch(to, { method: 'POST', body: Buffer.from(body), headers })

/** JSON and bytes in one body. */
function inBytes (json: object, bytes: Uint8Array = new Uint8Array(floats.buffer)): { body: Uint8Array, headers: Record<string, string> } {
  const text = Buffer.from(JSON.stringify(json))
  return { body: Buffer.concat([text, bytes]), headers: { 'inference-header-content-length': String(text.length) } }
}

async function refusal (answer: Promise<Response>, status: number, words: RegExp): Promise<void> {
  const response = await answer
  const body = await response.json() as Record<string, unknown>
  t.equal(response.status, status, String(words))
  t.same(Object.keys(body), ['error'])
  t.match(body.error, words)
  t.match(response.headers.get('content-type'), /^application\/json/)
}

t.test('JSON and bytes, in and out: the numbers of /predict and /hidden-states', async (t) => {
  const { body: states } = await call(`${url}/hidden-states`, { model: id, inputs, outputs: true })
  const json = await call(infer, { inputs: [tensor()], outputs: [{ name: 'out' }, { name: 'lstm/gates/forget' }] })
  t.equal(json.status, 200)
  t.equal(json.headers.get('content-type'), 'application/json')
  t.equal(json.headers.get('inference-header-content-length'), null)
  const [out, forget] = json.body.outputs
  t.ok(farthest(out.data, states.outputs.out.flat()) < 1e-6)
  t.ok(farthest(forget.data, states.layers.lstm.gates.forget.flat(2)) < 1e-6)
  t.match(json.body.parameters, { digest: states.digest, engine: String, sound: true })

  const { body, headers } = inBytes({ id: '7', parameters: { binary_data_output: true }, inputs: [tensor({ parameters: { binary_data_size: floats.byteLength } })], outputs: [{ name: 'out' }, { name: 'lstm/gates/forget' }] })
  const binary = await request(body, headers)
  t.equal(binary.headers.get('content-type'), 'application/octet-stream')
  const length = Number(binary.headers.get('inference-header-content-length'))
  const bytes = await binary.arrayBuffer()
  const head = JSON.parse(Buffer.from(bytes, 0, length).toString())
  t.equal(head.id, '7')
  t.same(head.outputs.map(({ parameters, ...rest }: { parameters: object }) => rest), [out, forget].map(({ data, ...rest }) => rest))
  // A view, not a copy: the JSON is filled up for it.
  t.same([...new Float32Array(bytes, length)], [...out.data, ...forget.data].map(Math.fround))
})

t.test('a body without JSON; one without a content type', async (t) => {
  const expected = await call(infer, { inputs: [tensor()], parameters: { binary_data_output: false } })
  const raw = await request(new Uint8Array(floats.buffer), { 'inference-header-content-length': '0', 'content-type': 'text/plain' })
  t.equal(raw.status, 200)
  const bytes = await raw.arrayBuffer()
  t.same([...new Float32Array(bytes, Number(raw.headers.get('inference-header-content-length')))], expected.body.outputs[0].data.map(Math.fround))
})

t.test('metadata: what any length leaves open is open', async (t) => {
  const { body } = await call(`${url}/v2/models/any-length`)
  t.ok(body.inputs[0].shape.slice(0, 2).every((size: number) => size === -1), 'batch and step')
  const hidden = body.outputs.find(({ name }: { name: string }) => name.endsWith('/hidden') && !name.includes('final'))
  const final = body.outputs.find(({ name }: { name: string }) => name.endsWith('/final/hidden'))
  t.same(hidden.shape.slice(0, -1), [-1, -1])
  t.same([final.shape.length, final.shape[0], final.shape[1]], [2, -1, hidden.shape[2]])
  const fixed = metadata.outputs.find(({ name }: { name: string }) => name === 'lstm/hidden')
  t.same(fixed.shape.slice(0, 2), [-1, shape[1]])
  const names = metadata.outputs.map(({ name }: { name: string }) => name)
  t.equal(names[0], 'out', 'its own outputs come first')
  t.ok(['lstm/cell', 'lstm/gates/output', 'lstm/final/cell', 'lstm/output', 'lstm/preactivations/input'].every((name) => names.includes(name)))
  t.notOk(names.includes('lstm/mask'), 'nothing masks it')
})

t.test('bytes left over, missing or misplaced', async () => {
  const given = { inputs: [tensor({ parameters: { binary_data_size: floats.byteLength } })] }
  const sent = (extra: Partial<{ body: Uint8Array, headers: Record<string, string> }>): Promise<Response> => {
    const whole = { ...inBytes(given), ...extra }
    return request(whole.body, whole.headers)
  }
  await refusal(sent({ body: Buffer.concat([inBytes(given).body, Buffer.alloc(3)]) }), 400, /3 bytes are left over/)
  await refusal(sent({ body: inBytes(given).body.subarray(0, -1) }), 400, /ends too early/)
  await refusal(sent({ headers: { 'inference-header-content-length': '1000000' } }), 400, /Inference-Header-Content-Length is "1000000"/)
  await refusal(sent({ headers: { 'inference-header-content-length': '-1' } }), 400, /Inference-Header-Content-Length/)
  await refusal(sent({ headers: { 'inference-header-content-length': '5' } }), 400, /not JSON: it ends too early/)
  await refusal(sent({ headers: {} }), 400, /not JSON|UTF-8/)
})

t.test('compressed bodies: undone, limited, or refused', async (t) => {
  const json = JSON.stringify({ inputs: [tensor()] })
  t.equal((await request(gzipSync(json), { 'content-encoding': 'gzip' })).status, 200)
  await refusal(request(json, { 'content-encoding': 'gzip' }), 400, /not gzip/)
  await refusal(request(json, { 'content-encoding': 'br' }), 415, /gzip, deflate/)
  await refusal(request(gzipSync(Buffer.alloc(65 * 2 ** 20, 32)), { 'content-encoding': 'gzip' }), 413, /larger than 64 MiB/)
})

t.test('errors are {"error"}, all of them', async () => {
  await refusal(fetch(`${url}/v2/models/nobody`), 404, /no model "nobody"/)
  await refusal(fetch(`${url}/v2/models/${id}/versions/one`), 404, /no label "one"/)
  await refusal(fetch(`${url}/v2/nothing`), 404, /no GET \/v2\/nothing/)
  await refusal(fetch(infer), 405, /Use POST/)
  await refusal(request(''), 400, /empty/)
  await refusal(request('{"inputs": [{"data": [NaN]}]}'), 400, /"NaN" at line 1/)
  await refusal(request(JSON.stringify({ inputs: [tensor()], outputs: [{ name: 'lstm/mask' }] })), 422, /nothing masks/)
  await refusal(request('{"ready": 1}', {}, `${url}/v2/repository/index`), 400, /"ready": true/)
  for (const action of ['load', 'unload']) await refusal(request('{}', { 'content-type': 'text/plain' }, `${url}/v2/repository/models/${id}/${action}`), 403, /ADMIN_TOKEN/)
})

t.test('only inference takes any content type', async (t) => {
  const body = JSON.stringify({ model: id, inputs })
  t.equal((await request(body, { 'content-type': 'text/plain' }, `${url}/predict`)).status, 415)
})

t.test('models are loaded and unloaded, all their versions, by administration', async (t) => {
  const folder = t.testdir()
  const file = inProject('test/goldens/models/gru-last-k3-keras.keras')
  for (const version of [1, 2]) cpSync(file, join(folder, `rain/${version}/model.keras`))
  const { server } = await start({ MODELS_DIR: folder, API_TOKEN: 'secret', ADMIN_TOKEN: 'do it', ENGINE: process.env.ENGINE ?? '' })
  t.teardown(server.close)
  const admin = { authorization: 'Bearer do it' }
  const repository = async (path: string, body: string | undefined = undefined, headers: Record<string, string> = admin): Promise<Response> =>
    await fetch(`${server.url}/v2/repository/${path}`, { method: 'POST', headers, ...body === undefined ? {} : { body } })
  const states = async (): Promise<string[]> => (await (await repository('index')).json() as { name: string, version: string, state: string }[]).map(({ name, version, state }) => `${name} ${version} ${state}`)
  t.same(await states(), ['rain 1 READY', 'rain 2 READY'])
  await refusal(repository('models/rain/unload', '{}', {}), 401, /ADMIN_TOKEN/)
  await refusal(repository('models/rain/unload', '{}', { authorization: 'Bearer secret' }), 403, /ADMIN_TOKEN/)
  await refusal(repository('models/nobody/unload'), 404, /no model "nobody"/)
  await refusal(repository('models/__proto__/load'), 404, /no model/)
  for (const odd of ['[]', '1', 'null', '{', '"x"']) await refusal(repository('models/rain/unload', odd), 400, /no body, or a JSON object/)
  await refusal(repository('models/rain/load', '{"parameters": {"config": "{}"}}'), 422, /"config" is no parameter/)
  await refusal(repository('models/rain/load', '{"parameters": {"file:1/model.onnx": "AAAA"}}'), 422, /PUT/)
  t.same(await (await repository('models/rain/unload', '{"parameters": {"unload_dependents": false}}')).json(), {})
  t.same(await states(), ['rain 1 UNAVAILABLE', 'rain 2 UNAVAILABLE'])
  t.equal((await repository('models/rain/load')).status, 200)
  t.same(await states(), ['rain 1 READY', 'rain 2 READY'])
  // What has been put there since is found.
  cpSync(file, join(folder, 'snow.keras'))
  cpSync(file, join(folder, 'rain/3/model.keras'))
  for (const name of ['snow', 'rain']) t.equal((await repository(`models/${name}/load`, '{"parameters": null}')).status, 200)
  t.same(await states(), ['rain 1 READY', 'rain 2 READY', 'rain 3 READY', 'snow 1 READY'])
  writeFileSync(join(folder, 'hail.keras'), 'hello')
  await refusal(repository('models/hail/load'), 422, /archive is damaged/)
})

t.test('the index, all of it or what can be asked', async (t) => {
  const ready = await (await request('{"ready": true}', {}, `${url}/v2/repository/index`)).json()
  t.same(ready, [{ name: 'any-length', version: '1', state: 'READY', reason: '' }, { name: id, version: '1', state: 'READY', reason: '' }])
})

t.test('a token is asked for here too', async (t) => {
  const { server } = await start({ MODELS_DIR: t.testdir({}), API_TOKEN: 'secret', ENGINE: process.env.ENGINE ?? '' })
  t.teardown(server.close)
  await refusal(fetch(`${server.url}/v2/health/live`), 401, /API_TOKEN/)
  t.equal((await fetch(`${server.url}/v2/health/ready`, { headers: { authorization: 'Bearer secret' } })).status, 200)
})
