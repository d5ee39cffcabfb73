import { copyFileSync } from 'node:fs'
import { request as send } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import zlib from 'node:zlib'
import t from 'tap'
import { npz, safetensors, zip, npy, type Given } from '../request/pack.ts'
import { inOrder } from '../../src/http/ndjson.ts'
import { serve as start } from '../support/service.ts'
import { call, inProject, serve, type Answer } from './support.ts'

const { url } = await serve(t, inProject('models'))
const { gzipSync, deflateSync } = zlib
const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Uint8Array) => Buffer }

const { body: sample } = await call(`${url}/models/weather/sample`)
const days = (sample.inputs as number[][][]).slice(0, 1)
const array = (given: Partial<Given> = {}): Given => ({ name: 'x', datatype: 'FP32', shape: [1, 7, 4], values: days.flat(2), ...given })
const types = { 'application/x-npz': npz, 'application/vnd.safetensors': safetensors } as const

async function post (path: string, body: Uint8Array, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(url + path, { method: 'POST', body: Buffer.from(body), headers })
  const words = await response.text()
  return { status: response.status, headers: response.headers, body: /[/+]json$/.test(response.headers.get('content-type') ?? '') ? JSON.parse(words) : words }
}

for (const [type, pack] of Object.entries(types)) {
  t.test(`${type}: the answer of the same request in JSON`, async (t) => {
    const { receipt: _, ...expected } = (await call(`${url}/models/weather/hidden-states?steps=-1&outputs=true&raw=true`, { inputs: days })).body
    const { status, body: { receipt, ...body } } = await post('/models/weather/hidden-states?steps=-1&outputs=true&raw=true', pack([array({ datatype: 'FP64' })]), { 'content-type': type })
    t.equal(status, 200)
    t.same(body, expected)
    t.equal(receipt.sound, true)
    const { outputs } = (await call(`${url}/models/weather/predict`, { inputs: days })).body
    const prediction = await post('/models/weather/predict', pack([array({ name: 'arr_0' })]), { 'content-type': `${type}; x=y` })
    t.same(prediction.body.outputs, outputs)
    const lines = await post('/models/weather/predict', pack([array({ shape: [2, 7, 4], values: [...days, ...days].flat(2) })]), { 'content-type': type, accept: 'application/x-ndjson' })
    t.same(lines.body.trim().split('\n').map((line: string) => JSON.parse(line).outputs), [outputs, outputs])
  })

  t.test(`${type}: states go in as they came out`, async (t) => {
    const { layers, outputs } = (await call(`${url}/models/nextchar/hidden-states?outputs=true`, { inputs: { text: ['the'] } })).body
    const { final: { hidden, cell } } = layers.lstm
    const { shape } = (await call(`${url}/models/nextchar`)).body.inputs[0]
    const values = Array<number>(shape[1] * shape[2]).fill(0)
    const initialState = { lstm: { hidden, cell } }
    const [one, two] = [hidden, cell].map((state: number[][], n) => array({ name: `initialState/lstm/${n === 0 ? 'hidden' : 'cell'}`, shape: [1, state[0].length], values: state[0] }))
    const inputs = array({ name: 'first', shape: [1, shape[1], shape[2]], values })
    const expected = (await call(`${url}/models/nextchar/predict`, { inputs: { shape: inputs.shape, data: values }, initialState })).body.outputs
    t.notSame(expected, outputs)
    t.same((await post('/models/nextchar/predict', pack([inputs, one, two]), { 'content-type': type })).body.outputs, expected)
    const twice = await post(`/models/nextchar/predict?initialState=${encodeURIComponent(JSON.stringify(initialState))}`, pack([inputs, one, two]), { 'content-type': type })
    t.match(twice, { status: 422, body: { pointer: '/initialState', detail: /say it once/ } })
  })

  t.test(`${type}: problems`, async (t) => {
    const cases: [path: string, bytes: Uint8Array, expected: object][] = [
      ['/predict', pack([array()]), { status: 415, body: { code: 'unsupported_media_type', detail: /name no model: send application\/.* to \/models\/ID\/predict/ } }],
      ['/hidden-states', pack([array()]), { status: 415, body: { code: 'unsupported_media_type' } }],
      ['/models/nobody/predict', pack([array()]), { status: 404, body: { code: 'unknown_model' } }],
      ['/models/weather/predict', Buffer.alloc(0), { status: 400, body: { code: 'malformed' } }],
      ['/models/weather/predict', Buffer.from('{"inputs": []}'), { status: 400, body: { code: 'malformed' } }],
      ['/models/weather/predict', pack([array({ values: days.flat(2).with(5, NaN) })]), { status: 422, body: { code: 'invalid_value', pointer: '/inputs/x/0/1/1', detail: /NaN/ } }],
      ['/models/weather/predict', pack([array({ shape: [7, 4] })]), { status: 422, body: { code: 'wrong_shape', pointer: '/inputs/x' } }],
      ['/models/weather/predict?layers=lstm', pack([array()]), { status: 422, body: { code: 'invalid_value', detail: /no parameter "layers"/ } }]
    ]
    for (const [path, bytes, expected] of cases) {
      const answer = await post(path, bytes, { 'content-type': type })
      t.match(answer, expected, path)
      t.equal(answer.headers.get('content-type'), 'application/problem+json')
    }
  })
}

