import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readModel, savedModelReason } from '../../src/registry/read.ts'
import { counted, entry, faultOf, hdf5, input, legacy, lstm, lstmArrays, readBytes, sequential, weightsOf, zip, type Content, type Numbers } from './files.ts'

const fault = async (t: Test, promise: Promise<unknown>, code: string, ...messages: RegExp[]): Promise<void> => {
  const found = await faultOf(promise)
  t.equal(found.code, code, found.message)
  for (const message of messages) t.match(found.message, message)
}

const architecture = sequential(input, lstm)
const wanted = [...counted([2, 12])]

t.test('.h5: a group for each layer', async (t) => {
  const file = await readBytes('model.h5', await legacy(architecture, { lstm: lstmArrays }))
  t.same([file.format, file.kerasVersion, file.keras, file.name], ['h5', '2.15.0', 2, 'model.h5'])
  t.same([...file.graph.layers.lstm.weights.kernel.data], wanted)
  t.same((await readBytes('model.keras', await legacy(architecture, { lstm: lstmArrays }))).format, 'h5', 'under the name .keras, as Keras up to 2.12 wrote it')
})

t.test('.h5: names longer than 64 KB lie in pieces', async (t) => {
  const names = Object.keys(lstmArrays)
  const content = weightsOf({ lstm: lstmArrays })
  const bytes = await hdf5({
    attributes: { model_config: JSON.stringify(architecture), keras_version: '2.15.0' },
    groups: { model_weights: { attributes: { layer_names0: ['lstm'], keras_version: '2.15.0' }, groups: { lstm: { ...content.groups!.lstm, attributes: { weight_names0: names.slice(0, 2), weight_names1: names.slice(2) } } } } }
  })
  t.same(Object.keys((await readBytes('model.h5', bytes)).graph.layers.lstm.weights), ['kernel', 'recurrent_kernel', 'bias'])
})

