import { request as open } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults } from '../../src/config.ts'
import { Fault } from '../../src/errors.ts'
import { inOrder, linesOf, patiently } from '../../src/http/ndjson.ts'
import { alike, call, inProject, serve } from './support.ts'

const { url, service } = await serve(t, inProject('models'))
const type = 'application/x-ndjson'

async function lines (path: string, body: string, headers: Record<string, string> = {}): Promise<{ status: number, type: string | null, lines: Record<string, any>[] }> {
  const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
  const text = await response.text()
  return { status: response.status, type: response.headers.get('content-type'), lines: text.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, any>) }
}

t.test('a request answered by a line for each sequence', async (t) => {
  const texts = ['abc', 'xyz', 'the', 'fox', 'and', 'cat', 'dog', 'owl', 'hen', 'ant']
  for (const path of ['/hidden-states', '/predict', '/models/chars/predict']) {
    const body = (text: string[]): object => ({ ...path.startsWith('/models') ? {} : { model: 'chars' }, inputs: { text } })
    const found = await lines(path, JSON.stringify(body(texts)), { 'content-type': 'application/json', accept: type })
    t.match(found, { status: 200, type })
    t.ok(alike(found.lines, await Promise.all(texts.map(async (text) => (await call(url + path, body([text]))).body))), path)
  }
  const wrong = await call(`${url}/hidden-states`, { model: 'chars', inputs: { text: texts }, steps: [9999] }, { accept: type })
  t.match(wrong, { status: 422, body: { code: 'invalid_value', pointer: '/steps/0' } })
  t.equal(wrong.headers.get('content-type'), 'application/problem+json')
})

t.test('lines of any lengths are answered in order, ids and own faults included', async (t) => {
  const body = [
    '{"id": "a", "inputs": {"text": "abc"}}', '', '{"id": 2, "inputs": {"text": ["In the beginning"]}}\r', '{"inputs": [1', '{"id": null, "inputs": {"text": ["a", "b"]}}',
    '[1]', '{"id": 7, "inputs": {"text": "a"}, "version": 1}', '{"inputs": {"text": "z"}, "tensors": "cell"}', '{"id": "last", "inputs": {"text": "the end"}}'
  ].join('\n')
  const found = await lines('/models/chars/hidden-states?steps=last', body)
  t.match(found, { status: 200, type })
  const alone = async (text: string, fields = {}): Promise<object> => (await call(`${url}/hidden-states`, { model: 'chars', inputs: { text: [text] }, steps: 'last', ...fields })).body
  t.ok(alike(found.lines[0], { id: 'a', ...await alone('abc') }), 'as alone')
  t.ok(alike(found.lines[1], { id: 2, ...await alone('In the beginning') }), 'as alone')
  t.match(found.lines[2], { status: 400, code: 'malformed', line: 4, detail: /^The line is not JSON: it ends too early/, instance: String })
  t.match(found.lines[3], { id: null, status: 422, code: 'wrong_shape', line: 5, pointer: '/inputs', detail: /one sequence, there are 2/ })
  t.match(found.lines[4], { status: 422, code: 'invalid_value', line: 6 })
  t.match(found.lines[5], { id: 7, code: 'invalid_value', line: 7, pointer: '/version' })
  t.ok(alike(found.lines[6], await alone('z', { tensors: 'cell' })), 'as alone')
  t.ok(alike(found.lines[7], { id: 'last', ...await alone('the end') }), 'as alone')
  t.equal(found.lines.length, 8)
})

t.test('what is wrong with the address is no stream', async (t) => {
  const line = '{"inputs": {"text": "a"}}\n'
  const cases: [path: string, headers: Record<string, string>, expected: object][] = [
    ['/models/nope/predict', {}, { status: 404, lines: [{ code: 'unknown_model' }] }],
    ['/models/chars/predict?version=9', {}, { status: 404, lines: [{ code: 'unknown_model' }] }],
    ['/models/chars/predict?layers=lstm', {}, { status: 422, lines: [{ code: 'invalid_value' }] }],
    ['/models/chars/predict', { accept: 'application/json' }, { status: 406, lines: [{ code: 'not_acceptable', detail: /x-ndjson\.$/ }] }],
    ['/predict', {}, { status: 415, lines: [{ code: 'unsupported_media_type', detail: /\/models\/ID\/predict/ }] }]
  ]
  for (const [path, headers, expected] of cases) t.match(await lines(path, line, headers), { type: 'application/problem+json', ...expected }, path)
})

