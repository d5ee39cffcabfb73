import t from 'tap'
import fc from 'fast-check'
import { Fault } from '../../src/errors.ts'
import type { Values } from '../../src/model.ts'
import { decodeRequest } from '../../src/request/decode.ts'
import { graphOf, layer, sequences, served } from './models.ts'

type Model = Parameters<typeof decodeRequest>[1]

const inputsOf = (inputs: unknown, model: Model, more: object = {}): Readonly<Record<string, Values>> => decodeRequest({ inputs, ...more }, model, 'predict').batch.inputs
const plain = ({ shape, data }: Values): { shape: readonly number[], data: number[] } => ({ shape, data: [...data] })

/** Code, pointer and text of what is thrown. */
function refusal (inputs: unknown, model: Model, more: object = {}): [string, string | undefined, string] {
  try {
    inputsOf(inputs, model, more)
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.pointer, error.message]
    throw error
  }
  return ['none', undefined, '']
}

const two = sequences(2, 3)
const open = sequences(null, 3)

t.test('nested lists, by themselves or by name', async (t) => {
  const inputs = [[[1, 2, 3], [4, 5, 6]]]
  for (const form of [inputs, { x: inputs }]) t.same(plain(inputsOf(form, two).x), { shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] })
  t.same(inputsOf([[[1, 2, 3]], [[4, 5, 6]]], open).x.shape, [2, 1, 3])
  t.same(inputsOf([[[0.1, 1e-50, -0]]], open).x.data, Float32Array.of(0.1, 0, -0))
})

t.test('a batch size fixed in the file is of no account', async (t) => {
  const stateful = served(graphOf({ x: { shape: [4, null, 1] } }, [[layer('lstm', 'LSTM', { units: 2 }), 'x']]))
  t.equal(decodeRequest({ inputs: [[[1]], [[2]]] }, stateful).batch.size, 2)
})

t.test('what is not the right array is refused at its place', async (t) => {
  const cases: [unknown, Model, string, string, RegExp][] = [
    [[[[1, 2, 3], [4, 5]]], two, 'wrong_shape', '/inputs/0/1', /ragged: this one has 2 entries where the first has 3; expected \[batch, 2, 3\]/],
    [[[[1, 2, 3], [4, 5, 6]], [[1, 2, 3]]], two, 'wrong_shape', '/inputs/1', /ragged/],
    [[[[1, 2], [3, 4]]], two, 'wrong_shape', '/inputs', /^expected \[batch, 2, 3\], got \[1, 2, 2\]/],
    [[[[1, 2], [3, 4]]], open, 'wrong_shape', '/inputs', /^expected \[batch, step, 3\], got \[1, 2, 2\]/],
    [[[1, 2, 3], [4, 5, 6]], two, 'wrong_shape', '/inputs', /wrap it in one more list/],
    [[1, 2, 3], two, 'wrong_shape', '/inputs', /3 axes are needed, there are 1/],
    [[[[[1]]]], two, 'wrong_shape', '/inputs', /3 axes are needed, there are 4/],
    [[[[1, 2, 3], null]], two, 'invalid_value', '/inputs/0/1', /expected a list of 3 .*, got null/],
    [[null], two, 'invalid_value', '/inputs/0', /expected a list .*, got null/],
    [[[[1, null, 3], [4, 5, 6]]], two, 'invalid_value', '/inputs/0/0/1', /got null: JSON has no NaN/],
    [[[[1, 2, 3], [4, '5', 6]]], two, 'invalid_value', '/inputs/0/1/1', /got the string "5": numbers stand without quotes/],
    [[[[1, 2, 3], [4, 5, true]]], two, 'invalid_value', '/inputs/0/1/2', /got true/],
    [[[[1, 2, 3], [4, 5, []]]], two, 'invalid_value', '/inputs/0/1/2', /got an empty list/],
    [[[[1, 2, 3], [4, 5, { a: 1 }]]], two, 'invalid_value', '/inputs/0/1/2', /got an object/],
    [[[[1, 2, 3], [4, 5, 1e39]]], two, 'invalid_value', '/inputs/0/1/2', /finite as float32 .*got 1e\+39/],
    [[], two, 'wrong_shape', '/inputs', /empty batch/],
    [[[]], two, 'wrong_shape', '/inputs', /expected \[batch, 2, 3\], got \[1, 0\]: no steps/],
    [[[], []], sequences(null, 3), 'wrong_shape', '/inputs', /no steps; give at least one/],
    [[[[]]], two, 'wrong_shape', '/inputs', /axis 2 is empty/],
    [null, two, 'invalid_value', '/inputs', /expected nested lists, or an object by input name \(x\), got null/],
    ['abc', two, 'invalid_value', '/inputs', /got the string "abc"/],
    [{ y: [[[1, 2, 3]]] }, two, 'unknown_name', '/inputs/y', /there is no input 'y'; expected an object by input name \(x\), or nested lists/],
    [{ x: { y: 1 } }, two, 'invalid_value', '/inputs/x', /got an object with y/],
    [[[1, 2], [3, 4]], sequences(null, 1), 'wrong_shape', '/inputs', /write each number as a list of one/],
    [[[1], [3]], sequences(null, 1), 'wrong_shape', '/inputs', /wrap it in one more list/]
  ]
  for (const [inputs, model, code, pointer, text] of cases) {
    const [gotCode, gotPointer, gotText] = refusal(inputs, model)
    t.same([gotCode, gotPointer], [code, pointer], JSON.stringify(inputs))
    t.match(gotText, text, JSON.stringify(inputs))
  }
})

