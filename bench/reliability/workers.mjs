// Rows 23 and 24: threads that die or do not come back, and the whole process killed by a signal under SUPERVISE. Needs `npm run build`.
//
//   node bench/reliability/workers.mjs [deaths endless crashes]
//
// The threads do what the id of a line says (test/support/worker-faults.ts, imported before the service, which knows nothing of it).

import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { pause, startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const NODE_OPTIONS = `--import ${pathToFileURL(resolve('dist/test/support/worker-faults.js'))}`
const json = { 'content-type': 'application/json' }
const how = 'node bench/reliability/workers.mjs'
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`
/** onnxruntime keeps a log of its own while its process lives; one that is killed cannot remove it. */
const ours = (broken) => broken.map((words) => words.startsWith('files are left') ? words.replace(/(, )?[^ ,]*mat-debug-\d+\.log/g, '') : words).filter((words) => words !== 'files are left: ' && words !== 'files are left:')
const standsOrNot = (broken) => broken.length === 0 ? 'everything stands' : `does not stand: ${broken.join(', ')}`

/** A service with such threads, what it predicts, and what a client can do with it. */
async function start (env) {
  const service = await startProcess({ NODE_OPTIONS, ...env })
  const { inputs } = await (await fetch(`${service.url}/models/weather/sample`)).json()
  const predict = async () => {
    const response = await fetch(`${service.url}/predict`, { method: 'POST', headers: json, body: JSON.stringify({ model: 'weather', inputs }) })
    const { outputs } = await response.json()
    return { status: response.status, outputs: JSON.stringify(outputs) }
  }
  /** One line whose thread does what its id says: the line that answers it, and after how long. */
  const planted = async (fault) => {
    const begun = performance.now()
    const response = await fetch(`${service.url}/models/weather/predict`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: `${JSON.stringify({ id: `fault: ${fault}`, inputs: inputs[0] })}\n` })
    return { ...JSON.parse(await response.text()), ms: performance.now() - begun }
  }
  const back = async () => {
    const begun = performance.now()
    for (;;) {
      const { status, outputs } = await predict().catch(() => ({ status: 0 }))
      if (status === 200) return { ms: performance.now() - begun, outputs }
      await pause(20)
    }
  }
  return { service, predict, planted, back }
}

/** Row 23: each death with twenty requests behind it. */
async function deaths () {
  const { service, predict, planted, back } = await start()
  const { outputs: golden } = await predict()
  const found = []
  for (const fault of ['throw', 'exit', 'memory']) {
    const dying = planted(fault)
    await pause(20)
    const others = Array.from({ length: 20 }, predict)
    const { status } = await dying
    const { ms, outputs } = await back()
    const lost = (await Promise.all(others)).filter((one) => one.status !== 200 || one.outputs !== golden).length
    found.push({ fault, status, ms, lost, same: outputs === golden })
  }
  const broken = service.alive() ? await service.check() : ['the process is gone']
  await service.stop()
  const held = found.every(({ status, ms, lost, same }) => status === 503 && ms <= 5000 && lost === 0 && same) && broken.length === 0
  writeRow({
    row: 23,
    fault: 'a worker that throws, exits, or runs out of memory, with 20 requests behind it',
    wanted: '503 for its request, none lost of others, back within 5 s',
    got: `${found.map(({ fault, status, ms, lost, same }) => `${fault}: its request ${status}, ${lost} of 20 others lost, back after ${seconds(ms)}${same ? '' : ' with another answer'}`).join('; ')}; ${standsOrNot(broken)}`,
    held,
    how
  })
  return held
}

/** Row 24: what does not come back within REQUEST_TIMEOUT_S. */
async function endless () {
  const [limit, size] = [2, 10_000]
  const { service, predict, planted, back } = await start({ REQUEST_TIMEOUT_S: String(limit), RESPONSE_LIMIT_MB: '2000', WORKERS: '1' })
  const { outputs: golden } = await predict()
  const text = Array.from({ length: size }, () => 'the quick brown fox jumps over the lazy ')
  const large = async () => {
    const begun = performance.now()
    const response = await fetch(`${service.url}/hidden-states`, { method: 'POST', headers: json, body: JSON.stringify({ model: 'chars', inputs: { text }, steps: 'last' }) })
    await response.arrayBuffer()
    return { status: response.status, ms: performance.now() - begun }
  }
  const found = []
  for (const [name, ask] of [[`hidden states of ${size.toLocaleString('en')} texts`, large], ['a loop', async () => await planted('loop')], ['a native call', async () => await planted('native')]]) {
    const { status, ms } = await ask()
    const { ms: after, outputs } = await back()
    found.push({ name, status, ms, after, same: outputs === golden })
  }
  const replaced = await service.metric('statescope_worker_deaths_total')
  // The native call ends by itself; its thread with it.
  await pause(8000)
  const broken = service.alive() ? await service.check() : ['the process is gone']
  await service.stop()
  const held = found.every(({ status, ms, same }) => status === 504 && ms <= (limit + 1) * 1000 && same) && replaced >= 2 && broken.length === 0
  writeRow({
    row: 24,
    fault: `computations without end, where ${limit} s are allowed`,
    wanted: '504 at the deadline + 1 s, the worker replaced',
    got: `${found.map(({ name, status, ms, after }) => `${name}: ${status} after ${seconds(ms)}, answers again after ${seconds(after)}`).join('; ')}; ${replaced} threads replaced; ${standsOrNot(broken)}`,
    held,
    how
  })
  return held
}

/** The rest of row 23: a native crash takes the whole process, and SUPERVISE starts it again. */
async function crashes () {
  const free = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => free.once('listening', resolve))
  const { port } = free.address()
  await new Promise((resolve) => free.close(resolve))
  const service = await startProcess({ SUPERVISE: 'true', PORT: String(port) })
  const found = []
  for (const signal of ['SIGSEGV', 'SIGABRT', 'SIGKILL']) {
    // Long enough that it does not count as one that cannot live.
    await pause(500)
    process.kill(Number(readFileSync(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8').trim().split(' ')[0]), signal)
    const begun = performance.now()
    const until = async (path) => {
      while (!await fetch(service.url + path).then(({ status, body }) => body.cancel().then(() => status === 200), () => false)) await pause(25)
      return performance.now() - begun
    }
    while (await fetch(`${service.url}/health/live`).then(({ body }) => body.cancel().then(() => true), () => false)) await pause(2)
    found.push({ signal, live: await until('/health/live'), ready: await until('/health/ready') })
  }
  const broken = service.alive() ? ours(await service.check()) : ['the process is gone']
  await service.stop()
  const held = found.every(({ ready }) => ready <= 2000) && broken.length === 0
  writeRow({
    row: '23-supervised',
    fault: 'the whole process killed by a signal, under SUPERVISE=true',
    wanted: 'back within 2 s with its models',
    got: `${found.map(({ signal, live, ready }) => `${signal}: answers after ${seconds(live)}, ready with its models after ${seconds(ready)}`).join('; ')}; ${standsOrNot(broken)}`,
    held,
    how
  })
  return held
}

const parts = { deaths, endless, crashes }
const held = []
for (const part of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)) held.push(await parts[part]())
if (held.includes(false)) process.exitCode = 1