t.test('a line is answered before the next is sent', async (t) => {
  const request = open(`${url}/models/chars/predict`, { method: 'POST', headers: { 'content-type': type } })
  request.write('{"id": 1, "inputs": {"text": "a"}}\n')
  const answers = await new Promise<AsyncIterator<string>>((resolve) => request.on('response', (response) => resolve(response.setEncoding('utf8')[Symbol.asyncIterator]())))
  t.match(JSON.parse((await answers.next()).value), { id: 1 })
  request.end('{"id": 2, "inputs": {"text": "b"}}')
  t.match(JSON.parse((await answers.next()).value), { id: 2 })
  t.equal((await answers.next()).done, true)
})

t.test('the limit of a body is that of a line, not of all of them', async (t) => {
  const small = await buildApp({ ...defaults(), LOG_LEVEL: 'silent', BODY_LIMIT_MB: 0.001 }, () => service)
  t.teardown(async () => { await small.close() })
  const line = '{"inputs": {"text": "abc"}}\n'
  const { body } = await small.inject({ method: 'POST', url: '/models/chars/predict', headers: { 'content-type': type }, payload: line.repeat(50) + ' '.repeat(2000) + line.repeat(2) })
  const answers = body.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, any>)
  t.equal(answers.length, 52)
  t.match(answers[50], { status: 413, code: 'too_large', line: 51, detail: /longer than 1048 bytes.*BODY_LIMIT_MB/ })
  t.same(answers[51].outputs, answers[0].outputs)
})

t.test('who goes away leaves the service as it was', async (t) => {
  const request = open(`${url}/models/chars/predict`, { method: 'POST', headers: { 'content-type': type } }).on('error', () => {})
  request.write('{"inputs": {"text": "a"}}\n'.repeat(1000))
  await new Promise((resolve) => request.once('response', (response) => response.on('error', () => {}).once('data', resolve)))
  request.destroy()
  t.equal((await call(`${url}/predict`, { model: 'chars', inputs: { text: ['a'] } })).status, 200)
})

t.test('lines are found wherever the pieces of a body end', async () => {
  const text = fc.array(fc.string({ unit: 'grapheme', maxLength: 6 }).map((line) => line.replaceAll('\n', '')), { maxLength: 8 })
  await fc.assert(fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 }), async (all, piece, limit) => {
    const bytes = Buffer.from(all.join('\n'))
    const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, n) => bytes.subarray(n * piece, (n + 1) * piece))
    const found = []
    for await (const line of linesOf(Readable.from(pieces), limit)) found.push({ number: line.number, text: line.bytes?.toString() ?? null })
    const expected = all.map((line, n) => ({ number: n + 1, text: Buffer.byteLength(line) > limit ? null : line })).filter(({ text }) => text === null || text.trim() !== '')
    return JSON.stringify(found) === JSON.stringify(expected)
  }), { numRuns: 300 })
})

t.test('answers keep the order, and no item is taken for which there is no room', async (t) => {
  let taken = 0
  let running = 0
  let most = 0
  function * items (): Generator<number> {
    try {
      while (true) yield taken++
    } finally {
      taken = -1
    }
  }
  const found: number[] = []
  for await (const answer of inOrder(items(), async (item) => {
    most = Math.max(most, ++running)
    await wait(item % 3)
    running--
    return item
  })) {
    found.push(answer)
    // Nobody reads: nothing more is taken.
    if (found.length === 20) {
      await wait(20)
      t.ok(taken <= 20 + 10, `${taken} taken`)
    }
    if (found.length === 50) break
  }
  t.same(found, Array.from({ length: 50 }, (_, n) => n))
  t.equal(most, 8)
  await wait(1)
  t.equal(taken, -1, 'the source is let go')
})

t.test('a full queue is waited for, other faults are not', async (t) => {
  let times = 0
  const idle = { full: () => false }
  t.equal(await patiently(idle, async () => {
    if (times++ < 2) throw new Fault('queue_full', 'full')
    return 'done'
  }), 'done')
  t.equal(times, 3)
  await t.rejects(patiently(idle, async () => { throw new Fault('unsound', 'no') }), { code: 'unsound' })
})

t.test('a stream leaves half of the queue to others, for a while', async (t) => {
  const asked: unknown[] = []
  let busy = 3
  const half = { full: (share?: number) => { asked.push(share); return busy-- > 0 } }
  t.equal(await patiently(half, async () => busy), -1, 'it has waited until there was room')
  t.same(asked, [0.5, 0.5, 0.5, 0.5])
  t.equal(await patiently({ full: () => true }, async () => 'run'), 'run', 'and not for ever')
})
