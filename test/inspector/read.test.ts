import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { carriedBy, hashOf } from '../../src/inspector/input/address.ts'
import { readJson } from '../../src/inspector/input/json.ts'
import { sourceOf } from '../../src/inspector/input/open.ts'
import type { Takes } from '../../src/inspector/input/reading.ts'
import { textsOf, windowOf, wordsOf } from '../../src/inspector/input/text.ts'
import { codingOf, windowOf as served } from '../../src/request/coding.ts'

const model: Takes = { id: 'm', version: 2, inputs: [{ name: 'x', shape: [null, 2, 2], dtype: 'float32' }] }
const two: Takes = { id: 'm', version: 2, inputs: [{ name: 'a', shape: [null, 2, 1], dtype: 'float32' }, { name: 'b', shape: [null, 2], dtype: 'float32' }] }
const inputs = [[[1, 2], [3, 4]]]

t.test('JSON: inputs alone, a whole body, and arrays in other forms', async (t) => {
  t.same(readJson(JSON.stringify(inputs), model), { inputs, said: [] })
  t.same(readJson(JSON.stringify({ model: 'm', version: 2, inputs, raw: true }), model), { inputs, raw: true, said: [] })
  t.same(readJson(JSON.stringify({ inputs }), model), { inputs, raw: false, said: [] }, 'a request without raw gives scaled numbers')
  t.match(readJson(JSON.stringify({ inputs, layers: 'lstm', steps: 'last' }), model).said, [/layers, steps/])
  t.same(readJson('{"shape": [1, 2, 2], "order": "F", "data": [1, 3, 2, 4]}', model).inputs, inputs)
  t.same(readJson(JSON.stringify({ x: { shape: [1, 2, 2], dtype: 'float64', data: Buffer.from(new Float64Array([1, 2, 3, 4]).buffer).toString('base64') } }), model).inputs, { x: inputs })
  t.same(readJson('{"oneHot": [[0, 1]]}', model).inputs, [[[1, 0], [0, 1]]])
  t.same(readJson('{"text": ["ab"]}', model).inputs, { text: ['ab'] })
  t.same(readJson('{"oneHot": [[0, 2]]}', model).inputs, { oneHot: [[0, 2]] }, 'what is wrong is left for the service to refuse')
})

t.test('JSON that means something else is refused', async (t) => {
  for (const [text, words] of [
    ['{"model": "other", "inputs": []}', /for the model "other"/],
    ['{"version": 1, "inputs": []}', /for version 1/],
    ['{"inputs": [], "initialState": {}}', /initialState/],
    ['{"inputs": [], "raw": "yes"}', /raw is true or false/],
    ['[[[1, NaN]]]', /not JSON: .*JSON has no NaN/],
    ['', /nothing in it/],
    ['[[1,', /not JSON/]
  ] as const) t.throws(() => readJson(text, model), { message: words })
})

