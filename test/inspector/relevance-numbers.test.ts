import t from 'tap'
import { changed, oneOf, paddedSteps, readChanges, withChange, writeChanges } from '../../src/inspector/input/change.ts'
import type { ModelAnswer, RecurrentLayer } from '../../src/inspector/api/wire.ts'
import type { Method, RelevanceAnswer, Told } from '../../src/inspector/views/relevance/answer.ts'
import { cellsOf, gatesOf, lastSteps, meansOf, pick, stepsToHold } from '../../src/inspector/views/relevance/gates.ts'
import { check } from '../../src/inspector/views/relevance/sums.ts'

const answer = (method: Method, told: Told, value = [5, 1], baselineValue = [2, 2]): RelevanceAnswer =>
  ({ value, baselineValue, methods: { [method]: told } }) as unknown as RelevanceAnswer

t.test('lags that add up, and that do not', async (t) => {
  const lags = { 't-1': [2, -1.5], 't-2': [1, 0.5] }
  t.match(check('shapley', answer('shapley', { lags, residual: 0 })), { verdict: 'yes', sums: [{ start: 2, total: 5, expected: 5 }, { total: 1 }] })
  for (const wrong of [0.001, -0.001, Number.NaN]) {
    const found = check('shapley', answer('shapley', { lags: { ...lags, 't-2': [1, 0.5 + wrong] }, residual: 1 }))
    t.equal(found?.verdict, 'no', 'whatever the residual says, and in whichever sequence')
    t.equal(found?.worst, found?.sums[1])
  }
  t.equal(check('occlusion', answer('occlusion', { lags })), null)
})

t.test('integrated gradients may miss what their residual says, and no more', async (t) => {
  const of = (lag: number, residual: number): string | undefined => check('integrated-gradients', answer('integrated-gradients', { lags: { 't-1': [lag] }, residual }, [5], [2]))?.verdict
  t.equal(of(2.999, 0.0011), 'yes')
  t.equal(of(2.9, 0.11), 'nearly')
  t.equal(of(2.9, 0.05), 'no')
  t.equal(of(2.999, 0), 'no')
  // A residual that is nearly nothing itself, of numbers that are not: the sums are rounded in another order here than in the service.
  const lags = { 't-1': [-1.009379389946649], 't-2': [-0.27632635135449396], 't-3': [-0.031822689611406114], older: [-0.09691732231111094] }
  t.equal(check('integrated-gradients', answer('integrated-gradients', { lags, residual: 1.430720961703713e-7 }, [6.935627385618508], [8.350073281914264]))?.verdict, 'yes')
})

t.test('what wrote a memory adds up to all of it', async (t) => {
  const of = (share: number): string | undefined => check('memory', answer('memory', { lags: { 't-1': [share], 't-2': [0.25] }, initial: [0.25] }, [5], [2]))?.verdict
  t.equal(of(0.5), 'yes')
  t.equal(of(0.4), 'no')
  t.equal(check('memory', answer('memory', { lags: { 't-1': [0] }, initial: [0] }, [5], [2])), null, 'a memory that nothing was written to')
})

const layer = (key: string, tensors: string[]): RecurrentLayer => ({ key, tensors }) as unknown as RecurrentLayer

t.test('gates of one cell, of two directions, of stacked cells, of a nested layer', async (t) => {
  t.same(gatesOf(layer('lstm', ['lstm/hidden', 'lstm/gates/input', 'lstm/final/hidden'])), [{ layer: 'lstm', gate: 'input', title: 'input' }])
  const bi = layer('bi', ['bi/forward/gates/input', 'bi/backward/hidden', 'bi/backward/gates/reset'])
  t.same(gatesOf(bi), [{ layer: 'bi/forward', gate: 'input', title: 'forward input' }, { layer: 'bi/backward', gate: 'reset', title: 'backward reset' }])
  t.same(gatesOf(layer('outer/rnn', ['outer/rnn/cells/1/gates/candidate']))[0], { layer: 'outer/rnn/cells/1', gate: 'candidate', title: 'cells/1 candidate' })
  const means = { layers: { bi: { forward: { gates: { input: [{ mean: 0.5 }, { mean: 0.25 }] } }, backward: { gates: { reset: [{ mean: null }] } } } } }
  t.same(meansOf(means, bi, gatesOf(bi)[0]), [0.5, 0.25])
  t.equal(meansOf(means, bi, gatesOf(bi)[1]), null, 'no step was read')
})

