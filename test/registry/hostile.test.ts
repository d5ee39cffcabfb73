import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import h5wasm, { type Group } from 'h5wasm'
import t from 'tap'
import { readModel } from '../../src/registry/read.ts'
import { archive, type Member } from './archive.ts'
import { counted, faultOf, hdf5, input, legacy, lstm, lstmArrays, readBytes, sequential } from './files.ts'

// Files of somebody who wants harm. What real damage does is in damaged.test.ts.

const architecture = sequential(input, lstm)
const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A legacy file of the LSTM whose kernel is put there by `kernel`. */
async function withKernel (kernel: (layer: Group) => void, more: (file: InstanceType<typeof h5wasm.File>) => void = () => {}): Promise<Buffer> {
  const { FS } = await h5wasm.ready
  const name = 'hostile.h5'
  const file = new h5wasm.File(name, 'w')
  file.create_attribute('model_config', JSON.stringify(architecture))
  file.create_attribute('keras_version', '2.15.0')
  const weights = file.create_group('model_weights') as Group
  weights.create_attribute('layer_names', ['lstm'])
  const layer = weights.create_group('lstm') as Group
  layer.create_attribute('weight_names', Object.keys(lstmArrays))
  kernel(layer)
  layer.create_dataset({ name: 'recurrent_kernel:0', data: counted([3, 12]), shape: [3, 12] })
  layer.create_dataset({ name: 'bias:0', data: counted([12]), shape: [12] })
  more(file)
  file.close()
  const bytes = Buffer.from(FS.readFile(name) as Uint8Array)
  FS.unlink(name)
  return bytes
}

/** An array that is small on disk and declares `rows` rows of 12 numbers. */
const bomb = (layer: Group, name: string, rows: number): void => {
  const dataset = layer.create_dataset({ name, data: counted([2, 12]), shape: [2, 12], maxshape: [null, 12], chunks: [1024, 12], compression: 'gzip' })
  ;(dataset as unknown as { resize: (shape: number[]) => void }).resize([rows, 12])
}

t.test('a few bytes that declare gigabytes are refused before they are read', async (t) => {
  const one = await withKernel((layer) => bomb(layer, 'kernel:0', 2 ** 25))
  t.ok(one.length < 20000, `${one.length} bytes`)
  t.match(await faultOf(readBytes('model.h5', one)), { code: 'bad_file', message: /the array "model_weights\/lstm\/kernel:0" declares 1610612736 bytes.*more than any model packs/ })
  const names = Array.from({ length: 100 }, (_, n) => `part${n}`)
  const many = await withKernel((layer) => {
    for (const name of names) bomb(layer, name, 2 ** 16)
    layer.delete_attribute('weight_names')
    layer.create_attribute('weight_names', names)
  })
  t.match(await faultOf(readBytes('model.h5', many)), { code: 'bad_file', message: /"model_weights\/lstm\/part\d+" declares 3145728 bytes, with what comes before it \d{8}/ }, 'in many small parts')
  const tight = await withKernel((layer) => { layer.create_dataset({ name: 'kernel:0', data: counted([2, 12]), shape: [2, 12], chunks: [2, 12], compression: 'gzip' }) })
  t.same([...(await readBytes('model.h5', tight)).graph.layers.lstm.weights.kernel.data], [...counted([2, 12])], 'what is packed as files are is read')
})