t.test('lines: a sequence each', async (t) => {
  const line = (value: unknown): string => JSON.stringify({ inputs: value })
  t.same(readJson([line([[1, 2], [3, 4]]), '', line([[[5, 6], [7, 8]]])].join('\n'), model).inputs, [[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
  t.same(readJson([line({ text: 'ab' }), line({ text: ['cd'] })].join('\n'), model).inputs, { text: ['ab', 'cd'] })
  t.same(readJson([line({ a: [[1], [2]], b: [3, 4] }), line({ a: [[5], [6]], b: [7, 8] })].join('\r\n'), two).inputs, { a: [[[1], [2]], [[5], [6]]], b: [[3, 4], [7, 8]] })
  for (const [lines, words] of [
    [[line([[1, 2], [3, 4]]), '{"inputs": [1,'], /^Line 2 is not JSON/],
    [[line([[1, 2], [3, 4]]), '[[1, 2]]'], /^Line 2 has no "inputs"/],
    [[line([[1, 2], [3, 4]]), line([[1, 2]])], /^Line 2 has 1 steps, line 1 has 2/],
    [[line([[1, 2], [3, 4]]), line([[[1, 2], [3, 4]], [[1, 2], [3, 4]]])], /^Line 2 holds 2 sequences/],
    [[line([[1, 2], [3, 4]]), line({ text: 'ab' })], /^Line 2 is not in the same form/],
    [[line([[1, 2]]), '{"inputs": [[1, 2]], "raw": true}'], /Some lines say "raw"/]
  ] as const) t.throws(() => readJson(lines.join('\n'), model), { message: words })
  t.throws(() => readJson([line({ a: [[1], [2]] }), line({ a: [[1], [2]] })].join('\n'), two), { message: /^Line 1 has no input b/ })
})

t.test('files are known by their names and first bytes', async (t) => {
  const kind = (name: string, text: string | number[]): string => sourceOf(name, typeof text === 'string' ? new TextEncoder().encode(text) : Uint8Array.from(text), { ...model, text: { alphabet: ['a'], encoding: 'ids' } }).kind
  t.same(['my.h5', 'my.HDF5', 'my.keras'].map((name) => kind(name, 'x')), ['model', 'model', 'model'])
  t.equal(kind('data', [0x89, 0x48, 0x44, 0x46]), 'model')
  t.equal(kind('model.json', '{"modelTopology": {}}'), 'model')
  t.equal(kind('model.json', '{"class_name": "Sequential", "config": {}}'), 'model')
  t.same([kind('a.json', '{"inputs": []}'), kind('a.ndjson', ''), kind('a.npy', ''), kind('a.csv', ''), kind('a.txt', ''), kind('a', ' [1]')], ['json', 'lines', 'npz', 'csv', 'text', 'json'])
  t.throws(() => kind('a.csv', [0xff, 0xfe, 0x31, 0]), { message: /UTF-8/ })
})

t.test('a link carries inputs and gives them back; one that is damaged gives none', async (t) => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 3 }), fc.string(), (value, name) => {
    const hash = hashOf({ inputs: value, name })
    if (hash === null) return true
    return /^#inputs=[\w-]+$/.test(hash) && JSON.stringify(carriedBy(hash)) === JSON.stringify({ inputs: value, name })
  }), { numRuns: 200 })
  const hash = hashOf({ inputs, name: 'days.csv' })!
  for (let length = 9; length < hash.length; length++) t.equal(carriedBy(hash.slice(0, length)), undefined)
  t.equal(carriedBy(''), null)
  t.equal(carriedBy('#view'), null)
  t.equal(hashOf({ inputs: Array.from({ length: 20_000 }, (_, n) => Math.sin(n)), name: 'much' }), null, 'too many for a link')
})

t.test('a text is shown as the service reads it', async (t) => {
  const chars = JSON.parse(readFileSync('models/chars/statescope.json', 'utf8')).text
  const nextchar = JSON.parse(readFileSync('models/nextchar/statescope.json', 'utf8')).text
  for (const [coding, steps] of [[chars, 40], [nextchar, 3], [{ ...chars, maxlen: undefined, pad: undefined, unknown: '?' }, null]] as const) {
    const expected = [null, steps, coding.alphabet.length]
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.boolean(), (text, known) => {
      const own = known ? [...text].map((character) => coding.alphabet[character.codePointAt(0)! % coding.alphabet.length]).join('') : text
      let indices: number[] | null = null
      try {
        indices = served(own, codingOf(coding, expected, ''), expected, '')
      } catch { /* The service refuses a character: nothing is shown then. */ }
      if (indices === null) return coding.unknown === undefined
      const { characters, padded, cut } = windowOf(own, coding, steps)
      const lower = [...own.toLowerCase()].length
      return JSON.stringify(characters) === JSON.stringify(indices.map((id) => id < 0 ? '' : coding.alphabet[id])) && padded === Math.max(0, (steps ?? 0) - lower) && cut === (steps === null ? 0 : Math.max(0, lower - steps))
    }), { numRuns: 200 })
  }
  t.same(wordsOf(['And é', 'x'.repeat(42)], chars, 40), ['The model reads lower case.', 'Of text 1 the model reads the last 40 characters; 2 characters before them are not read.',
    'In front of text 0: 35 steps of zeros, as statescope.json says.', 'Not in the alphabet, and read as a step of zeros in text 0: "é".'])
  t.same(textsOf('a\nb\n', chars), ['a', 'b'])
  t.same(textsOf('a\nb', { alphabet: ['a', '\n', 'b'], encoding: 'ids' }), ['a\nb'])
  t.throws(() => textsOf('a\n\nb', chars), { message: /^Line 2 is empty/ })
})
