// Row 17: bodies, batches and answers that are too large, and bodies that unpack to more, over raw sockets. Needs `npm run build`.
//
//   node bench/reliability/large.mjs [--times 20]

import { parseArgs } from 'node:util'
import { deflateSync, gzipSync } from 'node:zlib'
import { archive } from '../../dist/test/registry/archive.js'
import { median, startProcess } from './process.mjs'
import { read, send } from './raw.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { times: { type: 'string', default: '20' } } })
const limit = 4
const service = await startProcess({ BODY_LIMIT_MB: String(limit), RESPONSE_LIMIT_MB: String(limit) })
const { inputs: [sequence] } = await (await fetch(`${service.url}/models/weather/sample`)).json()
const { inputs: { text: [text] } } = await (await fetch(`${service.url}/models/chars/sample`)).json()

const MiB = 2 ** 20
const head = (path, more, type = 'application/json') => `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n${more}\r\n\r\n`
const whole = (path, body, more = '', type) => [head(path, `Content-Length: ${body.length}${more}`, type), body]
const json = (path, value, more) => whole(path, Buffer.from(JSON.stringify(value)), more)
const blank = Buffer.alloc(MiB, ' ')
/** A body in chunks of a MiB, `first` at its beginning. */
function * chunks (path, count, first = '', type) {
  yield head(path, 'Transfer-Encoding: chunked', type)
  if (first !== '') yield `${first.length.toString(16)}\r\n${first}\r\n`
  for (let n = 0; n < count; n++) {
    yield '100000\r\n'
    yield blank
    yield '\r\n'
  }
  yield '0\r\n\r\n'
}
const bomb = Buffer.alloc(1000 * MiB, ' ')
const [gzip, deflate] = [gzipSync(bomb), deflateSync(bomb)]
const twice = gzipSync(gzip)
const many = (count) => Array.from({ length: count }, () => sequence)
const npy = (bytes) => Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), Buffer.of(118, 0), Buffer.from("{'descr': '<f4', 'fortran_order': False, 'shape': (262144000,), }".padEnd(117) + '\n'), bytes])
const header = (text) => {
  const bytes = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(bytes.length))
  return Buffer.concat([size, bytes])
}
const arrays = '/models/weather/predict'
const packed = {
  bomb: archive([{ name: 'x.npy', content: npy(bomb), deflate: true }]),
  liar: archive([{ name: 'x.npy', content: npy(bomb.subarray(0, 50 * MiB)), deflate: true, says: { size: 1000 } }]),
  twice: gzipSync(archive([{ name: 'x.npy', content: npy(bomb.subarray(0, 50 * MiB)), deflate: true }]))
}

/** What is sent, which answers are right, and how long the service may take: what need not be read whole is refused at once. */
const bodies = {
  'a length of 5 MiB': [() => [head('/predict', `Content-Length: ${5 * MiB}`)], [413]],
  'a length of a TiB': [() => [head('/predict', `Content-Length: ${2 ** 40}`)], [413]],
  'a length of 5 MiB to /v2': [() => [head('/v2/models/weather/infer', `Content-Length: ${5 * MiB}`)], [413]],
  '500 MiB in chunks': [() => chunks('/predict', 500), [413]],
  '500 MiB in chunks to /v2': [() => chunks('/v2/models/weather/infer', 500), [413]],
  '500 MiB of JSON in chunks': [() => chunks('/hidden-states', 500, '{"model":"weather","inputs":['), [413]],
  '1000 MiB in 1 MiB of gzip': [() => whole('/predict', gzip, '\r\nContent-Encoding: gzip'), [413]],
  '1000 MiB in deflate': [() => whole('/hidden-states', deflate, '\r\nContent-Encoding: deflate'), [413]],
  'gzip twice, said once': [() => whole('/predict', twice, '\r\nContent-Encoding: gzip'), [400, 413, 422]],
  'gzip twice, said twice': [() => whole('/predict', twice, '\r\nContent-Encoding: gzip, gzip'), [415]],
  '1000 MiB in gzip to /v2': [() => whole('/v2/models/weather/infer', gzip, '\r\nContent-Encoding: gzip'), [413]],
  'a member of npz that unpacks to 1000 MiB': [() => whole(arrays, packed.bomb, '', 'application/x-npz'), [400, 413, 422]],
  'a member of npz that says less than it unpacks to': [() => whole(arrays, packed.liar, '', 'application/x-npz'), [400, 413, 422]],
  'npz in gzip': [() => whole(arrays, packed.twice, '\r\nContent-Encoding: gzip', 'application/x-npz'), [400, 413, 422]],
  'safetensors that say 1 TB': [() => whole(arrays, header('{"x":{"dtype":"F32","shape":[250000000000],"data_offsets":[0,1000000000000]}}'), '', 'application/vnd.safetensors'), [400, 413, 422]],
  'safetensors whose header is longer than all': [() => whole(arrays, Buffer.from('ffffffffffffff7f7b7d', 'hex'), '', 'application/vnd.safetensors'), [400, 413, 422]],
  'data of a shape of 2^53': [() => json('/predict', { model: 'weather', inputs: { shape: [2 ** 53 - 1, 7, 4], data: '' } }), [422]],
  'data of a shape of 1e9': [() => json('/predict', { model: 'weather', inputs: { shape: [1e9, 7, 4], data: [1] } }), [422]],
  'ids that would be 1e9 numbers': [() => json('/predict', { model: 'chars', inputs: { oneHot: Array.from({ length: 1000 }, () => Array.from({ length: 1000 }, () => 0)) } }), [413, 422]],
  'a head of 100 KiB': [() => [head('/predict', `X: ${'x'.repeat(100_000)}`)], [431]],
  'an address of 100 KiB': [() => [`GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`], [431]]
}
const answers = {
  'states of many sequences': () => json('/hidden-states', { model: 'weather', inputs: many(2000) }),
  'states of many sequences as npz': () => json('/hidden-states', { model: 'weather', inputs: many(4000) }, '\r\nAccept: application/x-npz'),
  'states of a long text': () => json('/hidden-states', { model: 'chars', inputs: { text: Array.from({ length: 400 }, () => text) } }),
  contributions: () => json('/hidden-states', { model: 'weather', inputs: many(500), tensors: ['contributions', 'preactivations', 'gates'] }),
  'states over /v2': () => json('/v2/models/weather/infer', { inputs: [{ name: 'days', shape: [2000, 7, 4], datatype: 'FP32', data: many(2000).flat(2) }], outputs: ['hidden', 'cell', 'gates/input', 'gates/forget', 'gates/candidate', 'gates/output'].map((name) => ({ name: `lstm/${name}` })) }),
  'a text of 1e9 letters': () => json('/generate', { model: 'nextchar', prompt: 'the', length: 1e9 }, '\r\nAccept: application/json')
}

