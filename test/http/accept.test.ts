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