t.test('t-1 is the last step that is read, and each step is held once', async (t) => {
  t.same(lastSteps(undefined, 2, 4), [3, 3])
  t.same(lastSteps([[true, false, true, false], [false, false, false, false], [true, true, true, true]], 3, 4), [2, -1, 3])
  t.same(stepsToHold([3, 3], 2), [3, 2])
  t.same(stepsToHold([2, -1, 3], 2), [3, 2, 1])
  t.same(stepsToHold([0], 5), [0])
})

t.test('the number of an output that is explained', async (t) => {
  t.equal(pick([1, 2], 1, 3, 4), 2)
  t.equal(pick([[1, 2], [3, 4], [5, 6]], 1, 1, 3), 4, 'of an output with the steps of the layer that at t-1')
  t.equal(pick([[1, 2], [3, 4]], 0, 1, 3), 3, 'of another the last')
  t.equal(pick([[1], [2], [3]], 0, -1, 3), 3)
  t.equal(pick([null], 0, 0, 1), null)
  t.equal(pick([1], 4, 0, 1), null)
})

t.test('a cell is the change of one sequence, or the mean absolute change of several', async (t) => {
  const gate = { layer: 'l', gate: 'forget', title: 'forget' }
  const effects = [-1, 3].map((change, sequence) => ({ sequence, gate, lag: 't-1', without: 0, held: change, change }))
  t.same(cellsOf(effects, false), [{ gate, lag: 't-1', change: 2, count: 2 }])
  t.same(cellsOf(effects.slice(0, 1), true), [{ gate, lag: 't-1', change: -1, count: 1 }])
})

const model = (more: object = {}): ModelAnswer => ({ inputs: [{ name: 'x', shape: [null, 3, 2] }], ...more }) as unknown as ModelAnswer

t.test('changes go into the address and come back', async (t) => {
  const changes = [{ step: 3, feature: 1, value: 20.5 }, { step: 4, feature: null, value: 12 }, { step: 5, feature: 0, value: -1e-7 }]
  t.equal(writeChanges(changes), '3:1:20.5,4:12,5:0:-1e-7')
  t.same(readChanges(writeChanges(changes)), changes)
  t.same(readChanges('1:2:x,constructor,-1:0:1,1:0:1e999,1:0:.,,2:0:7,__proto__'), [{ step: 2, feature: 0, value: 7 }])
  t.same(withChange(changes, 3, 1, 4), [{ step: 3, feature: 1, value: 4 }, ...changes.slice(1)])
  t.same(withChange(changes, 4, null, null), [changes[0], changes[2]])
})

t.test('one sequence of inputs in every form, with a change in it', async (t) => {
  const rows = [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]
  const change = [{ step: 1, feature: 0, value: 0.5 }, { step: 9, feature: 0, value: 1 }, { step: 0, feature: 7, value: 1 }]
  t.same(changed(model(), oneOf(model(), rows, 1)!, change), [[[7, 8], [0.5, 10], [11, 12]]])
  t.same(rows[1][1], [9, 10], 'what was given stays as it is')
  t.same(changed(model(), oneOf(model(), { x: rows }, 0)!, change), { x: [[[1, 2], [0.5, 4], [5, 6]]] })
  t.same(changed(model(), oneOf(model(), [[4, 5, 6]], 0)!, [{ step: 2, feature: null, value: 1 }]), [[4, 5, 1]])
  t.equal(oneOf(model(), rows, 2), null)
  t.equal(oneOf(model(), { shape: [1, 3, 2], data: 'AAAA' }, 0), null)
  t.same(oneOf(model(), { shape: [2, 2], data: [1, 2, 3, 4] }, 1), { shape: [1, 2], data: [3, 4] })
})

t.test('a text is changed where the model reads it', async (t) => {
  const text = { alphabet: ['a', 'b', 'c', 'z'], encoding: 'one-hot', maxlen: 3, pad: null, lowercase: true }
  const given = (words: string, step: number): unknown => changed(model({ text }), { text: [words] }, [{ step, feature: null, value: 3 }])
  t.same(given('abcabc', 0), { text: ['abczbc'] })
  t.same(given('ABC', 2), { text: ['abz'] })
  t.same(given('ab', 1), { text: ['zb'] }, 'step 0 stands for none')
  t.same(given('ab', 0), { text: ['ab'] })
  t.equal(paddedSteps(model({ text }), { text: ['ab'] }), 1)
  t.equal(paddedSteps(model(), [[[1, 2]]]), 0)
  t.same(changed(model({ text }), [[[1, 0, 0, 0], [0, 1, 0, 0]]], [{ step: 1, feature: null, value: 3 }]), [[[1, 0, 0, 0], [0, 0, 0, 1]]])
})
