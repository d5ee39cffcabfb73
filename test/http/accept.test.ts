import t from 'tap'
import type { Fault } from '../../src/errors.ts'
import { formatFor } from '../../src/http/accept.ts'

t.test('what an Accept header asks for', async (t) => {
  for (const header of [undefined, '*/*', 'application/json', 'APPLICATION/JSON', 'application/*', 'text/html, */*;q=0.1', 'application/json; charset=utf-8', 'text/html,application/json;q=0.9']) {
    t.equal(formatFor(header), 'json', String(header))
  }
  for (const header of ['text/html', 'application/json;q=0', '*/*;q=0', 'application/json;q=0, */*', 'application/jsonx', '', 'application/json;q=x']) {
    try {
      formatFor(header)
      t.fail(header)
    } catch (error) {
      t.match(error as Fault, { code: 'not_acceptable', message: /application\/json/ }, JSON.stringify(header))
    }
  }
})

t.test('a route of several formats', async (t) => {
  const all = ['json', 'npz', 'safetensors'] as const
  const wishes: [string | undefined, string][] = [
    [undefined, 'json'], ['*/*', 'json'], ['application/*', 'json'], ['application/x-npz', 'npz'], ['application/vnd.safetensors, */*;q=0.5', 'safetensors'],
    ['application/json;q=0.2, application/x-npz;q=0.8', 'npz'], ['application/json, application/x-npz', 'json'], ['application/json;q=0, */*', 'npz']
  ]
  for (const [header, format] of wishes) t.equal(formatFor(header, all), format, String(header))
  t.throws(() => formatFor('text/csv', all), { code: 'not_acceptable', message: /application\/json or application\/x-npz or application\/vnd\.safetensors/ })
})
