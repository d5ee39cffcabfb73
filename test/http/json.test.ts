import fc from 'fast-check'
import t from 'tap'
import { firstBreak } from '../../src/http/json.ts'

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
