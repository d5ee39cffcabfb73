import t from 'tap'
import { sizesOf } from '../../src/export/sizes.ts'
import type { ModelFile } from '../../src/model.ts'
import { planAll } from '../../src/plan/by-name.ts'
import { graphOf, layer, served } from '../request/models.ts'

const sizes = (file: ModelFile): ReturnType<typeof sizesOf> => sizesOf(file, planAll(file))
const lstm = (path: string, more: Record<string, unknown> = {}): ReturnType<typeof layer> =>
  layer(path, 'LSTM', { units: 2, return_sequences: true, ...more }, { weights: Object.fromEntries([['kernel', [3, 8]], ['recurrent_kernel', [2, 8]]].map(([name, shape]) => [name, { shape: shape as number[], data: new Float32Array(24) }])) })
const join = (className: string): ReturnType<typeof layer> => layer('join', className, { axis: -1 })

t.test('free axes of a result are those of the inputs, where they are the same for every size', async (t) => {
  const { inputs, outputs, layers } = sizes(served(graphOf({ x: { shape: [null, null, 3] } }, [
    [lstm('lstm'), 'x'],
    [layer('pool', 'MaxPooling1D', { pool_size: [2], strides: [2], padding: 'valid', data_format: 'channels_last' }), 'lstm'],
    [layer('up', 'UpSampling1D', { size: 2 }), 'pool'],
    [layer('pad', 'ZeroPadding1D', { padding: [0, 1], data_format: 'channels_last' }), 'up']
  ])).file)
  t.same(inputs, [['batch', 'step', 3]])
  t.same(layers![0].get('hidden'), ['batch', 'step', 2])
  t.same(layers![0].get('final/hidden'), ['batch', 2])
  t.same(outputs, [['batch', -1, 2]], 'half the steps twice over and one more are as many as before where their number is odd')
})

t.test('inputs of lengths of their own, and inputs that have to be of one', async (t) => {
  const two = { x: { shape: [null, null, 3] }, y: { shape: [null, null, 3] } }
  const apart = sizes(served(graphOf(two, [[lstm('first', { return_sequences: false }), 'x'], [lstm('second', { return_sequences: false }), 'y'], [join('Add'), 'first', 'second']])).file)
  t.same(apart.inputs, [['batch', 'step', 3], ['batch', 'step_2', 3]])
  t.same([apart.layers![0].get('hidden'), apart.layers![1].get('hidden')], [['batch', 'step', 2], ['batch', 'step_2', 2]])
  const alike = sizes(served(graphOf(two, [[join('Add'), 'x', 'y'], [lstm('lstm'), 'join']])).file)
  t.same(alike.inputs, [['batch', 'step', 3], ['batch', 'step', 3]])
  t.same(alike.outputs, [['batch', 'step', 2]])
})

t.test('a fixed length stays, further free axes have words too', async (t) => {
  t.same(sizes(served(graphOf({ x: { shape: [4, 7, 3] } }, [[lstm('lstm'), 'x']])).file).inputs, [['batch', 7, 3]])
  const { inputs, outputs } = sizes(served(graphOf({ x: { shape: [null, null, null, 1] } }, [[layer('flip', 'Permute', { dims: [2, 1, 3] }), 'x']])).file)
  t.same([inputs, outputs], [[['batch', 'step', 'axis_2', 1]], [['batch', 'axis_2', 'step', 1]]])
})

t.test('where sequences may be mixed nothing is said', async (t) => {
  const { inputs, outputs, layers } = sizes(served(graphOf({ x: { shape: [null, null, 3] } }, [[layer('mean', 'ops.Mean', { axis: [0], keepdims: true }), 'x']])).file)
  t.same([inputs, outputs, layers], [[['batch', 'step', 3]], null, null])
})
