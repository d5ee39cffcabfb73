import fc from 'fast-check'
import t from 'tap'
import { themeOf } from '../../src/inspector/charts/palette.ts'
import { cellsOf, curvesOf, maskOf, spansAbove } from '../../src/inspector/views/states/cell.ts'
import { clusterOrder } from '../../src/inspector/views/states/cluster.ts'
import { readsInputSteps, writesInputSteps } from '../../src/inspector/views/states/link.ts'
import { orderOf } from '../../src/inspector/views/states/order.ts'
import { notFinite, paint, rowsOf, scaleOf, shadesOf } from '../../src/inspector/views/states/paint.ts'

t.test('the cells of a layer, without its final states', async (t) => {
  t.same(cellsOf({ key: 'bi', tensors: ['bi/forward/hidden', 'bi/forward/gates/input', 'bi/forward/final/hidden', 'bi/backward/hidden', 'bi/mask'] }), [
    { place: 'forward/', tensors: ['hidden', 'gates/input'] }, { place: 'backward/', tensors: ['hidden'] }
  ])
  t.same(cellsOf({ key: 'a/lstm', tensors: ['a/lstm/hidden', 'a/lstm/cell', 'a/lstm/final/cell'] }), [{ place: '', tensors: ['hidden', 'cell'] }])
})

t.test('curves of any axes, at one place of those that are neither step nor unit', async (t) => {
  const shape = [2, 3, 4, 5, 2]
  const data = Float32Array.from({ length: 240 }, (_, n) => n)
  const at = (...place: number[]): number => place.reduce((sum, index, axis) => sum * shape[axis] + index, 0)
  const picked = curvesOf({ shape, data }, ['batch', 'step', 'row', 'column', 'unit'], { batch: 1, row: 2, column: 3 })
  t.same([...picked.values], [0, 1, 2].flatMap((step) => [0, 1].map((unit) => at(1, step, 2, 3, unit))))
  const inner = curvesOf({ shape: [2, 3, 4, 10], data }, ['batch', 'outer step', 'step', 'unit'], { batch: 1, 'outer step': 2 })
  t.match(inner, { steps: 4, units: 10 })
  t.equal(inner.values[0], 200)
})

t.test('the mask nearest to the cell', async (t) => {
  const tensors = new Map([['td/lstm/mask', { shape: [2, 3, 2], data: Uint8Array.from([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1]) }], ['bi/mask', { shape: [1, 2], data: Uint8Array.from([0, 1]) }]])
  t.same(maskOf({ tensors, metadata: {} }, 'td', { place: 'lstm/', tensors: [] }, ['batch', 'outer step', 'step', 'unit'], { batch: 1, 'outer step': 2 }), Uint8Array.from([0, 1]))
  t.same(maskOf({ tensors, metadata: {} }, 'bi', { place: 'forward/', tensors: [] }, ['batch', 'step', 'unit'], { batch: 0 }), Uint8Array.from([0, 1]))
  t.equal(maskOf({ tensors, metadata: {} }, 'lstm', { place: '', tensors: [] }, ['batch', 'step', 'unit'], { batch: 0 }), null)
})

t.test('spans: every step above and none else, none beside another', async () => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: -2, max: 2 }), fc.boolean()), { minLength: 1 }), fc.integer({ min: -2, max: 2 }), (steps, threshold) => {
    const mask = Uint8Array.from(steps, ([, seen]) => Number(seen))
    const spans = spansAbove({ steps: steps.length, units: 2, values: Float32Array.from(steps.flatMap(([value]) => [9, value])) }, mask, 1, threshold)
    const inside = steps.map((_, step) => spans.some(({ from, to }) => step >= from && step < to))
    return steps.every(([value, seen], step) => inside[step] === (seen && value > threshold)) && spans.every(({ from }, n) => n === 0 || spans[n - 1].to < from)
  }))
})

t.test('a scale is 1 where an activation holds, else the largest magnitude', async (t) => {
  const of = (...values: number[]): { steps: number, units: number, values: Float32Array } => ({ steps: values.length, units: 1, values: Float32Array.from(values) })
  t.same(scaleOf('hidden', of(-0.5, 0.25), false), { low: -1, limit: 1 })
  t.same(scaleOf('hidden', of(-0.5, 0.25), true), { low: -0.5, limit: 0.5 })
  t.same(scaleOf('hidden', of(-0.5, 4), false), { low: -4, limit: 4 })
  t.same(scaleOf('cell', of(-0.5, 0.25, Infinity, NaN), false), { low: -0.5, limit: 0.5 })
  t.same(scaleOf('gates/forget', of(0, 1), false), { low: 0, limit: 1 })
  t.same(scaleOf('gates/forget', of(-2, 1), false), { low: -2, limit: 2 }, 'a linear gate')
  t.same(scaleOf('gates/candidate', of(0, 1), false), { low: -1, limit: 1 })
  t.same(scaleOf('cell', of(0, 0), false), { low: -1, limit: 1 })
})

