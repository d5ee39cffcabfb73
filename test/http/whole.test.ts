import fastify, { type FastifyInstance } from 'fastify'
import { request as send, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { decompressBodies } from '../../src/http/bodies.ts'
import { freeBody, readJson } from '../../src/http/json.ts'
import { addWholeParser } from '../../src/http/whole.ts'
import { ScannedList } from '../../src/request/scanned.ts'

const limit = 3_000_000

/** An app that listens, with the errors of bodies in its answers. */
async function listening (t: { teardown: (close: () => Promise<void>) => void }, prepare: (app: FastifyInstance) => void): Promise<number> {
  const app = fastify({ bodyLimit: limit })
  app.setErrorHandler(async (error: Error & { code?: string, statusCode?: number }, _request, reply) => await reply.code(error.statusCode ?? 500).send({ code: error.code }))
  prepare(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => await app.close())
  return (app.server.address() as AddressInfo).port
}

interface Sent {
  readonly body: Buffer
  readonly headers?: Record<string, string | number>
  /** Bytes at a time, with a break after each, all at once where it is left out. */
  readonly piece?: number
  /** Goes away after so many bytes. */
  readonly until?: number
}

/** Status, `connection` and body of the answer; null to who went away. */
async function post (port: number, { body, headers = {}, piece = body.length, until = Infinity }: Sent): Promise<[number, string | undefined, string] | null> {
  const request = send({ port, method: 'POST', headers: { 'content-type': 'application/json', ...headers } })
  const answered = new Promise<IncomingMessage | null>((resolve) => { request.once('response', resolve).once('error', () => resolve(null)) })
  for (let at = 0; at < Math.min(body.length, until); at += Math.max(piece, 1)) {
    request.write(body.subarray(at, at + piece))
    if (piece < body.length) await wait(1)
  }
  if (until < body.length) request.destroy()
  else request.end()
  const answer = await answered
  return answer === null ? null : [answer.statusCode!, answer.headers.connection, String(await buffer(answer))]
}

const letters = (length: number): Buffer => Buffer.alloc(length, 'statescope ')

t.test("bodies are what Fastify's own reading makes of them, and so are their errors", async (t) => {
  const echo = async ({ body }: { body: unknown }): Promise<object> => ({ length: (body as Buffer).length, start: (body as Buffer).toString('latin1', 0, 20), sum: (body as Buffer).reduce((a, b) => (a * 31 + b) % 1e9, 0) })
  const prepare = (add: (app: FastifyInstance) => void) => (app: FastifyInstance) => {
    app.removeAllContentTypeParsers()
    decompressBodies(app)
    add(app)
    app.post('/', echo)
  }
  const ours = await listening(t, prepare((app) => addWholeParser(app, '*', (_request, bytes, done) => done(null, bytes))))
  const fastifys = await listening(t, prepare((app) => app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))))
  const zipped = (body: Buffer): Sent => ({ body: gzipSync(body, { level: 0 }), headers: { 'content-encoding': 'gzip' } })
  const long = (sent: Sent): Sent => ({ ...sent, headers: { ...sent.headers, 'content-length': sent.body.length } })
  const cases: [what: string, sent: Sent, status: number | null][] = [
    ['nothing', long({ body: Buffer.alloc(0) }), 200],
    ['one piece', long({ body: letters(1000) }), 200],
    ['one byte', long({ body: letters(1) }), 200],
    ['chunked', { body: letters(100_000), piece: 30_000 }, 200],
    ['many pieces', long({ body: letters(2_900_000) }), 200],
    ['slow pieces', long({ body: letters(200_000), piece: 17_001 }), 200],
    ['as large as may be', long({ body: letters(limit) }), 200],
    ['too large, announced', long({ body: letters(limit + 1), until: 0 }), 413],
    ['too large, chunked', { body: letters(limit + 1) }, 413],
    ['compressed', long(zipped(letters(500_000))), 200],
    ['compressed, chunked', { ...zipped(letters(500_000)), piece: 100_000 }, 200],
    ['compressed, too large in the end', zipped(letters(limit + 1)), 413],
    ['compressed, cut', long({ ...zipped(letters(50_000)), body: zipped(letters(50_000)).body.subarray(0, -5) }), 400],
    ['gone in the middle', long({ body: letters(500_000), piece: 100_000, until: 300_000 }), null]
  ]
  for (const [what, sent, status] of cases) {
    // Who announces too much is answered before anything is sent.
    const asked = sent.until === 0 ? { ...sent, body: Buffer.alloc(0), until: Infinity } : sent
    const [found, expected] = [await post(ours, asked), await post(fastifys, asked)]
    t.same(found, expected, what)
    t.equal(found?.[0] ?? null, status, what)
  }
})

