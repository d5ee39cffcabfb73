import t from 'tap'
import fc from 'fast-check'
import { Fault } from '../../src/errors.ts'
import type { Values } from '../../src/model.ts'
import type { TextCoding } from '../../src/registry/meta.ts'
import { decodeRequest } from '../../src/request/decode.ts'
import { graphOf, layer, sequences, served } from './models.ts'

type Model = Parameters<typeof decodeRequest>[1]

const read = (inputs: unknown, model: Model, more: object = {}): Values => Object.values(decodeRequest({ inputs, ...more }, model).batch.inputs)[0]
const plain = ({ shape, data }: Values): [readonly number[], number[]] => [shape, [...data]]

function refusal (inputs: unknown, model: Model): [string, string | undefined, string] {
  try {
    read(inputs, model)
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.pointer, error.message]
    throw error
  }
  return ['none', undefined, '']
}

const base64 = (view: ArrayBufferView): string => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('base64')

const open = sequences(null, 2)
const six = [1, 2, 3, 4, 5, 6]
const shape = [1, 3, 2]

t.test('shape and data: every dtype, both orders', async (t) => {
  const expected = [shape, six]
  t.same(plain(read({ shape, data: six }, open)), expected)
  t.same(plain(read({ x: { shape, data: six } }, open)), expected)
  const arrays: Record<string, ArrayBufferView> = {
    float32: Float32Array.from(six),
    float64: Float64Array.from(six),
    uint8: Uint8Array.from(six),
    int32: Int32Array.from(six),
    int64: BigInt64Array.from(six.map(BigInt)),
    float16: Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600)
  }
  for (const [dtype, array] of Object.entries(arrays)) t.same(plain(read({ shape, dtype, data: base64(array) }, open)), expected, dtype)
  t.same(plain(read({ shape, data: base64(arrays.float32) }, open)), expected, 'float32 by default')
  // NumPy: np.arange(1, 7).reshape(1, 3, 2).flatten('F') is 1, 3, 5, 2, 4, 6.
  t.same(plain(read({ shape, order: 'F', data: [1, 3, 5, 2, 4, 6] }, open)), expected)
  t.same(plain(read({ shape, order: 'F', data: base64(Float32Array.of(1, 3, 5, 2, 4, 6)) }, open)), expected)
  // np.arange(12).reshape(2, 3, 2).flatten('F')
  t.same(read({ shape: [2, 3, 2], order: 'F', data: [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11] }, open).data, Float32Array.from({ length: 12 }, (_, n) => n))
})

t.test('half precision: subnormals, signs, the largest', async (t) => {
  const one = sequences(1, 4)
  t.same(read({ shape: [1, 1, 4], dtype: 'float16', data: base64(Uint16Array.of(0x0001, 0x8400, 0x7bff, 0x3555)) }, one).data,
    Float32Array.of(2 ** -24, -(2 ** -14), 65504, 0.333251953125))
  t.match(refusal({ shape: [1, 1, 4], dtype: 'float16', data: base64(Uint16Array.of(0, 0, 0x7c00, 0)) }, one), ['invalid_value', '/inputs/data', /finite numbers, got Infinity as number 2/])
})

