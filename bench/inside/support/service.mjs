// The real service in a process of its own, and a client that costs as little as can be: bodies are made once, answers are counted and thrown away.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'undici'
import { nested } from './models.mjs'

const cli = fileURLToPath(new URL('../../../dist/src/cli.js', import.meta.url))

/** A port that was free a moment ago. */
async function freePort () {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Starts the service on the models of a folder. `milliseconds` until it listens and until it is ready; `memory` reads MiB of its process: resident now and at
 * most since it started.
 */
export async function startService (models, settings = {}) {
  const port = await freePort()
  const start = performance.now()
  const child = spawn(process.execPath, [cli], {
    env: { ...process.env, MODELS_DIR: models, PORT: String(port), LOG_LEVEL: 'error', ...settings },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  let ended = null
  child.on('exit', (code, signal) => { ended = code ?? signal })
  const kill = () => child.kill()
  process.on('exit', kill)
  const url = `http://127.0.0.1:${port}`
  const until = async (path, done = () => true) => {
    for (;;) {
      if (ended !== null) throw new Error(`the service ended with ${ended}`)
      const answer = await fetch(url + path).catch(() => null)
      const text = await answer?.text()
      if (answer?.ok && done(text)) return performance.now() - start
      await wait(5)
    }
  }
  const milliseconds = { listening: await until('/health/live'), ready: await until('/health/ready'), whole: await until('/health/ready', isWhole) }
  return {
    url,
    pid: child.pid,
    milliseconds,
    memory: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      const of = (key) => Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)[1]) / 1024
      return { resident: of('VmRSS'), peak: of('VmHWM') }
    },
    stop: async () => {
      process.off('exit', kill)
      child.kill()
      if (ended === null) await once(child, 'exit')
    }
  }
}

const types = { json: 'application/json', ndjson: 'application/x-ndjson', npz: 'application/x-npz', safetensors: 'application/vnd.safetensors' }

/** Has every thread started? The service is ready with the first. */
function isWhole (text) {
  const { workers, workersAlive } = JSON.parse(text)
  return workers === workersAlive
}

/** A request of `what` (predict or hidden-states) for random sequences, ready to be sent many times. `fields` are further members of the body. */
export function request (what, { model = 'lstm', batch = 1, length = 40, accept = 'json', seed = 1, ...fields } = {}) {
  const body = Buffer.from(JSON.stringify({ model, inputs: nested(batch, length, seed), ...fields }))
  return { path: `/${what}`, method: 'POST', headers: { 'content-type': types.json, accept: types[accept] }, body }
}

/** The same to a model's own address as lines, one sequence each. */
export function lines (what, { model = 'lstm', batch = 16, length = 40, seed = 1, ...fields } = {}) {
  const body = Buffer.from(nested(batch, length, seed).map((inputs, id) => JSON.stringify({ id, inputs, ...fields })).join('\n'))
  return { path: `/models/${model}/${what}`, method: 'POST', headers: { 'content-type': types.ndjson, accept: types.ndjson }, body }
}

/** One connection. `send` gives the milliseconds to the last byte of the answer, and its bytes; anything but a 200 is an error. */
export function connect (url) {
  const client = new Client(url, { bodyTimeout: 120_000, headersTimeout: 120_000 })
  return {
    send: async (one) => {
      const start = performance.now()
      let bytes = 0
      const { statusCode, body } = await client.request(one)
      if (statusCode !== 200) throw new Error(`${one.path} answered ${statusCode}: ${await body.text()}`)
      for await (const part of body) bytes += part.length
      return { milliseconds: performance.now() - start, bytes }
    },
    close: async () => await client.close()
  }
}
