import t from 'tap'
import { blocksOf, examplesOf } from './blocks.ts'
import { difference } from './compare.ts'

const agrees = (shown: string, given: string): boolean => difference(shown, given, 1e-5) === null

t.test('an answer is held against what is shown', async (t) => {
  t.ok(agrees('{"a": [1.5, -2e-3]}\n', '{"a":[1.5000001,-0.002]}'), 'white space, last digits and notation aside')
  t.notOk(agrees('{"a": 1.5}', '{"a": 1.50002}'))
  t.notOk(agrees('{"a": -1.5}', '{"a": 1.5}'))
  t.notOk(agrees('[32]', '[33]'), 'whole numbers are exact')
  t.notOk(agrees('[1, 2]', '[1, 2, 3]'))
  t.notOk(agrees('[12]', '[1, 2]'))
  t.notOk(agrees('{"unit": 1}', '{"units": 1}'))
  t.notOk(agrees('W_1 2', 'W_2 2'), 'the number in a name is a name')
})

t.test('what is left out may be anything, and what is shown must be there in its order', async (t) => {
  t.ok(agrees('{"a": [1.5, ...], ..., "z": 3}', '{"a":[1.5,2,3],"b":{"c":[1]},"z":3}'))
  t.ok(agrees('{"a": "sha256:4f...", "b": [...]}', '{"a":"sha256:4fa1b2","b":[]}'))
  t.ok(agrees('a ...', 'a'))
  t.notOk(agrees('{"a": 1, ..., "c": 2}', '{"a":1,"c":3}'))
  t.notOk(agrees('{"a": 1, ..., "c": 2}', '{"c":2,"a":1}'))
  t.notOk(agrees('{"a": 1, ...}', '{"a":2,"b":3}'))
  t.notOk(agrees('... 3', '3 4'))
  t.notOk(agrees('1.5 ... 1.5', '1.5'))
})

t.test('examples are joined with their answers, and with those they come after', async (t) => {
  const page = '<!-- example: one -->\n```r\na\n```\n\n<!-- answer: one -->\n```text\nA\n```\n<!-- example: two after one -->\n```r\nb\n```\n<!-- answer: two -->\n```text\nB\n```\n```json\n{}\n```\n'
  t.same(examplesOf(blocksOf(page)), [
    { name: 'one', language: 'r', code: 'a\n', answer: 'A\n' },
    { name: 'two', language: 'r', code: 'a\nb\n', answer: 'A\nB\n' }
  ])
  t.same(blocksOf(page).map(({ marker, line }) => [marker, line]), [['example: one', 2], ['answer: one', 7], ['example: two after one', 11], ['answer: two', 15], [null, 18]])
  t.throws(() => examplesOf(blocksOf(page.replace('answer: two', 'answer: three'))), /two needs one answer/)
  t.throws(() => examplesOf(blocksOf(page.replace('example: one', 'no'))), /comes after one/)
})
