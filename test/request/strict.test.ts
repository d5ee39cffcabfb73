import fc from 'fast-check'
import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { strictJson } from '../../src/request/strict.ts'

const refused = (text: string, fields = false): string | null => {
  try {
    strictJson(text, fields)
    return null
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    t.equal(error.code, 'malformed')
    return error.message
  }
}

t.test('a text that means one thing is what JSON.parse gives', async (t) => {
  const texts = fc.oneof(fc.json(), fc.jsonValue().map((value) => JSON.stringify(value, null, 2)))
  const written = (text: string, parse: (text: string) => unknown): string => JSON.stringify(parse(text))
  t.doesNotThrow(() => { fc.assert(fc.property(texts.filter((text) => !/__proto__|prototype/.test(text)), (text) => written(text, strictJson) === written(text, JSON.parse)), { numRuns: 2000 }) })
  const many = `{${Array.from({ length: 5000 }, (_, n) => `"${n}": [{"a": ":", "b": "{\\"a\\":1,\\"a\\":2}"}, "a", "a"]`).join(', ')}}`
  t.same(strictJson(many), JSON.parse(many))
})

t.test('a key twice in one object, however it is written, is refused; in two objects it is not', async (t) => {
  const twice = ['{"a":1,"a":2}', '{"a":1,"b":{},"a":[]}', '[{"a":{"b":1,"b":1}}]', '{"a":1,"\\u0061":2}', '{"":1,"":1}', '{"a" : 1, "b": "a", "a"\n:1}', '{"\\"":1,"\\"":2}', '{"a\\\\":1,"a\\\\":2}', '{"a":[{"a":1}],"a":2}', '{"toString":1,"toString":2}']
  for (const text of twice) t.match(refused(text), /stands twice/, text)
  const once = ['{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"a":"a","b":"a:"}', '{"a":["a","a",":"],"b":"\\"a\\":1"}', '{"a":1,"A":1,"a ":1}', '"a"', '1', '{"a\\\\":1,"a":2}']
  for (const text of once) t.equal(refused(text), null, text)
  t.match(refused(`{"${'x'.repeat(100)}":1,"${'x'.repeat(100)}":1}`), /^The key "x{40}\.{3}" stands twice/, 'a long key is cut')
})

t.test('keys that reach into prototypes', async (t) => {
  const bad = ['{"__proto__":{}}', '[{"a":{"__proto__":1}}]', '{"\\u005f_proto__":1}', '{"constructor":{"prototype":{}}}', '{"a":[{"constructor":{"b":1,"prototype":1}}]}']
  for (const text of bad) t.match(refused(text), /"__proto__"/, text)
  for (const text of ['{"constructor":1}', '{"prototype":{}}', '{"a":"__proto__"}', '{"constructor":[{"prototype":1}]}', '{"a":{"constructor":{"b":{"prototype":1}}}}']) t.equal(refused(text), null, text)
  t.match(refused('{"constructor":1}', true), /"constructor"/, 'as a field of a request')
  t.equal(refused('{"initialState":{"constructor":{}}}', true), null, 'a layer may have that name')
})

t.test('what nests too deep', async (t) => {
  t.equal(refused(`${'['.repeat(100)}${']'.repeat(100)}`), null)
  for (const depth of [101, 10_000, 250_000]) {
    t.match(refused('['.repeat(depth) + ']'.repeat(depth)), /more than 100 deep/)
    t.match(refused(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`), /more than 100 deep/)
  }
})

t.test('what is no JSON is JSON.parse\'s to refuse', async (t) => {
  for (const text of ['', '{', '{"a":1', '{"a":1,}', '[1 2]', '{"a":NaN}', '{"__proto__":1']) t.throws(() => strictJson(text), SyntaxError, text)
})
