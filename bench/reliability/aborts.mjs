// Row 20: clients that go away at a random byte: while they upload, while they wait, and while they are answered. Needs `npm run build`.
//
//   node bench/reliability/aborts.mjs [--clients 10000] [--seed 1]

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'
import { random } from './support.mjs'

const { values } = parseArgs({ options: { clients: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } } })
const wanted = Number(values.clients)
const next = random(Number(values.seed))
const upTo = (most) => Math.floor(next() * (most + 1))

const models = mkdtempSync(join(tmpdir(), 'aborts-models-'))
cpSync('models', models, { recursive: true })
const headers = { authorization: 'Bearer keeper' }
const service = await startProcess({ ADMIN_TOKEN: 'keeper', MODELS_DIR: models }, headers)
const { hostname, port } = new URL(service.url)
const { inputs: [sequence] } = await (await fetch(`${service.url}/models/weather/sample`, { headers })).json()
const inputs = Array.from({ length: 32 }, () => sequence)
const file = join(models, 'weather', readdirSync(join(models, 'weather')).find((name) => name.endsWith('.keras') || name.endsWith('.h5')))

const whole = (method, path, type, body, more = '') => Buffer.concat([
  Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${headers.authorization}\r\nAccept-Encoding: gzip\r\nContent-Type: ${type}\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`), Buffer.from(body)
])
const json = (path, body) => whole('POST', path, 'application/json', JSON.stringify(body))
const requests = [
  json('/predict', { model: 'weather', inputs }),
  json('/hidden-states', { model: 'weather', inputs }),
  json('/relevance', { model: 'weather', inputs: [sequence] }),
  json('/generate', { model: 'nextchar', prompt: 'the ', length: 40 }),
  whole('POST', '/models/weather/hidden-states', 'application/x-ndjson', inputs.map((one, id) => `${JSON.stringify({ id, inputs: one })}\n`).join(''), 'Accept: application/x-ndjson\r\n')
]
const upload = whole('PUT', '/models/rain/versions/1', 'application/octet-stream', readFileSync(file))

/** A connection that ends without a word: what it has sent and not what it is owed is with the service. */
async function client (bytes, leave) {
  await new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => { socket.write(bytes, () => leave(socket)) })
    socket.once('error', () => {}).once('close', resolve)
  })
}

const counted = { uploading: 0, waiting: 0, answered: 0 }
const kinds = [
  // At any byte of a request; of a model up to its last but one, or it would be stored.
  async () => {
    counted.uploading++
    const bytes = next() < 0.2 ? upload : requests[upTo(requests.length - 1)]
    await client(bytes.subarray(0, 1 + upTo(bytes.length - 2)), (socket) => socket.destroy())
  },
  // After all of it, before anything came, or as it comes.
  async () => {
    counted.waiting++
    await client(requests[upTo(requests.length - 1)], (socket) => { setTimeout(() => socket.destroy(), upTo(20)) })
  },
  // At a byte of the answer.
  async () => {
    counted.answered++
    const most = 1 + upTo(20_000)
    await client(requests[upTo(requests.length - 1)], (socket) => {
      let got = 0
      const timer = setTimeout(() => socket.destroy(), 2000)
      socket.on('data', ({ length }) => {
        got += length
        if (got < most) return
        clearTimeout(timer)
        socket.destroy()
      })
    })
  }
]

/** It rests when nothing is under way and nothing waits. */
async function rest () {
  for (let quiet = 0; quiet < 3;) {
    await pause(200)
    // The one that asks is under way too.
    quiet = await service.metric('statescope_http_requests_under_way') <= 1 && await service.metric('statescope_queue_requests') === 0 ? quiet + 1 : 0
  }
}

await rest()
const before = { descriptors: service.descriptors(), tensors: await service.metric('statescope_tensors') }
let sent = 0
const start = performance.now()
await Promise.all(Array.from({ length: 64 }, async () => {
  while (sent < wanted) await kinds[sent++ % kinds.length]()
}))
const seconds = (performance.now() - start) / 1000
await rest()
await pause(2000)
const more = { descriptors: service.descriptors() - before.descriptors, tensors: await service.metric('statescope_tensors') - before.tensors }
const gone = await service.metric('statescope_worker_deaths_total')
const staged = readdirSync(models).filter((name) => /staging/.test(name)).flatMap((name) => readdirSync(join(models, name)))
const stored = readdirSync(models).includes('rain')
const broken = service.alive() ? await service.check() : ['the process is gone']
await service.stop()
rmSync(models, { recursive: true })
// fetch keeps one or two of its own.
const held = more.descriptors <= 4 && more.tensors === 0 && gone === 0 && staged.length === 0 && !stored && broken.length === 0
writeRow({
  row: 20,
  fault: `${wanted.toLocaleString('en')} clients that go away at a random byte: while they send (models too), while they wait, while they are answered`,
  wanted: 'queued work is cancelled; no tensor and no descriptor left',
  got: `${counted.uploading} while sending, ${counted.waiting} while waiting, ${counted.answered} while answered, in ${seconds.toFixed(0)} s: ${more.descriptors} descriptors more, ${more.tensors} tensors more, ${staged.length} files of uploads left, ` +
    `${gone} threads died; ${broken.length === 0 ? 'everything stands' : `does not stand: ${broken.join(', ')}`}`,
  held,
  how: 'node bench/reliability/aborts.mjs'
})
if (!held) process.exitCode = 1
