import { request as send } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import zlib from 'node:zlib'
import Fastify from 'fastify'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults } from '../../src/config.ts'
import { codingFor, compressAnswers, onlyCoding } from '../../src/http/compress.ts'
import { call, inProject, serve } from './support.ts'

const { url, service } = await serve(t, inProject('models'))
const { gunzipSync, inflateSync } = zlib
const { zstdDecompressSync } = zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Buffer }
const best = zstdDecompressSync === undefined ? 'gzip' : 'zstd'

t.test('what an Accept-Encoding asks for', async (t) => {
  for (const [header, coding] of [
    [undefined, null], ['', null], ['gzip', 'gzip'], ['GZIP', 'gzip'], ['x-gzip', 'gzip'], ['gzip, deflate, br', 'gzip'], ['gzip, deflate, br, zstd', best], ['zstd;q=0.5, gzip;q=0.9', 'gzip'],
    ['deflate', null], ['br', null], ['*', null], ['identity', null], ['gzip;q=0', null], ['gzip;q=0.0, *', null], ['gzip;q=0.5, identity', null], ['gzip;q=0.5, identity;q=0.5', 'gzip'],
    ['identity;q=0', null], ['identity;q=0, gzip;q=0.1', 'gzip'], ['gzip ; q=0.3', 'gzip'], ['gzip;q=x', null], ['constructor', null], ['br;q=1, gzip;q=0.2, *;q=0', 'gzip']
  ] as const) t.equal(codingFor(header), coding, String(header))
  for (const [header, coding] of [[undefined, null], ['gzip', 'gzip'], ['deflate', 'deflate'], ['gzip, deflate', null], ['gzip, deflate, br', null], ['zstd', null], ['identity', null]] as const) t.equal(onlyCoding(header), coding, String(header))
})

/** An answer as it is on the wire: fetch would undo its coding. */
async function ask (path: string, headers: Record<string, string>, body?: object, method = body === undefined ? 'GET' : 'POST'): Promise<{ status: number, headers: NodeJS.Dict<string | string[]>, bytes: Buffer }> {
  return await new Promise((resolve, reject) => {
    const request = send(url + path, { method, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
      buffer(response).then((bytes) => resolve({ status: response.statusCode!, headers: response.headers, bytes }), reject)
    }).once('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

// One sequence: the receipt is always of that one, and the answers are the same to the byte.
const inputs = { text: ['In the beginning was the Wo'] }
const paths: readonly (readonly [path: string, accept: string, body?: object])[] = [
  ['/models/chars/hidden-states', 'application/json', { inputs }], ['/models/chars/hidden-states', 'application/x-ndjson', { inputs }],
  ['/models/chars/hidden-states', 'application/x-npz', { inputs }], ['/models/chars/hidden-states', 'application/vnd.safetensors', { inputs }],
  ['/hidden-states', 'application/json', { model: 'chars', inputs }], ['/models/chars/weights', 'application/json'], ['/models/chars/weights', 'application/x-npz'],
  ['/models/chars/weights', 'application/vnd.safetensors'], ['/models/chars', 'application/json']
]
const undo: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, ...(zstdDecompressSync === undefined ? {} : { zstd: zstdDecompressSync }) }

for (const [path, accept, body] of paths) {
  t.test(`${path} as ${accept}`, async (t) => {
    const plain = await ask(path, { accept }, body)
    t.equal(plain.status, 200)
    t.equal(plain.headers['content-encoding'], undefined)
    t.equal(plain.headers.vary, 'Accept-Encoding')
    for (const [coding, decompress] of Object.entries(undo)) {
      const packed = await ask(path, { accept, 'accept-encoding': coding }, body)
      t.equal(packed.status, 200)
      t.equal(packed.headers['content-encoding'], coding)
      t.equal(packed.headers.vary, 'Accept-Encoding')
      t.equal(packed.headers['content-type'], plain.headers['content-type'])
      t.equal(packed.headers['content-length'], undefined)
      t.ok(packed.bytes.length < plain.bytes.length)
      t.ok(decompress(packed.bytes).equals(plain.bytes))
    }
  })
}

t.test('bytes that look compressed are answers like any other', async (t) => {
  const app = Fastify()
  compressAnswers(app, codingFor)
  // The header of a safetensors file of 376 bytes, as zlib's streams start, and the magic of gzip.
  const answers = [Buffer.concat([Buffer.from([0x78, 1, 0, 0, 0, 0, 0, 0]), Buffer.alloc(3000, 32)]), Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), Buffer.alloc(3000, 32)])]
  app.get('/:n', async (request, reply) => reply.type('application/vnd.safetensors').send(answers[Number((request.params as { n: string }).n)]))
  for (const [n, answer] of answers.entries()) {
    const { headers, rawPayload } = await app.inject({ url: `/${n}`, headers: { 'accept-encoding': 'gzip' } })
    t.equal(headers['content-encoding'], 'gzip')
    t.ok(gunzipSync(rawPayload).equals(answer))
  }
  await app.close()
})

