// Rows 4 to 11 and 28: hostile model files while the service stands. What each row has to say, test/registry/hostile.test.ts and
// strange-configs.test.ts hold to; here it is measured. Needs `npm run build`.
//
//   node bench/reliability/files.mjs [--row 6]

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import h5wasm from 'h5wasm'
import { archive } from '../../dist/test/registry/archive.js'
import { writeRow } from './rows.mjs'
import { attempt, readersPeak, resident, startService } from './support.mjs'

const { values: given } = parseArgs({ options: { row: { type: 'string' } } })
const home = mkdtempSync(join(tmpdir(), 'hostile-files-'))
const inside = join(home, 'inside')
mkdirSync(inside)
const { FS } = await h5wasm.ready
const service = await startService()

const entry = (className, config, more = {}) => ({ class_name: className, config, ...more })
const x = entry('InputLayer', { name: 'x', batch_input_shape: [null, 4, 2] }, { name: 'x', inbound_nodes: [] })
const sequential = (...layers) => entry('Sequential', { name: 'm', layers })
const lstm = (units = 3) => entry('LSTM', { name: 'lstm', units })
const act = (name, from, node = 0) => entry('Activation', { name, activation: 'tanh' }, { name, inbound_nodes: [[[from, node, 0, {}]]] })
const functional = (layers, output) => entry('Functional', { name: 'm', layers, input_layers: [['x', 0, 0]], output_layers: [[output, 0, 0]] })
const many = (count, make) => Array.from({ length: count }, (_, n) => make(n))
const numbers = (length) => Float32Array.from({ length }, (_, n) => (n + 1) / 8)
const shapes = { 'kernel:0': [2, 12], 'recurrent_kernel:0': [3, 12], 'bias:0': [12] }
const size = (shape) => shape.reduce((a, b) => a * b, 1)

const plain = sequential(x, lstm())

/** A legacy file (of weights alone where the architecture is null): the LSTM's arrays, those of `change` put in their place (a function writes them; null leaves them out). */
function legacy (architecture, change = {}, names = Object.keys(shapes)) {
  const file = new h5wasm.File('made.h5', 'w')
  if (architecture !== null) file.create_attribute('model_config', typeof architecture === 'string' ? architecture : JSON.stringify(architecture))
  file.create_attribute('keras_version', '2.15.0')
  const weights = architecture === null ? file : file.create_group('model_weights')
  weights.create_attribute('layer_names', ['lstm'])
  const layer = weights.create_group('lstm')
  layer.create_attribute('weight_names', names)
  for (const [name, shape] of Object.entries({ ...shapes, ...change })) {
    if (typeof shape === 'function') shape(layer, name)
    else if (shape !== null) layer.create_dataset({ name, data: numbers(size(shape)), shape })
  }
  file.create_dataset({ name: 'other', data: numbers(24), shape: [2, 12] })
  file.close()
  const bytes = Buffer.from(FS.readFile('made.h5'))
  FS.unlink('made.h5')
  return bytes
}

const bomb = (rows) => (layer, name) => layer.create_dataset({ name, data: numbers(24), shape: [2, 12], maxshape: [null, 12], chunks: [1024, 12], compression: 'gzip' }).resize([rows, 12])

/** Each way in which an architecture comes. */
const kinds = (architecture) => ({
  'model.h5': legacy(architecture),
  'model.keras': archive([{ name: 'config.json', content: JSON.stringify(architecture) }, { name: 'model.weights.h5', content: legacy(null) }]),
  'model.json': JSON.stringify({ modelTopology: { keras_version: '2.15.0', model_config: architecture }, weightsManifest: [] })
})

let turn = 0

/**
 * Reads each file by a process that has read a sound one, and says how many were refused, how slowly at worst (the best of five where one was slow), and how much more memory service
 * and reader took at most.
 */