t.test('shape and data: what is refused', async (t) => {
  const good = { shape, data: six }
  const cases: [object, string, string, RegExp][] = [
    [{ shape, data: [1, 2] }, 'wrong_shape', '/inputs/data', /expected 6 numbers for this shape, got 2/],
    [{ shape: [1, 2, 3], data: six }, 'wrong_shape', '/inputs/shape', /expected \[batch, step, 2\], got \[1, 2, 3\]/],
    [{ shape: [3, 2], data: six }, 'wrong_shape', '/inputs/shape', /wrap it in one more list/],
    [{ shape: [0, 3, 2], data: [] }, 'wrong_shape', '/inputs/shape', /empty batch/],
    [{ shape: [1e9, 1e9, 2], data: [] }, 'wrong_shape', '/inputs/data', /got 0/],
    [{ shape: [1e9, 1e9, 2], data: '' }, 'wrong_shape', '/inputs/data', /got 0/],
    [{ shape: [1, 1.5, 2], data: six }, 'invalid_value', '/inputs/shape/1', /whole number, got the number 1.5/],
    [{ shape: 6, data: six }, 'invalid_value', '/inputs/shape', /list of sizes/],
    [{ data: six }, 'invalid_value', '/inputs/shape', /list of sizes, got nothing/],
    [{ shape }, 'invalid_value', '/inputs/data', /flat list of numbers, or base64, got nothing/],
    [{ ...good, dtype: 'float31' }, 'invalid_value', '/inputs/dtype', /one of float16, float32/],
    [{ ...good, order: 'A' }, 'invalid_value', '/inputs/order', /"C"/],
    [{ ...good, strides: [1] }, 'invalid_value', '/inputs/strides', /no member 'strides'/],
    [{ shape, data: [1, 2, 3, null, 5, 6] }, 'invalid_value', '/inputs/data/3', /got null/],
    [{ shape, order: 'F', data: [1, 2, 3, 4, 'x', 6] }, 'invalid_value', '/inputs/data/4', /got the string "x"/],
    [{ shape, data: [1, 2, 3, 4, 5, 1e39] }, 'invalid_value', '/inputs/data/5', /float32/],
    [{ shape, dtype: 'int32', data: [1, 2, 3, 4, 5, 0.5] }, 'invalid_value', '/inputs/data/5', /whole number, as dtype says/],
    [{ shape, data: base64(Float64Array.from(six)) }, 'wrong_shape', '/inputs/data', /expected 24 bytes \(6 of float32\), got 48/],
    [{ shape, data: 'AAAA*AAA' }, 'invalid_value', '/inputs/data', /base64/],
    [{ shape, data: base64(Float32Array.from(six)).slice(0, -1) }, 'invalid_value', '/inputs/data', /groups of four/],
    [{ shape, data: base64(Float32Array.of(1, 2, 3, NaN, 5, 6)) }, 'invalid_value', '/inputs/data', /got NaN as number 3/],
    [{ shape, dtype: 'float64', data: base64(Float64Array.of(1, 2, 3, 4, 5, 1e39)) }, 'invalid_value', '/inputs/data', /float32/]
  ]
  for (const [inputs, code, pointer, text] of cases) t.match(refusal(inputs, open), [code, pointer, text], JSON.stringify(inputs))
})

t.test('the same numbers as lists, as flat data and as base64', async () => {
  fc.assert(fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 2, maxLength: 40 }), (numbers) => {
    const steps = Math.floor(numbers.length / 2)
    const data = numbers.slice(0, 2 * steps)
    const forms = [[Array.from({ length: steps }, (_, n) => [data[2 * n], data[2 * n + 1]])], { shape: [1, steps, 2], data }, { shape: [1, steps, 2], data: base64(Float32Array.from(data)) }]
    return forms.every((form) => data.every((x, n) => Object.is(read(form, open).data[n], x)))
  }))
})

t.test('ids as one-hot rows', async (t) => {
  const model = sequences(null, 4)
  t.same(plain(read({ oneHot: [[0, 3], [2, 2]] }, model)), [[2, 2, 4], [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0]])
  t.same(plain(read({ x: { oneHot: { shape: [1, 1], dtype: 'uint8', data: 'Ag==' } } }, model)), [[1, 1, 4], [0, 0, 1, 0]])
  t.match(refusal({ oneHot: [[4]] }, model), ['invalid_value', '/inputs/oneHot/0/0', 'expected an id from 0 to 3, got 4'])
  t.match(refusal({ oneHot: [[0.5]] }, model), ['invalid_value', '/inputs/oneHot/0/0', /whole number/])
  t.match(refusal({ oneHot: [1] }, model), ['wrong_shape', '/inputs/oneHot', /wrap it/])
  t.match(refusal({ oneHot: [[1]], text: 'a' }, model), ['invalid_value', '/inputs/text', /stands alone/])
  t.match(refusal({ oneHot: [[1]] }, served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 3 }), 'x']]))), ['invalid_value', '/inputs/oneHot', /fixed size/])
})

const coding: TextCoding = { alphabet: ['a', 'b', '😀', '<pad>'], encoding: 'one-hot', lowercase: true, unknown: null, pad: null, maxlen: 3 }
const characters = (more: Partial<TextCoding> = {}, steps: number | null = 3): Model => sequences(steps, 4, { text: { ...coding, ...more } })
/** Index of the 1 in each row, -1 for a row of zeros. */
const rows = ({ shape, data }: Values): number[] => Array.from({ length: shape[0] * shape[1] }, (_, n) => data.subarray(n * shape[2], (n + 1) * shape[2]).indexOf(1))
const without = (...keys: (keyof TextCoding)[]): Partial<TextCoding> => Object.fromEntries(keys.map((key) => [key, undefined]))