t.test('links, virtual arrays and numbers in another file lead nowhere', async (t) => {
  const canary = 'a canary that never leaves its cage, 4 x 24 bytes long, which is what a kernel of this size would need to be'
  const folder = t.testdir({ 'canary.bin': canary, 'canary.h5': await hdf5({ arrays: { numbers: { shape: [2, 12] } } }) })
  const read = async (name: string, bytes: Buffer): Promise<{ code: string, message: string }> => {
    writeFileSync(join(folder, name), bytes)
    return await faultOf(readModel({ main: join(folder, name), weights: null }))
  }
  const elsewhere = (file: InstanceType<typeof h5wasm.File>): void => { file.create_dataset({ name: 'other', data: counted([2, 12]), shape: [2, 12] }) }
  t.match(await read('soft.h5', await withKernel((layer) => { layer.create_soft_link('/other', 'kernel:0') }, elsewhere)), { code: 'bad_file', message: /kernel:0" is a soft link/ })
  for (const target of ['canary.h5', join(folder, 'canary.h5'), '../canary.h5']) {
    t.match(await read('linked.h5', await withKernel((layer) => { layer.create_external_link(target, '/numbers', 'kernel:0') })), { code: 'bad_file', message: /kernel:0" is a link to another file/ }, target)
  }
  const group = await hdf5({ attributes: { model_config: JSON.stringify(architecture), keras_version: '2.15.0' } })
  t.match(await read('none.h5', group), { code: 'bad_file' })
  const made = join(root, 'test/registry/hostile')
  for (const name of readdirSync(made).filter((file) => file.endsWith('.h5'))) {
    const { code, message } = await read(name, readFileSync(join(made, name)))
    t.equal(code, 'bad_file', name)
    t.match(message, /kernel:0" (cannot be read|has no numbers of its own)/, name)
    t.notMatch(message, /canary that|root:/, name)
  }
})

t.test('groups that hold each other, or the next one twice at each of many levels, come to an end', async (t) => {
  const { FS } = await h5wasm.ready
  const read = async (fill: (layers: Group) => void): Promise<{ code: string, message: string }> => {
    const file = new h5wasm.File('round.h5', 'w')
    fill(file.create_group('layers') as Group)
    file.close()
    const content = Buffer.from(FS.readFile('round.h5') as Uint8Array)
    FS.unlink('round.h5')
    return await faultOf(readBytes('model.keras', archive([{ name: 'config.json', content: JSON.stringify({ ...architecture, module: 'keras', registered_name: null }) }, { name: 'model.weights.h5', content }])))
  }
  t.match(await read((layers) => { layers.create_hard_link('/layers', 'a') }), { code: 'bad_file', message: /deep/ })
  t.match(await read((layers) => {
    let group = layers
    for (let level = 0; level < 25; level++) {
      const next = group.create_group('a') as Group
      group.create_hard_link(next.path, 'b')
      group = next
    }
  }), { code: 'bad_file', message: /hold each other, or are too many/ })
})

const config = JSON.stringify({ ...architecture, module: 'keras', registered_name: null })
const weights = await hdf5({ groups: { layers: { groups: { lstm: { groups: { cell: { groups: { vars: { arrays: { 0: { shape: [2, 12] }, 1: { shape: [3, 12] }, 2: { shape: [12] } } } } } } } } } } })
const good: Member[] = [{ name: 'metadata.json', content: '{"keras_version":"3.8.0"}' }, { name: 'config.json', content: config }, { name: 'model.weights.h5', content: weights }]

t.test('archives: what is read is what is declared, and not too much of it', async (t) => {
  t.equal((await readBytes('model.keras', archive(good))).graph.layers.lstm.className, 'LSTM')
  t.equal((await readBytes('model.keras', archive(good.map((member) => ({ ...member, deflate: true }))))).graph.layers.lstm.className, 'LSTM', 'packed by somebody')
  const zeros = Buffer.alloc(20 * 2 ** 20)
  const [metadata, own, numbers] = good
  const bad: [string, Buffer, RegExp][] = [
    ['a bomb', archive([...good, { name: 'assets/x', content: zeros, deflate: true }]), /more than 20 times its size/],
    ['the weights a bomb', archive([metadata, own, { name: 'model.weights.h5', content: zeros, deflate: true }]), /more than 20 times its size/],
    ['more than 1 GiB declared', archive([...good, { name: 'x', content: 'x', deflate: true, says: { size: 2 ** 30 } }]), /more than 1073741824 bytes/],
    ['a size that is too small', archive([metadata, { name: 'config.json', content: zeros, deflate: true, says: { size: 100 } }, numbers]), /too many bytes/],
    ['a size that is too large', archive([metadata, { name: 'config.json', content: config, deflate: true, says: { size: config.length + 9 } }, numbers]), /not enough bytes/],
    ['a stored size that is another', archive([metadata, { name: 'config.json', content: config, says: { size: config.length + 9 } }, numbers]), /size mismatch|damaged/],
    ['a wrong checksum', archive([metadata, own, { name: 'model.weights.h5', content: weights, says: { crc: 7 } }]), /checksum of "model\.weights\.h5" is wrong/],
    ['members over each other', archive([...good, ...Array.from({ length: 20 }, (_, n) => ({ name: `copy${n}`, content: weights, over: true }))]), /lies over/],
    ['a member over the end', archive([metadata, own, { name: 'model.weights.h5', content: weights, says: { packed: 2 ** 20, size: 2 ** 20 } }]), /lies over its end/],
    ['100,000 entries', archive([...good, ...Array.from({ length: 100_000 }, (_, n) => ({ name: `n${n}`, content: '' }))]), /holds 65535 files|holds 100003 files/],
    ['1,025 entries', archive([...good, ...Array.from({ length: 1022 }, (_, n) => ({ name: `n${n}`, content: '' }))]), /holds 1025 files/],
    ['a name twice', archive([...good, { name: 'config.json', content: '{}' }]), /holds "config\.json" twice/],
    ['a link', archive([metadata, own, { name: 'model.weights.h5', content: '/etc/passwd', mode: 0o120777 }]), /"model\.weights\.h5" is a symbolic link/],
    ['more than the end counts', archive(good, 2), /no model\.weights\.h5/],
    ...['../outside', '/outside', 'a/../../outside', 'C:\\outside', '..\\outside'].map((name): [string, Buffer, RegExp] => [name, archive([...good, { name, content: 'x' }]), /invalid|absolute|relative/])
  ]
  const folder = t.testdir({ inside: {} })
  for (const [what, bytes, message] of bad) {
    const main = join(folder, 'inside', 'model.keras')
    writeFileSync(main, bytes)
    const found = await faultOf(readModel({ main, weights: null }))
    t.equal(found.code, 'bad_file', what)
    t.match(found.message, message, what)
  }
  t.same(readdirSync(folder), ['inside'], 'nothing is written anywhere')
  t.same(readdirSync(join(folder, 'inside')), ['model.keras'])
  t.notOk(existsSync('/outside'))
})

t.test('what is no file is not waited for, and a shard is read once', async (t) => {
  const folder = t.testdir({})
  execFileSync('mkfifo', [join(folder, 'pipe.h5')])
  symlinkSync('/dev/zero', join(folder, 'zero.h5'))
  for (const name of ['pipe.h5', 'zero.h5']) t.match(await faultOf(readModel({ main: join(folder, name), weights: null })), { code: 'bad_file', message: /is not a file/ }, name)
  t.match(await faultOf(readModel({ main: join(folder, 'gone.h5'), weights: null })), { code: 'bad_file', message: '"gone.h5" cannot be read: it is not there' })
  const manifest = { format: 'layers-model', modelTopology: { model_config: architecture }, weightsManifest: [{ paths: Array(50).fill('a.bin'), weights: [] }] }
  t.match(await faultOf(readBytes('model.json', JSON.stringify(manifest), { 'a.bin': Buffer.alloc(1000) })), { code: 'bad_file', message: /names the shard "a\.bin" twice/ })
})

t.test('a model that is not the one of the digest is refused before it is parsed', async (t) => {
  const folder = t.testdir({})
  const main = join(folder, 'model.h5')
  copyFileSync(join(root, 'models/weather/model.h5'), main)
  const { digest } = await readModel({ main, weights: null })
  t.match(digest, /^sha256:[0-9a-f]{64}$/)
  t.equal((await readModel({ main, weights: null }, { digest })).digest, digest)
  const bytes = readFileSync(main)
  bytes[bytes.length >> 1] ^= 1
  writeFileSync(main, bytes)
  t.match(await faultOf(readModel({ main, weights: null }, { digest })), { code: 'bad_file', message: /are not those that were stored/ })
  writeFileSync(main, 'nothing that could be parsed')
  t.match(await faultOf(readModel({ main, weights: null }, { digest })), { code: 'bad_file', message: /are not those that were stored/ })
})

t.test('a process of its own, held to its memory', { skip: process.platform !== 'linux' && 'the kernel of Linux holds it' }, async (t) => {
  const weather = { main: join(root, 'models/weather/model.h5'), weights: null }
  const [here, apart] = await Promise.all([readModel(weather), readModel(weather, { disposable: true })])
  t.equal(JSON.stringify(apart), JSON.stringify(here), 'the same model')
  const large = join(t.testdir({ 'large.h5': '' }), 'large.h5')
  truncateSync(large, 600e6)
  t.match(await faultOf(readModel({ main: large, weights: null }, { memory: 256 })), { code: 'bad_file', message: /the 256 MiB of IMPORT_MEMORY_MB/ })
  t.equal((await readModel(weather)).digest, here.digest, 'and others are read')
})

t.test('the file of a stranger: a prediction is tried where it is read', async (t) => {
  const write = (bytes: Buffer): string => {
    const main = join(t.testdir({}), 'model.h5')
    writeFileSync(main, bytes)
    return main
  }
  // Each weight has the shape that its own layer's config asks for, but this one takes five features and is given two.
  const unfit = write(await legacy(architecture, { lstm: { ...lstmArrays, 'kernel:0': { shape: [5, 12] } } }))
  t.match(await readModel({ main: unfit, weights: null }), { format: 'h5' }, 'one of MODELS_DIR is tried by the threads')
  t.match(await faultOf(readModel({ main: unfit, weights: null }, { disposable: true })), { code: 'bad_file', message: /was read, but a prediction of it fails: .*5/ })
})

t.test('weights that are no numbers any more: only when asked, and said', async (t) => {
  const bytes = await legacy(architecture, { lstm: { ...lstmArrays, 'bias:0': { shape: [12], data: counted([12]).fill(-Infinity, 4, 5) } } })
  const main = join(t.testdir({ 'model.h5': bytes }), 'model.h5')
  t.match(await faultOf(readModel({ main, weights: null })), { code: 'bad_file', message: /"model_weights\/lstm\/bias:0" holds -Infinity at place 4.*ALLOW_NON_FINITE/ })
  const file = await readModel({ main, weights: null }, { nonFinite: true })
  t.equal(file.graph.layers.lstm.weights.bias.data[4], -Infinity)
  t.match(file.notes, ['weight "model_weights/lstm/bias:0" holds -Infinity at place 4'])
})