async function refuse (files, { message = /./ } = {}) {
  const sound = join(inside, 'sound.h5')
  const result = { all: 0, refused: 0, slowest: 0, service: 0, reader: 0, odd: [] }
  for (const [what, name, bytes] of files) {
    // Another limit, another process.
    const how = { seconds: 30 + ++turn / 1000 }
    writeFileSync(sound, legacy(plain))
    const first = await attempt({ main: sound, weights: null }, how)
    if (first.outcome !== 'loaded') throw new Error(`a sound file is not read: ${first.message}`)
    const before = { service: resident(), reader: readersPeak() }
    const main = join(inside, name)
    writeFileSync(main, bytes)
    const { outcome, ms, message: said } = await attempt({ main, weights: null }, how)
    result.all++
    if (outcome === 'refused' && message.test(said)) result.refused++
    else result.odd.push(`${what}: ${outcome} ${said.slice(0, 200)}`)
    let best = ms
    // The machine may be busy with something else.
    for (let again = 0; again < 4 && best > 300; again++) best = Math.min(best, (await attempt({ main, weights: null }, how)).ms)
    result.slowest = Math.max(result.slowest, best)
    result.service = Math.max(result.service, resident() - before.service)
    result.reader = Math.max(result.reader, readersPeak() - before.reader)
    rmSync(main)
    rmSync(sound)
  }
  result.broken = await service.check()
  const text = `${result.refused} of ${result.all} refused, the slowest in ${Math.round(result.slowest)} ms; memory of the service +${Math.max(0, result.service).toFixed(1)} MiB, of the reading process +${Math.max(0, result.reader).toFixed(1)} MiB` +
    `${result.odd.length === 0 ? '' : `; ${result.odd.join('; ')}`}${result.broken.length === 0 ? '; everything stands' : `; does not stand: ${result.broken.join(', ')}`}`
  return { ...result, text, good: result.refused === result.all && result.broken.length === 0 }
}

const command = 'node bench/reliability/files.mjs'
const write = (row, fault, wanted, got, held, test) => writeRow({ row, fault, wanted, got, held, how: `${command} --row ${row}; ${test}` })
const hostile = 'test/registry/hostile.test.ts'
const strange = 'test/registry/strange-configs.test.ts'