t.test('text, one-hot', async (t) => {
  t.same(rows(read({ text: ['abA', 'b😀a'] }, characters())), [0, 1, 0, 1, 2, 0])
  t.same(read({ text: 'ab' }, characters()).shape, [1, 3, 4], 'a string stands for a list of one')
  t.same(rows(read({ text: 'ab' }, characters())), [-1, 0, 1], 'filled up on the left')
  t.same(rows(read({ text: '' }, characters())), [-1, -1, -1])
  t.same(rows(read({ text: 'bbbaab' }, characters())), [0, 0, 1], 'the last three')
  t.same(rows(read({ text: 'a?b' }, characters())), [0, -1, 1])
  t.same(rows(read({ text: 'a?' }, characters({ unknown: 'b', pad: '<pad>' }))), [3, 0, 1])
  t.same(rows(read({ text: 'ABa' }, characters({ lowercase: false }))), [-1, -1, 0])
  t.same(rows(read({ text: 'abab' }, characters(without('maxlen', 'pad'), null))), [0, 1, 0, 1], 'open steps')
  t.same(rows(read({ text: 'abab' }, characters(without('maxlen')))), [1, 0, 1], 'the steps of the model')
  t.same(read({ text: 'a' }, characters(), { raw: false }).data, read({ x: { text: ['a'] } }, characters()).data)
})

t.test('text, what is refused', async (t) => {
  t.match(refusal({ text: ['aaa', 'bbbba?b'] }, characters(without('unknown'))), ['invalid_value', '/inputs/text/1', /"\?" at place 5 .*not in the model's alphabet/])
  t.match(refusal({ text: '?aaa' }, characters(without('unknown'))), ['none'], 'what is cut off is not looked at')
  t.match(refusal({ text: 'ab' }, characters(without('pad'))), ['wrong_shape', '/inputs/text', 'expected a text of at least 3 characters, got 2'])
  t.match(refusal({ text: ['ab', 'a'] }, characters(without('maxlen'), null)), ['wrong_shape', '/inputs/text/1', /need one length: the first has 2 characters, this one 1/])
  t.match(refusal({ text: '' }, characters(without('maxlen'), null)), ['wrong_shape', '/inputs/text', /at least one character/])
  t.match(refusal({ text: [] }, characters()), ['invalid_value', '/inputs/text', /at least one, got an empty list/])
  t.match(refusal({ text: ['a', 1] }, characters()), ['invalid_value', '/inputs/text/1', /a text, got the number 1/])
  t.match(refusal({ text: ['a'] }, sequences(3, 4)), ['invalid_value', '/inputs/text', /takes no text/])
})

t.test('mistakes in statescope.json', async (t) => {
  const mistakes: [Partial<TextCoding>, RegExp][] = [
    [{ alphabet: ['a', 'b', 'a', 'c'] }, /"a" stands twice/],
    [{ unknown: 'z' }, /unknown "z" is not in alphabet/],
    [{ pad: 'z' }, /pad "z" is not in alphabet/],
    [{ maxlen: 4 }, /maxlen 4, 4 characters does not fit an input of \[batch, 3, 4\]/],
    [{ alphabet: ['a', 'b'] }, /2 characters does not fit/],
    [{ encoding: 'ids', unknown: 'a', pad: 'a' }, /ids .* does not fit/],
    [{ encoding: 'ids' }, /null is possible with "one-hot" only/]
  ]
  for (const [more, text] of mistakes) t.match(refusal({ text: 'aaa' }, characters(more)), ['invalid_value', '/inputs/text', text])
})

t.test('text as ids', async (t) => {
  const meta = { text: { ...coding, encoding: 'ids', unknown: 'b', pad: '<pad>' } as TextCoding }
  const model = served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 4 }), 'x']]), meta)
  t.same(plain(read({ text: ['a?', 'aab'] }, model)), [[2, 3], [3, 0, 1, 0, 0, 1]])
  const few = served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 3 }), 'x']]), meta)
  t.match(refusal({ text: ['aab', 'a'] }, few), ['invalid_value', '/inputs/text/1', /id from 0 to 2, got 3/])
})
