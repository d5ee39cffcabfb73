// Row 29: SIGTERM to a service that is idle, busy, loading its models, and told twice. Needs `npm run build`.
//
//   node bench/reliability/sigterm.mjs

import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const clients = 40

/** The status that a service answers readiness with, asked over a connection of its own; null where it takes none any more. */
const ready = async (url) => await fetch(`${url}/health/ready`, { headers: { connection: 'close' } }).then(async (response) => { await response.arrayBuffer(); return response.status }, () => null)

/** Asks a service to stop, `times` times, while `busy` clients wait for an answer and one connection says nothing. */
async function stop (name, { busy = 0, times = 1 } = {}) {
  const service = await startProcess()
  const { hostname, port } = new URL(service.url)
  const { inputs: [sequence] } = await (await fetch(`${service.url}/models/weather/sample`)).json()
  const body = JSON.stringify({ model: 'weather', inputs: Array.from({ length: 64 }, () => sequence) })
  const silent = connect(Number(port), hostname).on('error', () => {})
  const counted = { answered: 0, dropped: 0 }
  const underWay = Array.from({ length: busy }, async () => {
    const answered = await fetch(`${service.url}/relevance`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      .then(async (response) => response.status === 200 && (await response.json()).summary !== undefined, () => false)
    counted[answered ? 'answered' : 'dropped']++
  })
  // All of them have come: they are counted as under way, with the one that asks.
  if (busy > 0) while (counted.answered < busy / 4 && await service.metric('statescope_http_requests_under_way') < busy + 1) await pause(10)
  const left = busy - counted.answered
  const begun = performance.now()
  for (let n = 0; n < times; n++) {
    process.kill(service.pid, 'SIGTERM')
    await pause(50)
  }
  const said = await ready(service.url)
  const { code, signal } = await service.ended
  const ms = performance.now() - begun
  await Promise.all(underWay)
  silent.destroy()
  await service.stop()
  return { name, left, ...counted, said, code, signal, ms }
}

/** The same to one that listens and has not loaded its models. */
async function stopLoading () {
  const child = spawn(process.execPath, ['dist/src/cli.js', '--port', '0'], { env: { ...process.env, WORKERS: '1', LOG_LEVEL: 'info', MODELS_DIR: 'models' }, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })))
  // The first model is there, the others are not.
  let log = ''
  let isReady = false
  child.stdout.on('data', () => { isReady = true })
  await new Promise((resolve) => child.stderr.on('data', (data) => {
    log += data
    if (/"msg":"model"/.test(log)) resolve()
  }).once('close', resolve))
  const early = !isReady
  const begun = performance.now()
  child.kill('SIGTERM')
  const { code, signal } = await ended
  return { name: early ? 'loading its models' : 'ready too early to be stopped while loading', left: 0, answered: 0, dropped: early ? 0 : 1, said: null, code, signal, ms: performance.now() - begun }
}

const found = [await stop('idle'), await stop('busy', { busy: clients }), await stopLoading(), await stop('busy, told twice', { busy: clients, times: 2 })]
// After its end nobody answers; while it drains readiness is 503.
const held = found.every(({ left, dropped, said, code, ms }) => dropped === 0 && code === 0 && ms <= 30_000 && said !== 200 && (left === 0 || said === 503)) && found.filter(({ left }) => left > 0).length >= 2
writeRow({
  row: 29,
  fault: `SIGTERM while idle (with a connection that says nothing), busy with ${clients} requests, loading, and twice`,
  wanted: 'readiness 503, then drained and ended within 30 s, none dropped',
  got: found.map(({ name, left, dropped, said, code, signal, ms }) => `${name}: ended with ${signal ?? `code ${code}`} after ${(ms / 1000).toFixed(1)} s` +
    (left > 0 ? `, ${left} under way, ${dropped} dropped, readiness ${said ?? 'not answered'}` : dropped > 0 ? ', which is no test' : '')).join('; '),
  held,
  how: 'node bench/reliability/sigterm.mjs'
})
if (!held) process.exitCode = 1