t.test('a long first list does not make the service reserve what never comes', async (t) => {
  const inputs = [[Array(100000).fill(0)], ...Array(100000).fill([[]])]
  t.match(refusal(inputs, sequences(null, 100000)), ['wrong_shape', '/inputs/1/0', /ragged/])
})

t.test('several inputs, by name, of one batch size', async (t) => {
  const model = served(graphOf({ 'a/b': { shape: [null, 1] }, c: { shape: [null, 2] } }, [[layer('cat', 'Concatenate'), 'a/b', 'c']]))
  t.same(inputsOf({ c: [[1, 2]], 'a/b': [[3]] }, model)['a/b'].data, Float32Array.of(3))
  t.same(refusal({ 'a/b': [['x']], c: [[1, 2]] }, model).slice(0, 2), ['invalid_value', '/inputs/a~1b/0/0'])
  t.match(refusal({ 'a/b': [[1]] }, model), ['unknown_name', '/inputs', /the input 'c' is missing; expected an object by input name \(a\/b, c\)/])
  t.match(refusal([[1]], model), ['invalid_value', '/inputs', /expected an object by input name/])
  t.match(refusal({ 'a/b': [[1]], c: [[1, 2], [3, 4]] }, model), ['wrong_shape', '/inputs/c', /different batch sizes: 'a\/b' has 1, 'c' has 2/])
})

t.test('an input called like a form is read by its name', async (t) => {
  const model = served(graphOf({ data: { shape: [null, 1] } }, [[layer('d', 'Dense'), 'data']]))
  t.same(inputsOf({ data: [[5]] }, model).data.data, Float32Array.of(5))
})

t.test('token ids, also behind layers that pass them on', async (t) => {
  const inner = graphOf({ i: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 10 }), 'i']])
  const models: Record<string, Model> = {
    plain: served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 10 }), 'x']])),
    dropout: served(graphOf({ x: { shape: [null, null] } }, [[layer('d', 'Dropout'), 'x'], [layer('r', 'Reshape'), 'd'], [layer('e', 'Embedding', { input_dim: 10 }), 'r']])),
    smallest: served(graphOf({ x: { shape: [null, null] } }, [[layer('e', 'Embedding', { input_dim: 90 }), 'x'], [layer('f', 'Embedding', { input_dim: 10 }), 'x']])),
    wrapped: served(graphOf({ x: { shape: [null, null] } }, [[layer('td', 'TimeDistributed', {}, { children: { layer: layer('td/e', 'Embedding', { input_dim: 10 }) } }), 'x']])),
    model: served(graphOf({ x: { shape: [null, null] } }, [[layer('td', 'TimeDistributed', {}, { children: { layer: layer('td/m', 'Functional', {}, { graph: inner }) } }), 'x']]))
  }
  for (const [name, model] of Object.entries(models)) {
    t.same(inputsOf([[0, 9]], model).x.data, Float32Array.of(0, 9), name)
    t.match(refusal([[0, 10]], model), ['invalid_value', '/inputs/0/1', 'expected an id from 0 to 9, got 10'], name)
    t.match(refusal([[-1, 0]], model), ['invalid_value', '/inputs/0/0', /got -1/], name)
    t.match(refusal([[1.5]], model), ['invalid_value', '/inputs/0/0', /whole number/], name)
    t.match(refusal([[1 + 1e-12]], model), ['invalid_value', '/inputs/0/0', /whole number/], name)
  }
  const computed = served(graphOf({ x: { shape: [null, 2] } }, [[layer('d', 'Dense'), 'x'], [layer('e', 'Embedding', { input_dim: 10 }), 'd']]))
  t.same(inputsOf([[0.5, 99]], computed).x.data, Float32Array.of(0.5, 99), 'a layer between makes other numbers of them')
})