t.test('a pixel is a cell, or the mean of those that share it', async (t) => {
  const curves = { steps: 4, units: 2, values: Float32Array.from([-1, 1, 1, 1, 0.5, NaN, 0.5, 0]) }
  const shades = shadesOf(themeOf(false))
  const all = { fromStep: 0, toStep: 4, fromRow: 0, toRow: 2 }
  const rows = rowsOf(curves, [1, 0])
  t.same([...rows], [1, 1, NaN, 0, -1, 1, 0.5, 0.5])
  const shade = (value: number): number => shades[Math.round((value + 1) * 511)]
  const none = (255 << 24 | notFinite[2] << 16 | notFinite[1] << 8 | notFinite[0]) >>> 0
  t.same(paint(rows, 4, all, 1, shades, 99, 99), { width: 4, height: 2, pixels: Uint32Array.from([shade(1), shade(1), none, shade(0), shade(-1), shade(1), shade(0.5), shade(0.5)]) })
  t.same(paint(rows, 4, { ...all, fromRow: 1 }, 1, shades, 2, 9).pixels, Uint32Array.from([shade(0), shade(0.5)]))
  t.same(paint(rows, 4, { fromStep: 0, toStep: 2, fromRow: 0, toRow: 2 }, 2, shades, 9, 1).pixels, Uint32Array.from([shade(0), shade(0.5)]))
})

t.test('orders: masked steps do not count, and like curves are neighbours', async (t) => {
  const curves = { steps: 3, units: 3, values: Float32Array.from([1, 2, 3, 5, 1, 1, 9, 0, 9]) }
  const mask = Uint8Array.from([1, 1, 0])
  t.same([...orderOf(curves, mask, 'final', 0)], [0, 1, 2], 'of one value by index')
  t.same([...orderOf(curves, null, 'final', 0)], [0, 2, 1])
  t.same([...orderOf(curves, mask, 'step', 0)], [2, 1, 0])
  t.same([...orderOf(curves, mask, 'mean', 0)], [0, 2, 1])
  t.same([...orderOf(curves, mask, 'variance', 0)], [0, 2, 1])
  const alike = clusterOrder({ steps: 2, units: 4, values: Float32Array.from([1, -1, 0.9, -0.9, 1, -1, 1, -1]) }, null)
  t.same([...alike].sort(), [0, 1, 2, 3])
  t.equal(Math.abs(alike.indexOf(0) - alike.indexOf(2)), 1)
  t.equal(clusterOrder({ steps: 1, units: 3, values: Float32Array.from([1, NaN, 1]) }, null).length, 3)
})

t.test('steps are those of the input as long as every layer between keeps them', async (t) => {
  const model = (...layers: [type: string, config?: Record<string, unknown>][]): Parameters<typeof readsInputSteps>[0] => ({
    inputs: [{ name: 'x', shape: [null, 5, 2], dtype: 'float32' }],
    layers: [['InputLayer', {}] as const, ...layers].map(([type, config = {}], n) => ({
      path: n === 0 ? 'x' : `l${n}`, keys: [n === 0 ? 'x' : `l${n}`], type, config, calls: [{ key: n === 0 ? 'x' : `l${n}`, inbound: n === 0 ? [] : [{ key: n === 1 ? 'x' : `l${n - 1}`, output: 0 }] }]
    }))
  })
  t.ok(readsInputSteps(model(['LSTM', { go_backwards: true }]), 'l1'), 'backwards, on its own input')
  t.ok(readsInputSteps(model(['Masking'], ['LSTM', { return_sequences: true }], ['GRU']), 'l3'))
  t.notOk(readsInputSteps(model(['LSTM', { return_sequences: true, go_backwards: true }], ['GRU']), 'l2'), 'what was turned around')
  t.notOk(readsInputSteps(model(['Conv1D'], ['LSTM']), 'l2'))
  t.notOk(readsInputSteps(model(['LSTM', { return_sequences: false }], ['RepeatVector'], ['LSTM']), 'l3'))
  t.ok(writesInputSteps(model(['LSTM', { return_sequences: true }], ['Dense']), 'l2'))
  t.notOk(writesInputSteps(model(['LSTM', { return_sequences: true, go_backwards: true }]), 'l1'))
  const two = model(['LSTM'])
  t.notOk(readsInputSteps({ ...two, inputs: [{ name: 'other', shape: [null, 5, 2], dtype: 'float32' }, ...two.inputs] }, 'l1'), 'another input')
})
