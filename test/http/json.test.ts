import fastify from 'fastify'
import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { firstBreak, readJson } from '../../src/http/json.ts'
import { ScannedList } from '../../src/request/scanned.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('where a body stops being JSON', async (t) => {
  const cases: [text: string, found: string][] = [
    ['{"a": [1, NaN]}', 'NaN]}'],
    ['[1, -Infinity]', '-Infinity]'],
    ['[1,]', ']'],
    ['{"a": 1,}', '}'],
    ['{"a" 1}', '1}'],
    ["{'a': 1}", "'a': 1}"],
    ['[1 2]', '2]'],
    ['[01]', '01]'],
    ['[1.]', '1.]'],
    ['[+1]', '+1]'],
    ['[1]]', ']'],
    ['[1}', '}'],
    ['["a\nb"]', '\nb"]'],
    ['["\\x"]', '\\x"]'],
    ['[tru]', 'tru]'],
    ['\ufeff[1]', '\ufeff[1]']
  ]
  for (const [text, found] of cases) t.equal(text.slice(firstBreak(text) ?? 0), found, JSON.stringify(text))
  for (const text of ['', ' ', '[1, 2', '{"a"', '{"a":', '{"a": "b', '[1,']) t.equal(firstBreak(text), text.length, `${JSON.stringify(text)} ends too early`)
})

t.test('agrees with JSON.parse on what is JSON', async (t) => {
  t.doesNotThrow(() => { fc.assert(fc.property(fc.json(), (text) => firstBreak(text) === null), { numRuns: 500 }) })
  const pieces = fc.array(fc.constantFrom('[', ']', '{', '}', ',', ':', '"a"', '"\\u00e9"', '"', '1', '-0.5e3', '-', '.', 'true', 'null', 'NaN', ' ', '\n', '\\'), { maxLength: 8 })
  t.doesNotThrow(() => { fc.assert(fc.property(pieces, (parts) => (firstBreak(parts.join('')) === null) === isJson(parts.join(''))), { numRuns: 5000 }) })
})

t.test('deep nesting is no recursion', async (t) => {
  t.equal(firstBreak('['.repeat(1_000_000)), 1_000_000)
})

t.test('bodies, with the inputs read from their bytes', async (t) => {
  const app = fastify({ bodyLimit: 100 })
  readJson(app)
  app.setErrorHandler(async (error: Error & { code?: string, statusCode?: number }, _request, reply) =>
    await reply.code(error instanceof Fault ? error.status : error.statusCode ?? 500).send({ code: error.code, message: error.message }))
  app.post('/', async ({ body }) => JSON.stringify(body, (_, value: unknown) => value instanceof ScannedList ? { shape: value.shape, data: [...value.singles] } : value))
  const send = async (payload: string | Buffer, type = 'application/json'): Promise<[number, unknown]> => {
    const response = await app.inject({ method: 'POST', url: '/', headers: { 'content-type': type }, payload })
    return [response.statusCode, response.json()]
  }
  const inputs = { shape: [2, 1], data: [1, -0.5] }
  t.same(await send('{"inputs": [[1], [-5e-1]], "model": "m"}'), [200, { inputs, model: 'm' }])
  t.same(await send('{"inputs": {"x": [[1], [-5e-1]]}}', 'application/json; charset=utf-8'), [200, { inputs: { x: inputs } }])
  t.same(await send('\ufeff{"inputs": [1]}'), [200, { inputs: [1] }], 'a byte order mark is no part of the text')
  t.same(await send(Buffer.from('7b22696e70757473223a5b5b315d2c5b2d302e355d5d2c2261223a22ff227d', 'hex')), [200, { inputs, a: '\ufffd' }], 'bytes that are not UTF-8 in a string')
  t.same(await send('[1]'), [200, [1]])
  const refused: [body: string, status: number, code: string, message: RegExp][] = [
    ['', 400, 'FST_ERR_CTP_EMPTY_JSON_BODY', /empty/],
    ['{"inputs": [1, NaN]}', 400, 'malformed', /"NaN" at line 1, column 16 cannot stand there. JSON has no such number/],
    ['{"inputs": [[1],\n[02]]}', 400, 'malformed', /"02" at line 2, column 2 cannot/],
    ['{"inputs": [[1]', 400, 'malformed', /ends too early, at line 1, column 16/],
    ['{"inputs": [1]} 2', 400, 'malformed', /"2" at line 1, column 17 cannot/],
    ['{"inputs": [1], "__proto__": {}}', 400, 'malformed', /"__proto__"/],
    ['{"inputs": {"__proto__": [1]}}', 400, 'malformed', /"__proto__"/],
    ['{"inputs": {"constructor": {"data": [1], "prototype": [1]}}}', 400, 'malformed', /"constructor" with a "prototype"/],
    ['{"inputs": [1], "constructor": 1}', 400, 'malformed', /"constructor"/],
    ['{"inputs": [1], "model": "a", "model": "b"}', 400, 'malformed', /^The key "model" stands twice/],
    ['{"inputs": [1], "inputs": [2]}', 400, 'malformed', /^The key "inputs" stands twice/],
    ['{"inputs": {"x": [1], "x": [2]}}', 400, 'malformed', /^The key "x" stands twice/],
    ['{"inputs": {"x": {"data": [1], "shape": [1], "data": [2]}}}', 400, 'malformed', /^The key "data" stands twice/],
    ['{"inputs": [1], "a": {"b": 1, "b": 2}}', 400, 'malformed', /^The key "b" stands twice/],
    [`{"inputs": [${'1,'.repeat(50)}1]}`, 413, 'FST_ERR_CTP_BODY_TOO_LARGE', /too large/]
  ]
  for (const [body, status, code, message] of refused) t.match(await send(body), [status, { code, message }], body)
})
