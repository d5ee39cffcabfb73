import t from 'tap'
import fc from 'fast-check'
import { Fault } from '../../src/errors.ts'
import type { Values } from '../../src/model.ts'
import type { Plan, PlannedLayer } from '../../src/plan/plan.ts'
import { encodeJson } from '../../src/trace/json.ts'
import { JsonWriter } from '../../src/trace/json-writer.ts'
import type { Trace } from '../../src/trace/trace.ts'

const receipt = { engine: 'tfjs', checked: ['gates'], maxDifference: 1e-7, tolerance: 1e-5, sound: true }

/** 0, 1, 2, ... in a shape. */
const counted = (...shape: number[]): Values => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => n) })

/** A layer of a plan with these internals; those that end in a final state have no steps. */
const planned = (key: string, type: string, names: readonly string[]): PlannedLayer => ({
  key, node: 0, type, units: 2, axes: ['batch', 'step', 'unit'], outputs: [], internals: names.map((name) => ({ name, stepAxis: name.includes('final') ? null : 1 }))
})

function answer (layers: [PlannedLayer, Record<string, Values>, number[]?][], outputs: [string, Values][] = []): Record<string, any> {
  const plan: Plan = { nodes: [], steps: 'all', layers: layers.map(([layer]) => layer), outputs: outputs.map(([name], index) => ({ name, node: 0, index })) }
  const trace: Trace = {
    batch: 2,
    steps: 7,
    layers: layers.map(([{ key }, tensors, stepIndices]) => ({ key, tensors, stepIndices })),
    outputs: outputs.map(([name, values]) => ({ name, values })),
    receipt
  }
  return JSON.parse(Buffer.from(encodeJson({ model: 'm', version: 3, digest: 'sha256:0' }, trace, plan)).toString()) as Record<string, any>
}

t.test('a prediction', async (t) => {
  t.same(answer([], [['dense', counted(2, 3)], ['dense/1', counted(2, 1)]]), {
    model: 'm', version: 3, digest: 'sha256:0', outputs: { dense: [[0, 1, 2], [3, 4, 5]], 'dense/1': [[0], [1]] }, receipt
  })
})

t.test('states, gates, final and mask of a layer, in order', async (t) => {
  const tensors = { hidden: counted(2, 3, 2), cell: counted(2, 3, 2), 'gates/input': counted(2, 3, 2), 'gates/forget': counted(2, 3, 2), 'final/hidden': counted(2, 2), mask: { shape: [2, 3], data: Float32Array.of(1, 1, 0, 1, 0, 0) } }
  const body = answer([[planned('outer/lstm', 'LSTM', Object.keys(tensors)), tensors]])
  t.same(Object.keys(body), ['model', 'version', 'digest', 'batch', 'steps', 'layers', 'receipt'])
  t.same([body.batch, body.steps, body.receipt], [2, 3, receipt])
  const layer = body.layers['outer/lstm']
  t.same(Object.keys(layer), ['type', 'units', 'axes', 'hidden', 'cell', 'gates', 'final', 'mask'])
  t.same(layer.hidden, [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]])
  t.same(Object.keys(layer.gates), ['input', 'forget'])
  t.same(layer.final, { hidden: [[0, 1], [2, 3]] })
  t.same(layer.mask, [[1, 1, 0], [1, 0, 0]])
})

