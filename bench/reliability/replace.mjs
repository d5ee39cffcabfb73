// Row 27: versions are uploaded, unloaded, loaded and deleted while many clients ask the same model. Needs `npm run build`.
//
//   node bench/reliability/replace.mjs [--clients 32] [--requests 1024]

import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeRow } from './rows.mjs'
import { standing } from './standing.mjs'
import { readCommand } from '../../dist/src/config.js'
import { startServer } from '../../dist/src/server.js'

const { values } = parseArgs({ options: { clients: { type: 'string', default: '32' }, requests: { type: 'string', default: '1024' } } })
const [clients, requests] = [Number(values.clients), Number(values.requests)]

const home = mkdtempSync(join(tmpdir(), 'replace-'))
cpSync('models/weather', join(home, 'weather'), { recursive: true })
const server = await startServer(readCommand([], { PORT: '0', LOG_LEVEL: 'silent', WORKERS: '2', QUEUE_LIMIT: '1000', MODELS_DIR: home, ADMIN_TOKEN: 'do it' }))
const { url } = server
const administer = async (method, path, body) => {
  const response = await fetch(`${url}/models/rain/versions/${path}`, { method, headers: { authorization: 'Bearer do it', ...body === undefined ? {} : { 'content-type': 'application/octet-stream' } }, body })
  if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`)
  return response.status === 204 ? null : await response.json()
}

// Two models that take the same inputs and answer differently.
const models = ['gru-last-k3-keras.keras', 'lstm-last-k2-h5.h5'].map((name) => readFileSync(`test/goldens/models/${name}`))
const expected = new Map()
for (const [n, model] of models.entries()) {
  const { digest } = await administer('PUT', `${n + 1}`, model)
  const sample = await (await fetch(`${url}/models/rain/sample`)).json()
  const { outputs } = await (await fetch(`${url}/predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...sample, version: n + 1 }) })).json()
  expected.set(digest, { sample, numbers: Object.values(outputs).flat(Infinity) })
}
const [[, { sample }]] = expected
const apart = [...expected.values()].map(({ numbers }) => numbers[0])
if (Math.abs(apart[0] - apart[1]) < 1e-3) throw new Error('the two models answer alike: nothing could be told apart')
const { check } = await standing(url, { folders: [home] })

const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
const body = JSON.stringify({ model: 'rain', inputs: sample.inputs })
const ask = async () => await new Promise((resolve, reject) => {
  const request = http.request(`${url}/predict`, { method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (answer) => {
    const chunks = []
    answer.on('data', (chunk) => chunks.push(chunk)).once('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: JSON.parse(Buffer.concat(chunks).toString()) }))
  })
  request.once('error', reject)
  request.end(body)
})

const counted = { answers: 0, mixed: 0, failed: 0, others: 0, versions: new Set() }
const client = async () => {
  for (let n = 0; n < requests; n++) {
    const { status, headers, body } = await ask()
    counted.answers++
    if (status >= 500) counted.failed++
    else if (status !== 200) counted.others++
    else {
      const numbers = Object.values(body.outputs).flat(Infinity)
      const known = expected.get(body.digest)?.numbers
      const same = known !== undefined && numbers.every((value, n) => Math.abs(value - known[n]) <= 1e-6)
      if (!same || headers['x-model-digest'] !== body.digest || headers['x-model-version'] !== String(body.version)) counted.mixed++
      counted.versions.add(body.version)
    }
  }
}

const state = { over: false }
let changes = 0
const change = async () => {
  for (let version = 3; !state.over; version++) {
    await administer('PUT', `${version}`, models[(version + 1) % 2])
    await administer('DELETE', `${version - 2}`)
    await administer('POST', `${version}/unload`)
    await administer('POST', `${version}/load`)
    changes += 4
  }
}
const start = performance.now()
const changing = change()
await Promise.all(Array.from({ length: clients }, client))
state.over = true
await changing
const seconds = (performance.now() - start) / 1000
// Leaves as many versions as there were before.
for (const { version } of (await (await fetch(`${url}/models/rain/versions`)).json()).versions.slice(2)) await administer('DELETE', `${version}`)
await new Promise((resolve) => setTimeout(resolve, 500))
const broken = await check()
agent.destroy()
await server.close()
rmSync(home, { recursive: true })

const held = counted.mixed + counted.failed + counted.others + broken.length === 0
writeRow({
  row: 27,
  fault: 'replace/delete while serving',
  wanted: 'each response from one version, named in a header: 0 mixed, 0 of 5xx',
  got: `${clients} clients with ${requests} requests each in ${Math.round(seconds)} s, ${changes} changes (upload, delete, unload, load) meanwhile, answers from ${counted.versions.size} versions: ` +
    `${counted.mixed} mixed, ${counted.failed} of 5xx, ${counted.others} of other refusals${broken.length > 0 ? `; ${broken.join('; ')}` : ''}`,
  held,
  how: `node bench/reliability/replace.mjs --clients ${clients} --requests ${requests}`
})
if (!held) process.exitCode = 1
