import t from 'tap'
import { Fault } from '../../src/errors.ts'
import { decodeRequest, type RequestKind } from '../../src/request/decode.ts'
import { graphOf, layer, sequences, served } from './models.ts'

const model = sequences(1, 1)
const probeOf = (members: object) => decodeRequest({ inputs: [[[1]]], ...members }, model).probe

function refusal (body: unknown, kind?: RequestKind, of = model): [string, string | undefined, string] {
  try {
    decodeRequest(body, of, kind)
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.pointer, error.message]
    throw error
  }
  return ['none', undefined, '']
}

t.test('what is asked by default, and by each member', async (t) => {
  t.same(probeOf({ model: 'm', version: 1 }), { layers: null, tensors: ['hidden', 'cell', 'gates', 'final'], steps: 'all', outputs: false, raw: false })
  t.same(probeOf({ layers: 'lstm', tensors: 'output', steps: 'last', outputs: true }), { layers: ['lstm'], tensors: ['output'], steps: 'last', outputs: true, raw: false })
  t.same(probeOf({ layers: ['b', 'a', 'b'], tensors: ['cell', 'hidden'], steps: [0, -1] }).layers, ['b', 'a'])
  t.same(probeOf({ steps: { from: -3, every: 2 } }).steps, { from: -3, every: 2 })
  t.same(decodeRequest({ inputs: [[[1]]], raw: false }, model, 'predict').probe, { layers: [], tensors: [], steps: 'all', outputs: true, raw: false })
})

t.test('members that are wrong', async (t) => {
  const cases: [object, string, string, RegExp][] = [
    [{ layers: [] }, 'invalid_value', '/layers', /empty one; leave it out/],
    [{ layers: 3 }, 'invalid_value', '/layers', /list of layers, or one, got the number 3/],
    [{ layers: ['a', null] }, 'invalid_value', '/layers/1', /got null/],
    [{ tensors: ['hidden', 'states'] }, 'unknown_name', '/tensors/1', /no tensor 'states'; there are: hidden, cell, gates, final, output, preactivations, contributions/],
    [{ tensors: 'h' }, 'unknown_name', '/tensors', /no tensor 'h'/],
    [{ steps: 'first' }, 'invalid_value', '/steps', /"all", "last"/],
    [{ steps: 3 }, 'invalid_value', '/steps', /got the number 3/],
    [{ steps: [] }, 'invalid_value', '/steps', /at least one/],
    [{ steps: [0, 0.5] }, 'invalid_value', '/steps/1', /whole number/],
    [{ steps: ['0'] }, 'invalid_value', '/steps/0', /got the string "0"/],
    [{ steps: { from: 0, until: 3 } }, 'invalid_value', '/steps/until', /no member 'until'; there are: from, to, every/],
    [{ steps: { from: '0' } }, 'invalid_value', '/steps/from', /whole number/],
    [{ steps: { every: 0 } }, 'invalid_value', '/steps/every', /from 1/],
    [{ outputs: 'true' }, 'invalid_value', '/outputs', /true or false, got the string "true"/],
    [{ raw: 1 }, 'invalid_value', '/raw', /true or false/],
    [{ layer: 'x' }, 'invalid_value', '/layer', /no member 'layer' here; there are: model, version, inputs/]
  ]
  for (const [members, code, pointer, text] of cases) t.match(refusal({ inputs: [[[1]]], ...members }), [code, pointer, text], JSON.stringify(members))
  t.match(refusal({ inputs: [[[1]]], steps: 'last' }, 'predict'), ['invalid_value', '/steps', /it belongs to \/hidden-states/])
  t.match(refusal({ model: 'm' }), ['invalid_value', '/inputs', /'inputs' is missing: the model takes x/])
  for (const body of [null, [], 'x', 3]) t.match(refusal(body), ['malformed', '', /expected an object with 'inputs'/])
})

t.test('raw needs one input and one output', async (t) => {
  const two = served(graphOf({ x: { shape: [null, 1] }, y: { shape: [null, 1] } }, [[layer('c', 'Concatenate'), 'x', 'y']]), { scaler: { inputs: { mean: [0], scale: [1] } } })
  t.match(refusal({ inputs: { x: [[1]], y: [[1]] }, raw: true }, 'predict', two), ['invalid_value', '/raw', /one input and one output/])
})

const lstm = (path: string) => layer(path, 'LSTM', { units: 2 })
const cell = (path: string, className: string, units: number) => layer(path, className, { units })
const recurrent = served(graphOf({ x: { shape: [null, null, 1] } }, [
  [lstm('outer/lstm'), 'x'],
  [layer('bi', 'Bidirectional', {}, { children: { forward: layer('bi/forward', 'GRU', { units: 1 }), backward: layer('bi/backward', 'GRU', { units: 1 }) } }), 'x'],
  [layer('rnn', 'RNN', {}, { children: { cell: layer('rnn/cell', 'StackedRNNCells', {}, { children: { 0: cell('rnn/cells/0', 'LSTMCell', 2), 1: cell('rnn/cells/1', 'SimpleRNNCell', 3) } }) } }), 'x'],
  [layer('image', 'ConvLSTM2D', { filters: 2, data_format: 'channels_last' }), 'x'],
  [layer('dense', 'Dense', { units: 1 }), 'x']
]))
const initialOf = (initialState: unknown) => decodeRequest({ inputs: [[[1]], [[2]]], initialState }, recurrent).batch.initial
const refused = (initialState: unknown) => refusal({ inputs: [[[1]], [[2]]], initialState }, 'predict', recurrent)