const codings: Readonly<Record<string, (bytes: Uint8Array) => Buffer>> = { gzip: gzipSync, deflate: deflateSync, ...(zstdCompressSync === undefined ? {} : { zstd: zstdCompressSync }) }
for (const [coding, compress] of Object.entries(codings)) {
  t.test(`bodies in ${coding}`, async (t) => {
    const json = Buffer.from(JSON.stringify({ inputs: days }))
    const { outputs } = (await call(`${url}/models/weather/predict`, { inputs: days })).body
    for (const [type, bytes] of [['application/json', json], ['application/x-npz', npz([array()])], ['application/vnd.safetensors', safetensors([array()])]] as const) {
      for (const name of [coding, coding.toUpperCase()]) {
        const answer = await post('/models/weather/predict', compress(bytes), { 'content-type': type, 'content-encoding': name })
        t.same(answer.body.outputs, outputs, type)
      }
      t.match(await post('/models/weather/predict', bytes, { 'content-type': type, 'content-encoding': coding }), { status: 400, body: { code: 'malformed', detail: RegExp(`is not ${coding}, as Content-Encoding says`) } })
      t.match(await post('/models/weather/predict', compress(bytes).subarray(0, -9), { 'content-type': type, 'content-encoding': coding }), { status: 400, body: { code: 'malformed' } })
    }
    const line = Buffer.concat([json, Buffer.of(10)])
    const lines = await post('/models/weather/predict', compress(Buffer.concat(Array<Buffer>(50).fill(line))), { 'content-type': 'application/x-ndjson', 'content-encoding': coding })
    t.same(lines.body.trim().split('\n').map((line: string) => JSON.parse(line).outputs), Array(50).fill(outputs))
  })

  t.test(`a bomb in ${coding}`, async (t) => {
    const bomb = compress(Buffer.alloc(80 * 2 ** 20, 32))
    t.match(await post('/models/weather/predict', bomb, { 'content-type': 'application/json', 'content-encoding': coding }), { status: 413, body: { code: 'too_large', detail: /64 MiB/ } })
  })
}

t.test('other codings are refused', async (t) => {
  for (const coding of ['br', 'gzip, gzip', 'constructor']) {
    const answer = await post('/models/weather/predict', Buffer.from('{}'), { 'content-type': 'application/json', 'content-encoding': coding })
    t.match(answer, { status: 415, body: { code: 'unsupported_media_type', detail: /as gzip, deflate/ } })
  }
  t.equal((await post('/models/weather/predict', Buffer.from(JSON.stringify({ inputs: days })), { 'content-type': 'application/json', 'content-encoding': 'identity' })).status, 200)
})

t.test('a body that stops in the middle is no more than that', async (t) => {
  const whole = gzipSync(JSON.stringify({ inputs: days }))
  const gone = send(`${url}/models/weather/predict`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': whole.length } })
  gone.on('error', () => {})
  gone.write(whole.subarray(0, 20))
  await wait(50)
  gone.destroy()
  t.equal((await call(`${url}/health/live`)).status, 200)
})

t.test('damaged bodies that nobody reads, or that are being answered, end nothing but themselves', async (t) => {
  const damaged = Buffer.alloc(50_000, 'x')
  for (const [path, headers, expected] of [
    ['/predict', { 'content-type': 'text/plain' }, 415], ['/nope', {}, 404], ['/models/weather/predict', { 'content-type': 'application/x-ndjson' }, 400],
    ['/models/weather/predict', { 'content-type': 'application/x-ndjson', 'accept-encoding': 'gzip' }, 400]
  ] as [string, Record<string, string>, number][]) {
    const answer = await post(path, damaged, { ...headers, 'content-encoding': 'gzip' })
    t.match(answer, { status: expected, body: { status: expected } }, path)
  }
  t.equal((await fetch(`${url}/models`, { headers: { 'content-encoding': 'gzip' } })).status, 200)
  const late = gzipSync(`${JSON.stringify({ inputs: days })}\n`.repeat(500))
  late[late.length - 3] ^= 255
  await t.rejects((await fetch(`${url}/models/weather/predict`, { method: 'POST', body: Buffer.from(late), headers: { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' } })).text(), 'the answer breaks off')
  t.equal((await call(`${url}/health/live`)).status, 200)
})

t.test('a source that fails while all places are taken is heard when one is free', async (t) => {
  const answers: number[] = []
  const source = async function * (): AsyncGenerator<number> {
    for (let n = 0; n < 8; n++) yield n
    throw new Error('broken off')
  }
  await t.rejects(async () => {
    for await (const n of inOrder(source(), async (n) => { await wait(20); return n })) answers.push(n)
  }, /broken off/)
  t.ok(answers.length > 0)
})

t.test('the limit of a body holds for its arrays too', async (t) => {
  const folder = t.testdir({ weather: {} })
  for (const name of ['model.h5', 'statescope.json']) copyFileSync(inProject(`models/weather/${name}`), join(folder, 'weather', name))
  const { server } = await start({ MODELS_DIR: folder, BODY_LIMIT_MB: '0.01', ENGINE: process.env.ENGINE ?? '' })
  t.teardown(server.close)
  const ask = async (bytes: Buffer): Promise<Response> => await fetch(`${server.url}/models/weather/predict`, { method: 'POST', body: Buffer.from(bytes), headers: { 'content-type': 'application/x-npz' } })
  t.equal((await ask(npz([array()], true))).status, 200)
  const large = await ask(zip([['x.npy', npy(array({ shape: [100, 7, 4], values: Array<number>(2800).fill(0) }))]], { deflated: true }))
  t.match({ status: large.status, words: await text(large.body!) }, { status: 413, words: /when they are decompressed, more than 10485/ })
})
