// Row 30: requests of every kind, clients that go away and models that are loaded and unloaded, for long; then memory, tensors and descriptors are where they were
// at half time. Needs `npm run build`.
//
//   node bench/reliability/soak.mjs [--minutes 30]

import { request } from 'node:http'
import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'
import { random } from './support.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '30' } } })
const half = Number(values.minutes) * 30_000
const headers = { authorization: 'Bearer keeper' }
const service = await startProcess({ ADMIN_TOKEN: 'keeper' }, headers)
const read = async (path) => await (await fetch(service.url + path, { headers })).json()
const weather = await read('/models/weather/sample')
const inputs = weather.inputs
const [sequence] = inputs
const binary = Buffer.from(Float32Array.from(sequence.flat()).buffer)
const { inputs: [input] } = await read('/v2/models/weather')
const v2 = { inputs: [{ name: input.name, shape: [1, sequence.length, sequence[0].length], datatype: 'FP32', data: Array.from(new Float32Array(binary.buffer, binary.byteOffset, binary.length / 4)) }] }

const counted = { answers: 0, left: 0, odd: new Map() }
const json = 'application/json'

/** Sends, and reads all of the answer. */
async function ask (path, body, { accept = json, type = json, method = 'POST' } = {}) {
  const response = await fetch(service.url + path, { method, headers: { ...headers, ...body === undefined ? {} : { 'content-type': type }, accept }, body: typeof body === 'object' && !(body instanceof Uint8Array) ? JSON.stringify(body) : body })
  await response.arrayBuffer()
  counted.answers++
  // What is unloaded answers 409 for a moment.
  if (response.status >= 400 && response.status !== 409) counted.odd.set(`${path} ${response.status}`, (counted.odd.get(`${path} ${response.status}`) ?? 0) + 1)
}

/** Sends, and goes away after some milliseconds. Not by fetch: in a run of thirty minutes one that was aborted seems never to have settled, while the service had nothing under way. */
async function askInVain (path, body, after, { accept = json, type = json } = {}) {
  await new Promise((resolve) => {
    const sent = request(service.url + path, { method: 'POST', agent: false, headers: { ...headers, 'content-type': type, accept } }, (response) => { response.once('error', () => {}).resume() })
    sent.once('error', () => {}).once('close', resolve).end(typeof body === 'object' ? JSON.stringify(body) : body)
    setTimeout(() => sent.destroy(), after)
  })
  counted.left++
}

/** Sends half of a body, and goes away. */
async function leave (after) {
  await new Promise((resolve) => {
    const { hostname, port } = new URL(service.url)
    const body = JSON.stringify({ ...states, inputs: many })
    const socket = connect(Number(port), hostname, () => {
      socket.write(`POST /predict HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: ${headers.authorization}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, body.length / 2)}`)
      setTimeout(() => socket.destroy(), after)
    })
    socket.once('error', resolve).once('close', resolve).resume()
  })
  counted.left++
}

const many = Array.from({ length: 64 }, () => sequence)
const lines = many.map((inputs, id) => JSON.stringify({ id, inputs })).join('\n')
const states = { model: 'weather', inputs }
const next = random(1)
const kinds = [
  async () => await ask('/predict', states),
  async () => await ask('/predict', { model: 'chars', inputs: { text: ['the '] } }),
  ...['application/json', 'application/x-ndjson', 'application/x-npz', 'application/vnd.safetensors'].map((accept) => async () => await ask('/hidden-states', { ...states, inputs: many }, { accept })),
  async () => await ask('/hidden-states', { ...states, inputs: many, summary: { by: 'step' } }),
  async () => await ask('/models/weather/hidden-states', lines, { type: 'application/x-ndjson', accept: 'application/x-ndjson' }),
  async () => await ask('/relevance', { ...states, methods: ['shapley', 'integrated-gradients', 'occlusion', 'memory'] }),
  async () => await ask('/generate', { model: 'nextchar', prompt: 'the ', length: 6 }, { accept: 'text/event-stream' }),
  async () => await ask('/v2/models/weather/infer', v2),
  async () => await ask('/models/chars/weights', undefined, { method: 'GET' }),
  async () => await askInVain('/hidden-states', { ...states, inputs: many }, 1 + next() * 10),
  async () => await askInVain('/generate', { model: 'nextchar', prompt: 'the ', length: 200 }, 1 + next() * 50, { accept: 'text/event-stream' }),
  async () => await askInVain('/models/weather/hidden-states', lines, 1 + next() * 20, { type: 'application/x-ndjson', accept: 'application/x-ndjson' }),
  async () => await leave(1 + next() * 5)
]

/** One client: some of each kind, at the pace of one worker. */
async function client (end) {
  while (performance.now() < end) {
    await kinds[Math.floor(next() * kinds.length)]()
    await pause(5)
  }
}

/** Models that nobody asks come and go. */
async function changes (end) {
  while (performance.now() < end) {
    for (const action of ['unload', 'load']) await ask('/models/weather-kind/versions/1/' + action, undefined)
    await pause(1000)
  }
}

/** Half of the time; then what it is like while nobody asks. */
async function run () {
  const end = performance.now() + half
  const samples = []
  const timer = setInterval(() => samples.push(service.resident()), Math.max(100, half / 1000))
  await Promise.all([client(end), client(end), changes(end)])
  clearInterval(timer)
  // Keep-alive connections of those that went away are closed by then.
  await pause(5000)
  // What waits for the garbage collector comes and goes, a hundred MiB for half a minute; what is kept lifts the least that is resident too.
  return { resident: Math.min(...samples.slice(-samples.length / 2)), tensors: await service.metric('statescope_tensors'), descriptors: service.descriptors() }
}

// Gradients are TensorFlow's: without it the run would end with a row that says no more than 422.
const gradients = await fetch(`${service.url}/relevance`, { method: 'POST', headers: { ...headers, 'content-type': json }, body: JSON.stringify({ ...states, methods: ['integrated-gradients'] }) })
if (!gradients.ok) {
  console.error(`/relevance answers ${gradients.status}: ${(await gradients.json()).detail}`)
  await service.stop()
  process.exit(1)
}

const first = await run()
const second = await run()
const broken = service.alive() ? await service.check() : ['the process is gone']
await service.stop()
const more = { resident: second.resident - first.resident, tensors: second.tensors - first.tensors, descriptors: second.descriptors - first.descriptors }
// Two clients that have just been, and connections that wait for the next.
const held = more.resident <= 32 && more.tensors === 0 && more.descriptors <= 4 && counted.odd.size === 0 && counted.left > 0 && broken.length === 0
const signed = (number, digits = 0) => `${number < 0 ? '' : '+'}${number.toFixed(digits)}`
writeRow({
  row: 30,
  fault: `mixed requests, clients that go away, load and unload, for ${values.minutes} minutes`,
  wanted: 'second half: RSS +32 MiB at most, tensors +0, descriptors flat',
  got: `second half: RSS ${signed(more.resident, 1)} MiB to ${second.resident.toFixed(0)} MiB, tensors ${signed(more.tensors)}, descriptors ${signed(more.descriptors)}; ${counted.answers} answers, ${counted.left} clients that went away` +
    [...counted.odd].map(([what, times]) => `; ${what} ${times} times`).join('') + (broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`),
  held,
  how: `node bench/reliability/soak.mjs --minutes ${values.minutes}`
})
if (!held) process.exitCode = 1