t.test('initial states as final states are given', async (t) => {
  const state = { hidden: [[1, 2], [3, 4]], cell: [[5, 6], [7, 8]] }
  const expected = { 'outer/lstm': { hidden: { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }, cell: { shape: [2, 2], data: Float32Array.of(5, 6, 7, 8) } } }
  t.same(initialOf({ 'outer/lstm': state }), expected)
  t.same(initialOf({ 'outer/lstm': { final: state } }), expected)
  t.same(initialOf({ 'outer/lstm': { type: 'LSTM', units: 2, axes: ['batch', 'step', 'unit'], hidden: [[[0, 0]]], gates: {}, final: state } }), expected, 'the whole layer of a response')
  t.same(initialOf({ 'outer/lstm': { hidden: state.hidden, cell: { shape: [2, 2], data: [5, 6, 7, 8] } } }), expected)
  t.same(initialOf(undefined), {})
})

t.test('directions, stacked cells and images', async (t) => {
  const one = { shape: [2, 1], data: Float32Array.of(1, 2) }
  const hidden = [[1], [2]]
  for (const bi of [{ forward: { hidden }, backward: { hidden } }, { type: 'Bidirectional', units: 1, forward: { hidden: [], final: { hidden } }, backward: { final: { hidden } } }]) {
    t.same(initialOf({ bi }), { bi: { 'forward/hidden': one, 'backward/hidden': one } })
  }
  const [first, second] = [{ hidden: [[1, 2], [3, 4]], cell: [[5, 6], [7, 8]] }, { hidden: [[1, 2, 3], [4, 5, 6]] }]
  for (const rnn of [{ cells: { 0: first, 1: second } }, { type: 'RNN', cells: { 0: { final: first }, 1: { final: second } } }, { final: { cells: { 0: first, 1: second } } }]) {
    t.same(Object.keys(initialOf({ rnn }).rnn), ['cells/0/hidden', 'cells/0/cell', 'cells/1/hidden'])
  }
  const image = { shape: [2, 1, 1, 2], data: [1, 2, 3, 4] }
  t.same(initialOf({ image: { hidden: image, cell: image } }).image.cell, { shape: [2, 1, 1, 2], data: Float32Array.of(1, 2, 3, 4) })
})

t.test('initial states that do not fit', async (t) => {
  const hidden = [[1, 2], [3, 4]]
  const cases: [unknown, string, string, RegExp][] = [
    [[], 'invalid_value', '/initialState', /object by layer/],
    [{ lstm: {} }, 'unknown_name', '/initialState/lstm', /no recurrent layer 'lstm'; there are: outer\/lstm, bi, rnn, image$/],
    [{ dense: {} }, 'unknown_name', '/initialState/dense', /no recurrent layer/],
    [{ 'outer/lstm': null }, 'invalid_value', '/initialState/outer~1lstm', /an object with hidden, cell, got null/],
    [{ 'outer/lstm': { hidden } }, 'invalid_value', '/initialState/outer~1lstm', /the state 'cell' is missing/],
    [{ 'outer/lstm': { hidden, cell: hidden, c: hidden } }, 'unknown_name', '/initialState/outer~1lstm/c', /no state 'c' here; there are: hidden, cell/],
    [{ 'outer/lstm': { final: { hidden, cell: [[1, 2, 3], [3, 4, 5]] } } }, 'wrong_shape', '/initialState/outer~1lstm/final/cell', /expected \[2, 2\], got \[2, 3\]/],
    [{ 'outer/lstm': { hidden: [[1, 2]], cell: hidden } }, 'wrong_shape', '/initialState/outer~1lstm/hidden', /expected \[2, 2\], got \[1, 2\]/],
    [{ 'outer/lstm': { hidden: [1, 2], cell: hidden } }, 'wrong_shape', '/initialState/outer~1lstm/hidden', /wrap/],
    [{ 'outer/lstm': { hidden: [[1, null], [1, 2]], cell: hidden } }, 'invalid_value', '/initialState/outer~1lstm/hidden/0/1', /got null/],
    [{ 'outer/lstm': { type: 'LSTM', hidden: [[[1, 2]], [[1, 2]]], cell: hidden } }, 'wrong_shape', '/initialState/outer~1lstm/hidden', /2 axes are needed, there are 3/],
    [{ bi: { forward: { hidden: [[1], [2]] } } }, 'invalid_value', '/initialState/bi', /the state 'backward' is missing/],
    [{ bi: { forward: { hidden: [[1], [2]] }, backward: {} } }, 'invalid_value', '/initialState/bi/backward', /the state 'backward\/hidden' is missing/]
  ]
  for (const [state, code, pointer, text] of cases) t.match(refused(state), [code, pointer, text], JSON.stringify(state))
})