t.test('left as they are: short answers, problems, those of other routes, HEAD', async (t) => {
  const headers = { 'accept-encoding': 'gzip' }
  for (const [path, body] of [['/models/weather/predict', { inputs: (await call(`${url}/models/weather/sample`)).body.inputs }], ['/models/nobody', undefined], ['/health/ready', undefined], ['/v2/models/chars', undefined]] as const) {
    const answer = await ask(path, headers, body)
    t.equal(answer.headers['content-encoding'], undefined, path)
    t.equal(JSON.parse(answer.bytes.toString()) instanceof Object, true)
  }
  const head = await ask('/models/chars/weights', headers, undefined, 'HEAD')
  t.equal(head.headers['content-encoding'], undefined)
  t.equal(Number(head.headers['content-length']), (await ask('/models/chars/weights', {})).bytes.length)
})

t.test('over /v2 where a client asks for one coding by name', async (t) => {
  const { body: { inputs } } = await call(`${url}/models/weather/sample`)
  const names = (await call(`${url}/v2/models/weather`)).body.outputs.map(({ name }: { name: string }) => name)
  const [input] = (await call(`${url}/v2/models/weather`)).body.inputs
  const body = { inputs: [{ name: input.name, datatype: 'FP32', shape: [inputs.length, 7, 4], data: inputs }], outputs: names.map((name: string) => ({ name })) }
  const plain = await ask('/v2/models/weather/infer', {}, body)
  t.ok(plain.bytes.length > 1024, 'long enough')
  for (const [coding, decompress] of [['gzip', gunzipSync], ['deflate', inflateSync]] as const) {
    const packed = await ask('/v2/models/weather/infer', { 'accept-encoding': coding }, body)
    t.equal(packed.headers['content-encoding'], coding)
    t.same(JSON.parse(decompress(packed.bytes).toString()).outputs, JSON.parse(plain.bytes.toString()).outputs)
  }
  t.equal((await ask('/v2/models/weather/infer', { 'accept-encoding': 'gzip, deflate' }, body)).headers['content-encoding'], undefined)
})

t.test('each line of a stream is there as soon as it is written', async (t) => {
  const { body: { inputs } } = await call(`${url}/models/chars/sample`)
  const line = `${JSON.stringify({ inputs })}\n`
  for (const [coding, decoder] of [['gzip', zlib.createGunzip()], ...(zstdDecompressSync === undefined ? [] : [['zstd', (zlib as unknown as { createZstdDecompress: () => zlib.Gunzip }).createZstdDecompress()]])] as [string, zlib.Gunzip][]) {
    const read = { lines: 0 }
    await new Promise<void>((resolve, reject) => {
      const request = send(`${url}/models/chars/hidden-states`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson', 'accept-encoding': coding } }, (response) => {
        t.equal(response.headers['content-encoding'], coding)
        response.pipe(decoder).on('data', (chunk: Buffer) => {
          for (const byte of chunk) if (byte === 10) read.lines++
        }).once('end', resolve)
      }).once('error', reject)
      const write = async (): Promise<void> => {
        for (let sent = 1; sent <= 3; sent++) {
          request.write(line)
          // The next is sent only when the answer to this one has been read.
          for (let tries = 0; read.lines < sent && tries < 1000; tries++) await wait(10)
          t.equal(read.lines, sent)
        }
        request.end()
      }
      write().catch(reject)
    })
  }
})

t.test('who goes away in the middle of an answer stops it', async (t) => {
  const { body: { inputs } } = await call(`${url}/models/chars/sample`)
  const line = `${JSON.stringify({ inputs })}\n`
  const request = send(`${url}/models/chars/hidden-states`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson', accept: 'application/x-ndjson', 'accept-encoding': 'gzip' } })
  request.on('error', () => {})
  request.write(line)
  await new Promise<void>((resolve) => request.once('response', (response) => response.on('error', () => {}).once('data', () => resolve())))
  request.destroy()
  t.equal((await call(`${url}/models/chars/predict`, { inputs })).status, 200)
})

t.test('a client that leaves before its compressed answer is no error', async (t) => {
  const lines: string[] = []
  let [asked, release] = [(): void => {}, (): void => {}]
  const [running, held] = [new Promise<void>((resolve) => { asked = resolve }), new Promise<void>((resolve) => { release = resolve })]
  const pool: typeof service.pool = {
    ...service.pool,
    run: async (...job) => {
      asked()
      await held
      return await service.pool.run(job[0], job[1])
    }
  }
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'info' }, () => ({ ...service, pool }), { write: (line) => lines.push(line) })
  t.teardown(async () => { await app.close() })
  const { hostname, port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const body = JSON.stringify({ model: 'weather', inputs: (await call(`${url}/models/weather/sample`)).body.inputs })
  const client = send({ hostname, port, path: '/hidden-states', method: 'POST', headers: { 'content-type': 'application/json', 'accept-encoding': 'gzip' } })
  client.on('error', () => {}).end(body)
  await running
  client.destroy()
  while (!lines.some((line) => line.includes('"status":499'))) await wait(10)
  release()
  t.equal((await call(`http://${hostname}:${port}/predict`, body)).status, 200)
  await wait(100)
  t.same(lines.filter((line) => JSON.parse(line).level >= 50), [])
})