const computed = async () => await service.metric('statescope_compute_seconds_count')
const odd = []
let slowest = 0
let most = 0
let lost = 0

async function round () {
  const samples = []
  const timer = setInterval(() => samples.push(service.resident()), 20)
  for (const [name, [parts, right]] of Object.entries(bodies)) {
    let got = await send(service.url, parts(), { quiet: 50 })
    // A connection that is closed while its client still sends may lose the answer on its way.
    for (let again = 0; again < 3 && got.text === '' && got.closed; again++, lost++) got = await send(service.url, parts(), { quiet: 50 })
    const { text: answer, sent } = got
    const { statuses, type, json } = read(answer)
    // What a connection holds on the way, in both directions, is not read by anybody.
    if (name.startsWith('500 MiB')) most = Math.max(most, sent / MiB)
    const form = type === 'application/problem+json' ? json.status === statuses[0] : statuses[0] === 431 || typeof json?.error === 'string'
    if (statuses.length !== 1 || !right.includes(statuses[0]) || !form) odd.push(`${name}: ${statuses.join(' and ') || 'no answer'} ${answer.slice(-150)}`)
  }
  for (const [name, parts] of Object.entries(answers)) {
    const before = await computed()
    const { text: answer, ms } = await send(service.url, parts(), { quiet: 50 })
    const { statuses, json } = read(answer)
    slowest = Math.max(slowest, ms)
    if (statuses.length !== 1 || ![413, 422].includes(statuses[0])) odd.push(`${name}: ${statuses.join(' and ') || 'no answer'} ${JSON.stringify(json)?.slice(0, 150) ?? ''}`)
    else if (await computed() !== before) odd.push(`${name}: was computed before it was refused`)
  }
  clearInterval(timer)
  return samples
}

// What is compiled and kept at the first times is no growth.
for (let n = 0; n < 3; n++) await round()
odd.length = 0
const rounds = []
for (let n = 0; n < Number(values.times); n++) rounds.push(await round())
const half = rounds.length >> 1
const [first, second] = [rounds.slice(0, half), rounds.slice(half)].map((some) => median(some.flat()))
const peak = Math.max(...rounds.flat())
const broken = await service.check()
await service.stop()

const names = [...new Set(odd)]
for (const words of names) console.log(words)
const growth = second - first
const held = odd.length === 0 && growth <= 8 && peak - first <= 64 && most <= 64 && broken.length === 0
writeRow({
  row: 17,
  fault: `bodies beyond ${limit} MiB by their length, in chunks, unpacked (gzip, deflate, npz), by the sizes they say; answers beyond ${limit} MiB`,
  wanted: '413 (422, 431 where that says more), the answer\'s size known before it runs; RSS flat: +8 MiB at most from half to half, +64 MiB at its peak',
  got: `${Object.keys(bodies).length} kinds of bodies and ${Object.keys(answers).length} of answers, ${values.times} times each: ${names.length === 0 ? 'all refused, no answer computed' : `${names.length} otherwise, the first: ${names[0]}`}` +
    `; of 500 MiB at most ${most.toFixed(0)} MiB were sent, ${lost} answers lost with their connection and asked for again; RSS ${growth < 0 ? '' : '+'}${growth.toFixed(1)} MiB from half to half, +${Math.max(0, peak - first).toFixed(0)} MiB at its peak; answers refused within ${Math.round(slowest)} ms${broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`}`,
  held,
  how: 'node bench/reliability/large.mjs'
})
if (!held) process.exitCode = 1