t.test('.h5: what does not fit names layer, tensor, expected and got', async (t) => {
  const read = async (arrays: Record<string, Numbers>, model: unknown = architecture): Promise<unknown> => await readBytes('model.h5', await legacy(model, { lstm: arrays }))
  await fault(t, read({ ...lstmArrays, 'bias:0': { shape: [9] } }), 'bad_file', /layer "lstm" \(LSTM\): "bias" should have the shape \[12\], but "model_weights\/lstm\/bias:0" has \[9\]/)
  await fault(t, read({ 'kernel:0': { shape: [2, 12] }, 'bias:0': { shape: [12] } }), 'bad_file', /"lstm" should have 3 arrays \(lstm: kernel, lstm: recurrent_kernel, lstm: bias\), but the file has 2/)
  const square = { 'recurrent_kernel:0': { shape: [3, 12] }, 'kernel:0': { shape: [3, 12] }, 'bias:0': { shape: [12] } }
  await fault(t, read(square, sequential(entry('InputLayer', { name: 'x', batch_input_shape: [null, 4, 3] }), lstm)), 'bad_file', /recurrent_kernel:0" stands where "kernel" is expected/)
  await fault(t, read({ ...lstmArrays, 'bias:0': { shape: [12], data: counted([12]).fill(NaN, 4, 5) } }), 'bad_file', /"model_weights\/lstm\/bias:0" holds NaN at place 4/)
  await fault(t, readBytes('model.h5', await legacy(architecture, { lstm: lstmArrays, more: { w: { shape: [1] } } })), 'bad_file', /1 layers with weights \(lstm\).*for 2 \(lstm, more\)/)
  await fault(t, readBytes('model.h5', await legacy(architecture, {})), 'bad_file', /no weights in a layout of Keras|for 0/)
  await fault(t, readBytes('model.h5', await hdf5({ attributes: { model_config: JSON.stringify(architecture), keras_version: '2.15.0' }, groups: { model_weights: { attributes: { layer_names: ['lstm'] }, groups: { lstm: { attributes: { weight_names: ['gone'] } } } } } })), 'bad_file', /"model_weights\/lstm\/gone" is not in the file/)
})

t.test('.h5: weights alone, an architecture alone, other things', async (t) => {
  await fault(t, readBytes('model.weights.h5', await hdf5(weightsOf({ lstm: lstmArrays }))), 'bad_file', /architecture is missing/, /model\.to_json\(\)/, /keras::model_to_json/)
  await fault(t, readBytes('model.json', JSON.stringify(architecture)), 'bad_file', /architecture alone/, /save_weights/)
  await fault(t, readBytes('model.h5', 'no HDF5'), 'bad_file', /"model.h5" is not an HDF5 file/)
  await fault(t, readBytes('model.txt', ''), 'bad_file', /no model file/)
  await fault(t, readBytes('model.h5', await legacy(architecture, { lstm: lstmArrays }, '4.0.0')), 'bad_file', /written by Keras "4.0.0"/)
  t.match(savedModelReason(), /load_model\("FOLDER"\)\.save\("model\.keras"\).*in R/)
})

t.test('an architecture with its weights beside it, in either layout', async (t) => {
  const document = JSON.stringify({ ...architecture, keras_version: '2.15.0' })
  const plain = await readBytes('model.json', document, { 'model.weights.h5': await hdf5(weightsOf({ renamed: lstmArrays })) }, 'model.weights.h5')
  t.same([...plain.graph.layers.lstm.weights.kernel.data], wanted, 'matched by order, whatever the names')
  const vars: Content = { groups: { cell: { groups: { vars: { arrays: { 0: { shape: [2, 12] }, 1: { shape: [3, 12] }, 2: { shape: [12] } } } } } } }
  const filed = await readBytes('model.json', document, { 'model.weights.h5': await hdf5({ groups: { layers: { groups: { lstm_2: vars } }, vars: {} } }) }, 'model.weights.h5')
  t.same([...filed.graph.layers.lstm.weights.kernel.data], wanted)
  const whole = await readBytes('model.json', document, { 'model.weights.h5': await legacy(architecture, { lstm: lstmArrays }) }, 'model.weights.h5')
  t.same([...whole.graph.layers.lstm.weights.kernel.data], wanted, 'a whole model gives its weights too')
})

t.test('numbers of every width', async (t) => {
  const bias = (data: Numbers['data'], dtype?: string): Record<string, Numbers> => ({ ...lstmArrays, 'bias:0': { shape: [12], data, ...(dtype === undefined ? {} : { dtype }) } })
  const read = async (arrays: Record<string, Numbers>): Promise<{ data: number[], notes: readonly string[] }> => {
    const { graph, notes } = await readBytes('model.h5', await legacy(architecture, { lstm: arrays }))
    return { data: [...graph.layers.lstm.weights.bias.data], notes }
  }
  const wide = await read(bias(Float64Array.from({ length: 12 }, (_, n) => n / 10)))
  t.same(wide.data, Array.from({ length: 12 }, (_, n) => Math.fround(n / 10)))
  t.match(wide.notes, [/float64 were rounded/])
  t.same((await read(bias(Int32Array.from({ length: 12 }, (_, n) => n - 6)))).data, Array.from({ length: 12 }, (_, n) => n - 6))
})

const config = JSON.stringify({ ...architecture, module: 'keras', registered_name: null })
const weights = async (layers: Record<string, Content>): Promise<Buffer> => await hdf5({ groups: { layers: { groups: layers }, vars: {} } })
const cell = (first: readonly number[] = [2, 12]): Content => ({ groups: { cell: { groups: { vars: { arrays: { 0: { shape: first }, 1: { shape: [3, 12] }, 2: { shape: [12] } } }, seed_generator: { groups: { vars: { arrays: { 0: { shape: [2] } } } } } } }, vars: {} } })

t.test('.keras: a zip of three', async (t) => {
  const metadata = JSON.stringify({ keras_version: '3.8.0' })
  const good = zip({ 'metadata.json': metadata, 'config.json': config, 'model.weights.h5': await weights({ lstm: cell() }) })
  const file = await readBytes('model.keras', good)
  t.same([file.format, file.keras, [...file.graph.layers.lstm.weights.kernel.data]], ['keras', 3, wanted])

  const read = async (layers: Record<string, Content>): Promise<unknown> => await readBytes('model.keras', zip({ 'metadata.json': metadata, 'config.json': config, 'model.weights.h5': await weights(layers) }))
  await fault(t, read({ lstm: cell([12, 2]) }), 'bad_file', /"lstm" \(LSTM\): "kernel" should have the shape \[\?, 12\], but "layers\/lstm\/cell\/vars\/0" has \[12, 2\]/)
  await fault(t, read({ lstm: cell(), lstm_1: cell() }), 'bad_file', /1 layers of the class LSTM \(lstm\), but the file has weights of 2/)
  await fault(t, read({ lstm: cell(), dense: cell() }), 'bad_file', /"layers\/dense" that belong to no layer/)
  await fault(t, read({ lstm: { groups: { vars: { arrays: { 0: { shape: [2, 12] } } } } } }), 'bad_file', /no weights of the part "cell"/)
  await fault(t, read({}), 'bad_file', /no weights for the model/)

  await fault(t, readBytes('model.keras', zip({ 'metadata.json': metadata })), 'bad_file', /no config\.json/)
  await fault(t, readBytes('model.keras', zip({ 'config.json': config })), 'bad_file', /no model\.weights\.h5/)
  await fault(t, readBytes('model.keras', zip({ 'config.json': config, 'model.weights.npz': 'x' })), 'bad_file', /model\.weights\.npz/)
  await fault(t, readBytes('model.keras', zip({ 'config.json': config, 'model.weights.h5': 'x' })), 'bad_file', /is not an HDF5 file/)
  await fault(t, readBytes('model.keras', zip({ 'config.json': '{', 'model.weights.h5': 'x' })), 'bad_file', /"config\.json" is not JSON/)
  await fault(t, readBytes('model.keras', 'PK no zip'), 'bad_file', /archive is damaged/)
  await fault(t, readBytes('model.keras', zip({ 'config.json': config, 'model.weights.h5': 'x' }, { checksum: () => 7 })), 'bad_file', /checksum of "config\.json" is wrong/)
})

/** A converted model of the LSTM above; weights as one list in one shard. */
function converted (manifest: unknown = [{ paths: ['group1-shard1of1.bin'], weights: ['kernel', 'recurrent_kernel', 'bias'].map((name, n) => ({ name: `lstm/lstm_cell/${name}`, shape: [[2, 12], [3, 12], [12]][n], dtype: 'float32' })) }]): string {
  return JSON.stringify({ format: 'layers-model', modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: architecture }, weightsManifest: manifest })
}

