// Servers as processes: started on a free port, waited for, their CPU time read, and stopped with everything they started.

import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { python } from '../python.mjs'
import { sendOnce } from './client.mjs'

const bench = dirname(dirname(fileURLToPath(import.meta.url)))
const rivals = join(bench, 'rivals')
const tick = 10

const uvicorn = (app, options = [], env = {}) => (port) => ({ command: python, args: ['-m', 'uvicorn', `${app}:app`, '--port', port, '--log-level', 'error', ...options], cwd: rivals, env })
const node = (...args) => (port) => ({ command: process.execPath, args: [...args, port], cwd: dirname(bench) })

/** Everyone who can take part, by the word that scenarios use. */
export const servers = {
  ours: {
    name: 'statescope',
    start: (port, models) => ({
      command: process.execPath,
      args: ['dist/src/cli.js', '--port', port, '--log-level', 'error', ...models.map((model) => join(rivals, 'models', `${model}.h5`))],
      cwd: dirname(bench)
    })
  },
  rival1: { name: 'rival 1, Keras predict and NumPy', start: uvicorn('predict_loop') },
  rival2: { name: 'rival 2, fused and orjson', start: uvicorn('fused_orjson') },
  rival2cores: { name: 'rival 2, a process a core', start: uvicorn('fused_orjson', ['--workers', String(availableParallelism())], { TF_NUM_INTRAOP_THREADS: '1' }) },
  rival3: { name: 'rival 3, tfjs-layers', start: node(join(rivals, 'tfjs_layers.mjs')) },
  rival4: { name: 'rival 4, LitServe', start: (port) => ({ command: python, args: ['lit_serve.py', port], cwd: rivals }) },
  ceiling: { name: 'ceiling', start: node(join(bench, 'http', 'ceiling.mjs')) }
}

/** Throws where the models, or the rivals' Python, are missing. */
export function checkSetUp () {
  if (existsSync(join(rivals, 'models', 'tfjs')) && existsSync(python)) return
  throw new Error('The rivals are not set up: run bench/rivals/setup.sh once.')
}

/** Starts a server; `ready` is a request that it answers with 200 as soon as it serves. */
export async function start (word, models, ready) {
  const { name, start } = servers[word]
  const port = await freePort()
  const { command, args, cwd, env: own } = start(String(port), models)
  const env = { ...process.env, MODELS: models.join(','), CUDA_VISIBLE_DEVICES: '-1', TF_CPP_MIN_LOG_LEVEL: '3', ...own }
  // A group of its own, which ends as one.
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  let told = ''
  child.stderr.on('data', (data) => { told = (told + data).slice(-4000) })
  const stop = () => { try { process.kill(-child.pid, 'SIGKILL') } catch {} }
  process.once('exit', stop)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for (const end = Date.now() + 180_000; Date.now() < end && child.exitCode === null;) {
    const { status } = await sendOnce(port, ready)
    if (status === 200) {
      await settled(child.pid)
      return {
        word,
        name,
        port,
        cpu: () => cpuOf(child.pid),
        async stop () {
          stop()
          await ended
          process.off('exit', stop)
        }
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  stop()
  throw new Error(`${name} does not answer: ${told}`)
}

/** One of several processes may answer before the others have started: waits until they have nothing more to do. */
async function settled (pid) {
  for (let [before, now] = [-Infinity, cpuOf(pid)]; now - before > 20; [before, now] = [now, cpuOf(pid)]) {
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

function freePort () {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Milliseconds of CPU time that a process and those it started have used (Linux; clock ticks are 10 ms there). */
function cpuOf (pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean))
    return (Number(fields[11]) + Number(fields[12])) * tick + children.reduce((sum, child) => sum + cpuOf(child), 0)
  } catch {
    return 0
  }
}