t.test('whole and boolean inputs', async (t) => {
  const whole = served(graphOf({ x: { shape: [null, 1], dtype: 'int32' } }, [[layer('r', 'Rescaling'), 'x']]))
  t.same(inputsOf([[7]], whole).x.data, Float32Array.of(7))
  t.match(refusal([[0.5]], whole), ['invalid_value', '/inputs/0/0', /whole number/])
  t.match(refusal([[16777217]], whole), ['invalid_value', '/inputs/0/0', /held exactly/])
  const yes = served(graphOf({ x: { shape: [null, 2], dtype: 'bool' } }, [[layer('r', 'Rescaling'), 'x']]))
  t.same(inputsOf([[true, false]], yes).x.data, Float32Array.of(1, 0))
})

t.test('raw: the scaler in double precision, rounded once', async (t) => {
  const scaler = { mean: [16.109762, 0, 1], scale: [7.3295774, 1, 1] }
  const model = sequences(1, 3, { scaler: { inputs: scaler } })
  t.same(inputsOf([[[25.6, 1, 1]]], model, { raw: true }).x.data, Float32Array.of((25.6 - 16.109762) / 7.3295774, 1, 0))
  t.same(inputsOf([[[25.6, 1, 1]]], model, { raw: false }).x.data, Float32Array.of(25.6, 1, 1))
  t.same(inputsOf({ shape: [1, 1, 3], data: [25.6, 1, 1] }, model, { raw: true }).x.data, Float32Array.of((25.6 - 16.109762) / 7.3295774, 1, 0))
  t.match(refusal([[[1, 1, 1]]], sequences(1, 3), { raw: true }), ['invalid_value', '/raw', /no scaler/])
  t.match(refusal([[[1, 1]]], sequences(1, 2, { scaler: { inputs: scaler } }), { raw: true }), ['invalid_value', '/inputs', /3 means and 3 scales for 2 features/])
  t.match(refusal([[[3e38, 1, 1]]], sequences(1, 3, { scaler: { inputs: { mean: [0, 0, 0], scale: [1e-3, 1, 1] } } }), { raw: true }), ['invalid_value', '/inputs/0/0/0', /makes .* of this number/])
  t.same(inputsOf([[[1, 2, 3]]], sequences(1, 3, { scaler: { outputs: scaler } }), { raw: true }).x.data, Float32Array.of(1, 2, 3), 'a scaler of outputs alone')
})

t.test('any array of the right shape: the same numbers, rounded to float32', async () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }))
  fc.assert(fc.property(sizes, fc.infiniteStream(fc.double({ min: -3e38, max: 3e38, noNaN: true })), ([batch, step, feature], numbers) => {
    const nested = Array.from({ length: batch }, () => Array.from({ length: step }, () => Array.from({ length: feature }, () => numbers.next().value)))
    const { shape, data } = inputsOf(JSON.parse(JSON.stringify(nested)), sequences(null, feature)).x
    return shape.join() === `${batch},${step},${feature}` && nested.flat(2).every((x, n) => Math.fround(x) === data[n])
  }), { numRuns: 300 })
})

t.test('any JSON at all: read or refused with a pointer that leads somewhere, never another error', async () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(two, open, sequences(1, 1)), (inputs, model) => {
    const [code, pointer] = refusal(inputs, model)
    if (code === 'none') return true
    let place: any = { inputs }
    const parts = pointer!.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    for (const part of parts) {
      if (typeof place !== 'object' || place === null || !Object.hasOwn(place, part)) return /shape|dtype|order|data/.test(part)
      place = place[part]
    }
    return true
  }), { numRuns: 3000 })
})