const numbers = Buffer.concat([[2, 12], [3, 12], [12]].map((shape) => Buffer.from(counted(shape).buffer)))

t.test('model.json with shards', async (t) => {
  const file = await readBytes('model.json', converted(), { 'group1-shard1of1.bin': numbers })
  t.same([file.format, file.keras, [...file.graph.layers.lstm.weights.bias.data]], ['tfjs', 2, [...counted([12])]])

  const small = (dtype: string, more = {}): unknown => [{ paths: ['a.bin'], weights: [{ name: 'lstm/kernel', shape: [2, 12], dtype: 'float32', quantization: { dtype, ...more } }] }, { paths: ['b.bin'], weights: [['recurrent_kernel', [3, 12]], ['bias', [12]]].map(([name, shape]) => ({ name: `lstm/${name as string}`, shape, dtype: 'float32' })) }]
  const rest = numbers.subarray(24 * 4)
  const bytes = await readBytes('model.json', converted(small('uint8', { min: -1, scale: 0.1 })), { 'a.bin': Buffer.from(Array.from({ length: 24 }, (_, n) => n)), 'b.bin': rest })
  t.same([...bytes.graph.layers.lstm.weights.kernel.data], Array.from({ length: 24 }, (_, n) => Math.fround(n * 0.1 - 1)))
  t.match(bytes.notes, [/quantised to uint8/])
  const half = await readBytes('model.json', converted(small('float16')), { 'a.bin': Buffer.from(Uint16Array.from({ length: 24 }, (_, n) => 0x3c00 + n).buffer), 'b.bin': rest })
  t.same([...half.graph.layers.lstm.weights.kernel.data], Array.from({ length: 24 }, (_, n) => 1 + n / 1024))
  await fault(t, readBytes('model.json', converted(small('uint8')), { 'a.bin': Buffer.alloc(24), 'b.bin': rest }), 'bad_file', /quantised without min and scale/)
})

t.test('model.json: what is missing or does not fit', async (t) => {
  const shard = 'group1-shard1of1.bin'
  await fault(t, readBytes('model.json', converted()), 'bad_file', /"group1-shard1of1\.bin" cannot be read/)
  await fault(t, readBytes('model.json', converted(), { [shard]: numbers.subarray(0, 100) }), 'bad_file', /end at byte 100, in the middle of weight "lstm\/lstm_cell\/recurrent_kernel"/)
  await fault(t, readBytes('model.json', converted(), { [shard]: Buffer.concat([numbers, Buffer.alloc(4)]) }), 'bad_file', /hold 292 bytes where 288/)
  const entryOf = (weight: object): unknown => [{ paths: [shard], weights: [weight] }]
  for (const [weight, message] of [
    [{ name: 'other/kernel', shape: [72], dtype: 'float32' }, /"other\/kernel" belongs to no layer/],
    [{ name: 'lstm/kernel', shape: [72], dtype: 'complex64' }, /"complex64"/],
    [{ name: 'lstm/kernel', shape: [-1], dtype: 'float32' }, /no usable shape/],
    [{ name: 'lstm/kernel', shape: [2 ** 40], dtype: 'float32' }, /in the middle/],
    [{ shape: [72] }, /has no name/],
    [{ name: 'lstm/kernel', shape: [72], dtype: 'float32' }, /"lstm" should have 3 arrays/]
  ] as [object, RegExp][]) await fault(t, readBytes('model.json', converted(entryOf(weight)), { [shard]: numbers }), 'bad_file', message)
  await fault(t, readBytes('model.json', JSON.stringify({ format: 'graph-model', modelTopology: {}, weightsManifest: [] })), 'bad_file', /graph model/)
  await fault(t, readBytes('model.json', JSON.stringify({ weightsManifest: [] })), 'bad_file', /weights alone/)
  await fault(t, readBytes('model.json', '[]'), 'bad_file', /not an object/)
})

t.test('a shard stays in the folder of its model', async (t) => {
  const folder = t.testdir({ outside: 'secret' })
  const home = join(folder, 'model')
  mkdirSync(home)
  symlinkSync(join(folder, 'outside'), join(home, 'link.bin'))
  for (const path of ['../outside', join(folder, 'outside'), 'link.bin', 'x/../../outside']) {
    writeFileSync(join(home, 'model.json'), converted([{ paths: [path], weights: [] }]))
    await fault(t, readModel({ main: join(home, 'model.json'), weights: null }), 'bad_file', /lies outside|cannot be read/)
  }
})