t.test('what is injected into the app stays whole, and is held against Content-Length', async (t) => {
  const app = fastify()
  readJson(app)
  app.post('/', async (request) => {
    freeBody(request)
    return request.body
  })
  const payload = Buffer.from(new Uint8Array(Buffer.from('{"inputs": "as it is"}')).buffer)
  const answer = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json' }, payload })
  t.same([answer.statusCode, answer.body, String(payload)], [200, '{"inputs":"as it is"}', '{"inputs": "as it is"}'])
  for (const length of [payload.length - 1, payload.length + 1]) {
    const refused = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': 'application/json', 'content-length': length }, payload })
    t.match([refused.statusCode, refused.json()], [400, { code: 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' }])
  }
})

t.test('memory of bodies does not wait for the garbage collector', async (t) => {
  const held = (): number => process.memoryUsage().arrayBuffers
  const [numbers, letters] = [10_000, 1_000_000]
  const body = Buffer.from(`{"text": "${'x'.repeat(letters)}", "inputs": [${Array(numbers).fill('1').join()}]}`)
  let begun = 0
  let most = 0
  const port = await listening(t, (app) => {
    readJson(app)
    app.addHook('onRequest', async () => { begun = held() })
    app.post('/', { bodyLimit: 2 * body.length }, async (request) => {
      const before = held()
      freeBody(request)
      most = Math.max(most, before - begun)
      t.ok(before - held() >= body.length, 'the body is freed')
      return (request.body as { inputs: ScannedList }).inputs.shape
    })
  })
  for (let n = 0; n < 20; n++) t.match(await post(port, { body }), [200, /./, `[${numbers}]`])
  t.ok(most < 1.5 * body.length, `${most} bytes: the pieces of the body and the whole of it were there together`)
})

t.test('numbers can be read from a body until it is freed, whatever else arrives; then no others stand in their place', async (t) => {
  let early = false
  const port = await listening(t, (app) => {
    readJson(app)
    app.post('/', async (request) => {
      const { inputs } = request.body as { inputs: ScannedList }
      if (early) freeBody(request)
      await wait(30)
      const sum = inputs.doubles().reduce((a, b) => a + b, 0)
      freeBody(request)
      return { sum, singles: inputs.singles.length }
    })
  })
  const bodyOf = (n: number): { body: Buffer, expected: string } => {
    const inputs = Array.from({ length: 10_000 + n * 1000 }, (_, i) => (i + 1) / (n + 3))
    return { body: Buffer.from(JSON.stringify({ inputs })), expected: JSON.stringify({ sum: inputs.reduce((a, b) => a + b, 0), singles: inputs.length }) }
  }
  await Promise.all(Array.from({ length: 48 }, async (_, n) => {
    const { body, expected } = bodyOf(n % 12)
    if (n % 4 === 3) t.equal(await post(port, { body, piece: 50_000, until: 100_000, headers: { 'content-length': body.length } }), null)
    else t.match(await post(port, { body, ...(n % 4 === 2 ? { piece: 50_000 } : {}) }), [200, /./, expected])
  }))
  early = true
  const answers = await Promise.all(Array.from({ length: 8 }, async (_, n) => {
    const { body, expected } = bodyOf(n)
    const [status, , text] = (await post(port, { body }))!
    // Those read last may still be at hand.
    t.ok(status === 500 || text === expected, text)
    return status
  }))
  t.ok(answers.includes(500), 'freed too early is an error')
})
