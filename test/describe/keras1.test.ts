import { readFileSync } from 'node:fs'
import t from 'tap'
import { describeWeights } from '../../src/describe/weights.ts'
import type { Layer, ModelFile } from '../../src/model.ts'
import { Budget } from '../../src/registry/budget.ts'
import { filedWeights } from '../../src/registry/formats/h5.ts'
import { Hdf5 } from '../../src/registry/formats/hdf5.ts'
import { readModel } from '../../src/registry/read.ts'
import { graphOf, layer, served } from '../request/models.ts'
import { bidirectional, counted, dense, gru, lstm, simple, stacked } from './models.ts'

interface Listed { readonly index: number, readonly layer: string, readonly name: string, readonly shape: number[], readonly data: unknown }

const listed = (file: ModelFile): Listed[] =>
  (JSON.parse(Buffer.from(describeWeights({ id: 'm', version: 1, digest: '', file }, { values: true, layout: 'keras1' })).toString()) as { weights: Listed[] }).weights

function names (one: Layer): string[] {
  return listed(served(graphOf({ x: { shape: [null, null, 2] } }, [[one, 'x']])).file).map(({ name }) => name)
}

t.test('files of Keras 1: the arrays as they lie in the file, in its order and under its names', async (t) => {
  const met = new Set<string>()
  for (const id of ['old-sequences-k1-h5', 'old-tokens-k1-h5']) {
    const main = `test/goldens/models/${id}.h5`
    const file = await readModel({ main, weights: null })
    const weights = listed(file)
    const bytes = readFileSync(main)
    const filed = await Hdf5.use(bytes, id, { notes: new Set(), budget: new Budget(bytes.length), seconds: 3 }, (opened) => {
      const found = filedWeights(opened, 'model_weights')
      return ('groups' in found ? found.groups : []).map(({ name, arrays }) => ({ name, arrays: arrays.map((array) => ({ name: array.name, shape: array.shape, data: [...array.read()] })) }))
    })
    for (const { name: path, arrays } of filed) {
      const { className, config } = file.graph.layers[path]
      // Keras 1's gpu mode had today's arrays; other layers have today's names.
      if (!['LSTM', 'GRU', 'SimpleRNN'].includes(className) || config.consume_less === 'gpu') continue
      const own = weights.filter((weight) => weight.layer === path)
      t.same(own.map(({ shape, data }) => ({ shape, data: ([data].flat(Infinity) as number[]).map(Math.fround) })), arrays.map(({ shape, data }) => ({ shape, data })), `${id} ${path}`)
      for (const [n, { name }] of own.entries()) t.ok(arrays[n].name.replace(/:0$/, '').endsWith(`_${name}`), `${arrays[n].name} is ${name}`)
      met.add(`${className} ${own.length}`)
    }
  }
  t.ok(met.has('LSTM 12'))
  t.ok(met.has('GRU 9'))
})

t.test('names and their order', async (t) => {
  t.same(names(lstm('l', 1, 2)), ['W_i', 'U_i', 'b_i', 'W_c', 'U_c', 'b_c', 'W_f', 'U_f', 'b_f', 'W_o', 'U_o', 'b_o'])
  t.same(names(gru('g', 1, 2, false)), ['W_z', 'U_z', 'b_z', 'W_r', 'U_r', 'b_r', 'W_h', 'U_h', 'b_h'])
  t.same(names(simple('s', 1, 2)), ['W', 'U', 'b'])
  const image = layer('c', 'ConvLSTM2D', { filters: 1 }, { weights: { kernel: counted(0, 1, 2, 1, 4), recurrent_kernel: counted(0, 1, 2, 1, 4), bias: counted(0, 4) } })
  t.same(names(image).slice(3, 6), ['W_c', 'U_c', 'b_c'])
  const both = { ...bidirectional('bi'), children: { forward: lstm('bi/forward', 1, 2), backward: simple('bi/backward', 1, 2) } }
  t.same([names(both)[3], names(both).slice(12)], ['forward/W_c', ['backward/W', 'backward/U', 'backward/b']])
})

t.test('what Keras 1 had not is named as today', async (t) => {
  const today = ['kernel', 'recurrent_kernel', 'bias']
  t.same(names(gru('g', 1, 2, true)), today, 'a GRU with two biases')
  t.same(names(lstm('l', 1, 2, { use_bias: false })), today.slice(0, 2), 'a layer without bias')
  t.same(names(dense('d', 1, 2)), ['kernel', 'bias'])
  t.same(names(stacked('rnn')).slice(0, 3), ['cells/0/kernel', 'cells/0/recurrent_kernel', 'cells/0/bias'])
})

t.test('the numbers are those of the gates', async (t) => {
  const { file } = served(graphOf({ x: { shape: [null, null, 3] } }, [[lstm('l', 2, 3), 'x']]))
  // kernel[row][column] is 8 * row + column, and the blocks are i, f, c, o.
  t.same(listed(file)[3], { index: 3, layer: 'l', name: 'W_c', shape: [3, 2], data: [[4, 5], [12, 13], [20, 21]] })
  t.same(listed(file)[8], { index: 8, layer: 'l', name: 'b_f', shape: [2], data: [202, 203] })
})