const rows = {
  async 4 () {
    const parts = many(100, (n) => `part${n}`)
    const files = [
      ['one array of 1.6 GB', 'one.h5', legacy(plain, { 'kernel:0': bomb(2 ** 25) })],
      ['100 arrays of 3 MB', 'many.h5', legacy(plain, { ...Object.fromEntries(Object.keys(shapes).map((name) => [name, null])), ...Object.fromEntries(parts.map((name) => [name, bomb(2 ** 16)])) }, parts)]
    ]
    const bytes = files.map(([, , { length }]) => length).join(' and ')
    const { text, good, service, reader } = await refuse(files, { message: /declares/ })
    write(4, `arrays that declare 1.6 GB in files of ${bytes} bytes`, '422 before reading, RSS +64 MiB at most', text, good && service <= 64 && reader <= 64, hostile)
  },
  async 5 () {
    const canary = join(home, 'canary.h5')
    writeFileSync(canary, legacy(plain))
    const link = (target) => legacy(plain, { 'kernel:0': (layer, name) => layer.create_external_link(target, '/other', name) })
    const made = readdirSync('test/registry/hostile').filter((name) => name.endsWith('.h5'))
    const { text, good } = await refuse([
      ['a soft link', 'soft.h5', legacy(plain, { 'kernel:0': (layer, name) => layer.create_soft_link('/other', name) })],
      ...[canary, '../canary.h5', 'canary.h5', '/etc/passwd'].map((target) => [`a link to ${target}`, 'linked.h5', link(target)]),
      ...made.map((name) => [name, name, readFileSync(join('test/registry/hostile', name))])
    ], { message: /link|cannot be read|no numbers of its own/ })
    write(5, 'HDF5 soft and external links, external storage, a virtual dataset', '422; the canary never leaves', `${text}; no number of another file was read`, good, hostile)
  },
  async 6 () {
    const good = [{ name: 'metadata.json', content: '{"keras_version":"3.8.0"}' }, { name: 'config.json', content: JSON.stringify(plain) }, { name: 'model.weights.h5', content: legacy(plain) }]
    const zeros = Buffer.alloc(200 * 2 ** 20)
    const result = await refuse([
      ['a bomb of 200 MiB', 'a.keras', archive([...good, { name: 'x', content: zeros, deflate: true }])],
      ['weights that are a bomb', 'b.keras', archive([good[1], { name: 'model.weights.h5', content: zeros, deflate: true }])],
      ['more than 1 GiB declared', 'c.keras', archive([...good, { name: 'x', content: 'x', deflate: true, says: { size: 2 ** 30 } }])],
      ['a size that is too small', 'd.keras', archive([good[0], { name: 'config.json', content: zeros, deflate: true, says: { size: 100 } }, good[2]])],
      ['a size that is too large', 'e.keras', archive([good[0], { ...good[1], deflate: true, says: { size: 10000 } }, good[2]])],
      ['a wrong checksum', 'f.keras', archive([good[0], good[1], { ...good[2], says: { crc: 7 } }])],
      ['members over each other', 'g.keras', archive([...good, ...many(50, (n) => ({ name: `copy${n}`, content: zeros.subarray(0, 1000), over: true }))])],
      ['100,000 entries', 'h.keras', archive([...good, ...many(100000, (n) => ({ name: `n${n}`, content: '' }))])]
    ], { message: /archive is damaged/ })
    write(6, 'zip bombs, sizes that lie, wrong checksums, members over each other, 100,000 entries', '422 at the cap: 1 GiB, 20:1 (beyond 16 MiB), 1,024 entries, 2 s; checksums checked', result.text, result.good && result.slowest < 2000, hostile)
  },
  async 7 () {
    const good = [{ name: 'config.json', content: JSON.stringify(plain) }, { name: 'model.weights.h5', content: legacy(plain) }]
    const names = ['../outside', '../../outside', '/outside', 'a/../../outside', 'C:\\outside', '..\\outside']
    const { text, good: held } = await refuse([
      ...names.map((name) => [name, 'slip.keras', archive([...good, { name, content: 'x' }])]),
      ['a link', 'link.keras', archive([good[0], { name: 'model.weights.h5', content: '/etc/passwd', mode: 0o120777 }])],
      ['a name twice', 'twice.keras', archive([...good, good[0]])]
    ], { message: /archive is damaged/ })
    const outside = readdirSync(home).filter((name) => !['inside', 'canary.h5'].includes(name)).length + readdirSync(inside).length
    write(7, 'paths that lead out of the archive, symbolic links, names twice', '422, 0 files outside', `${text}; ${outside} files written`, held && outside === 0, hostile)
  },
  async 8 () {
    const bad = [
      entry('Lambda', { name: 'bad', function: ['4wEAAAA=', null, null] }), entry('Backdoor', { name: 'bad' }), entry('constructor', { name: 'bad' }),
      entry('system', { name: 'bad' }, { module: 'os', registered_name: null }), entry('Dense', { name: 'bad', units: 1 }, { module: 'os', registered_name: null }),
      entry('TimeDistributed', { name: 'bad', layer: entry('Lambda', { name: 'inner' }) }), entry('Bidirectional', { name: 'bad', layer: entry('Evil', { name: 'inner' }) }),
      entry('RNN', { name: 'bad', cell: [entry('LSTMCell', { units: 2 }), entry('Evil', {}, { module: 'subprocess' })] }), entry('TFSMLayer', { name: 'bad', filepath: '/etc/passwd' })
    ]
    const files = bad.flatMap((layer) => Object.entries(kinds(sequential(x, layer))).map(([name, bytes]) => [`${layer.class_name} in ${name}`, name, bytes]))
    const { text, good } = await refuse(files, { message: /^layer "bad.*" \(.+\) cannot be computed/ })
    write(8, 'Lambda, unknown classes, module "os", gadgets inside other layers; in .h5, .keras and model.json', '422 naming layer and class, 100 %', text, good, strange)
  },
  async 9 () {
    const deep = (count, open, close) => `{"class_name":"Sequential","config":{"name":"m","layers":[${JSON.stringify(x)},${open.repeat(count)}1${close.repeat(count)}]}}`
    const bad = {
      'a circle': functional([x, act('a', 'b'), act('b', 'a')], 'b'),
      'a circle of 5,000': functional([x, ...many(5000, (n) => act(`a${n}`, `a${(n + 4999) % 5000}`))], 'a4999'),
      'a layer that is not there': functional([x, act('a', 'nobody')], 'a'),
      'a call that is not there': functional([x, act('a', 'x', 7)], 'a'),
      'a chain of 10,000': functional([x, ...many(10000, (n) => act(`a${n}`, n === 0 ? 'x' : `a${n - 1}`))], 'a9999'),
      '10,000 models deep': deep(10000, '{"class_name":"Sequential","config":{"layers":[', ']}}'),
      '10,000 wrappers deep': deep(10000, '{"class_name":"TimeDistributed","config":{"layer":', '}}'),
      '100,000 layers': sequential(x, ...many(100000, (n) => entry('Activation', { name: `a${n}` })))
    }
    const files = Object.entries(bad).map(([what, config]) => [what, 'model.h5', legacy(config)])
    const result = await refuse(files)
    write(9, 'circles, calls of what is not there, 10,000 deep, 100,000 layers', '422 in less than 500 ms', result.text, result.good && result.slowest < 500, strange)
  },
  async 10 () {
    const files = ['LSTM', 'GRU', 'SimpleRNN', 'Dense'].flatMap((name) => [1e9, -1, 1.5, 2 ** 53].map((units) => [`${name} of ${units}`, 'model.h5', legacy(sequential(x, entry(name, { name: 'lstm', units })))]))
    const more = [entry('RepeatVector', { name: 'r', n: 1e9 }), entry('ZeroPadding1D', { name: 'z', padding: 1e9 }), { ...x, config: { name: 'x2', batch_input_shape: [null, 2 ** 24, 2 ** 24] } }]
    const result = await refuse([...files, ...more.map((layer) => [layer.class_name, 'model.h5', legacy(layer.class_name === 'InputLayer' ? sequential(layer, lstm()) : sequential(x, layer))])])
    write(10, 'units of 1e9, -1, 1.5 and 2^53; sizes and inputs of that kind', '422 before allocation, RSS +16 MiB', result.text, result.good && result.service <= 16 && result.reader <= 16, strange)
  },
  async 11 () {
    const filled = (value) => (layer, name) => layer.create_dataset({ name, data: numbers(24).fill(value, 5, 6), shape: [2, 12] })
    const texts = (layer, name) => layer.create_dataset({ name, data: many(24, String), shape: [2, 12] })
    const bad = {
      NaN: filled(NaN),
      Infinity: filled(Infinity),
      'another shape': [12, 2],
      'another rank': [24],
      texts,
      'not there': null
    }
    const files = Object.entries(bad).map(([what, kernel]) => [what, 'model.h5', legacy(plain, { 'kernel:0': kernel })])
    const { text, good } = await refuse([...files, ['one more', 'model.h5', legacy(plain, { more: [3] }, [...Object.keys(shapes), 'more'])]], { message: /kernel:0|kernel", |\(lstm: kernel, .*more/ })
    const main = join(inside, 'model.h5')
    writeFileSync(main, legacy(plain, { 'kernel:0': filled(NaN) }))
    const asked = await attempt({ main, weights: null }, { nonFinite: true })
    rmSync(main)
    write(11, 'NaN and infinite weights, wrong shape and type, missing and extra ones', '422 naming the tensor, 100 % (non-finite: loads only if asked)', `${text}; with ALLOW_NON_FINITE a NaN is ${asked.outcome}`, good && asked.outcome === 'loaded', hostile)
  },
  async 28 () {
    const main = join(inside, 'model.h5')
    copyFileSync('models/weather/model.h5', main)
    const { file: { digest } } = await attempt({ main, weights: null })
    const bytes = readFileSync(main)
    let refused = 0
    const count = 200
    for (let n = 0; n < count; n++) {
      const altered = Buffer.from(bytes)
      altered[Math.floor(n * bytes.length / count)] ^= 1
      writeFileSync(main, altered)
      const { outcome, message } = await attempt({ main, weights: null }, { digest })
      if (outcome === 'refused' && /not those that were stored/.test(message)) refused++
    }
    const broken = await service.check()
    rmSync(main)
    write('28-reading', 'a file altered on disk, read again by its digest', 'reload refused by digest', `${refused} of ${count} alterations refused${broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`}`, refused === count && broken.length === 0, hostile)
  }
}

for (const [row, measure] of Object.entries(rows)) if (given.row === undefined || given.row === row) await measure()
await service.close()
rmSync(home, { recursive: true })
process.exit(0)