t.test('directions, stacked cells and inner layers nest; steps and outputs on request', async (t) => {
  const tensors = { 'forward/hidden': counted(2, 1, 2), 'forward/gates/reset': counted(2, 1, 2), 'forward/final/hidden': counted(2, 2), 'backward/hidden': counted(2, 1, 2) }
  const stacked = { 'cells/0/hidden': counted(2, 1, 2), 'cells/1/hidden': counted(2, 1, 2) }
  const body = answer([
    [{ key: 'dense', node: 0, type: 'Dense', units: null, axes: null, internals: [], outputs: [{ name: 'output', index: 0 }] }, { output: counted(2, 1) }],
    [planned('bi', 'Bidirectional', Object.keys(tensors)), tensors, [4]],
    [planned('rnn', 'RNN', Object.keys(stacked)), stacked, [4]]
  ], [['y', counted(2, 1)]])
  t.equal(body.steps, 1)
  t.same(body.layers.dense, { type: 'Dense', output: [[0], [1]] })
  t.same(body.layers.bi.stepIndices, [4])
  t.same(body.layers.bi.forward, { hidden: [[[0, 1]], [[2, 3]]], gates: { reset: [[[0, 1]], [[2, 3]]] }, final: { hidden: [[0, 1], [2, 3]] } })
  t.same(body.layers.rnn.cells, { 0: { hidden: [[[0, 1]], [[2, 3]]] }, 1: { hidden: [[[0, 1]], [[2, 3]]] } })
  t.same(body.outputs, { y: [[0], [1]] })
})

t.test('no per-step array: the steps of the input', async (t) => {
  const body = answer([[planned('lstm', 'LSTM', ['final/hidden']), { 'final/hidden': counted(2, 2) }]])
  t.equal(body.steps, 7)
})

t.test('an inner layer called like a member or like an array', async (t) => {
  const body = answer([[planned('td', 'TimeDistributed', ['type/hidden']), { 'type/hidden': counted(2, 1, 1, 2) }]])
  t.same(body.layers.td.type, { hidden: [[[[0, 1]]], [[[2, 3]]]] })
  const tensors = { 'output/hidden': counted(1, 1, 1, 1), output: counted(1, 1, 1, 1) }
  t.throws(() => answer([[planned('td', 'TimeDistributed', Object.keys(tensors)), tensors]]), new Fault('invalid_value', "'td/output' names an array and the place of others: ask for them with different 'tensors'", '/tensors'))
  const turned = { output: counted(1, 1, 1, 1), 'output/hidden': counted(1, 1, 1, 1) }
  t.throws(() => answer([[planned('td', 'TimeDistributed', Object.keys(turned)), turned]]), { code: 'invalid_value' })
})

t.test('what is not finite is null, and counted', async (t) => {
  const body = answer([], [['a', { shape: [1, 3], data: Float32Array.of(NaN, 1, Infinity) }], ['b', { shape: [1, 1], data: Float32Array.of(-Infinity) }]])
  t.same(body.outputs, { a: [[null, 1, null]], b: [[null]] })
  t.equal(body.nonFinite, 3)
})

t.test('any array of any shape: the same bits in the same places', async () => {
  const shapes = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 })
  fc.assert(fc.property(shapes, fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })), fc.integer({ min: 0, max: 3 }), (shape, floats, offset) => {
    const size = shape.reduce((a, b) => a * b, 1)
    // A view into a larger buffer: the bits must be read from its own place.
    const data = new Float32Array(size + offset).subarray(offset)
    for (let n = 0; n < size; n++) data[n] = floats.next().value
    const json = new JsonWriter(1)
    json.values({ shape, data })
    let level: any[] = [JSON.parse(Buffer.from(json.finish()).toString())]
    for (const [axis, length] of shape.entries()) {
      if (level.some((list) => !Array.isArray(list) || list.length !== length)) return false
      level = level.flat()
      if (shape.slice(0, axis + 1).includes(0)) return true
    }
    return level.length === size && level.every((value, n) => Object.is(Math.fround(value), data[n]))
  }), { numRuns: 1000 })
})

t.test('plain values, names with quotes and letters beyond ASCII', async (t) => {
  const json = new JsonWriter(1)
  json.open('{')
  json.member('a"b\\', 'é漢😀')
  json.key('list')
  json.open('[')
  json.value(1)
  json.value({ x: [1, 2] })
  json.open('[')
  json.close(']')
  json.close(']')
  json.member('null', null)
  json.close('}')
  t.equal(Buffer.from(json.finish()).toString(), '{"a\\"b\\\\":"é漢😀","list":[1,{"x":[1,2]},[]],"null":null}')
})
