// A service as a process of its own, looked at from outside.

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { standing } from './standing.mjs'

/** Starts the service of dist/ below the working folder, with the sample models where `env` names no others, and waits until it is ready. `by`: a command before it, as `taskset -c 0`. */
export async function startProcess (env = {}, headers = {}, by = []) {
  // Of its own: whatever stands there in the end, it has left.
  const temporary = mkdtempSync(join(tmpdir(), 'statescope-service-'))
  const [command, ...args] = [...by, process.execPath, 'dist/src/cli.js']
  const child = spawn(command, args, {
    env: { ...process.env, PORT: '0', WORKERS: '1', LOG_LEVEL: 'silent', MODELS_DIR: 'models', TMPDIR: temporary, ...env },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const end = () => { child.kill('SIGKILL') }
  process.once('exit', end)
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })))
  const url = await new Promise((resolve, reject) => {
    let said = ''
    createInterface({ input: child.stdout }).on('line', (line) => {
      said += `${line}\n`
      if (line.startsWith('try')) resolve(/http:\/\/\S+/.exec(said)[0])
    }).once('close', () => reject(new Error(`the service does not start: ${said}`)))
  })
  const { check } = await standing(url, { headers, folders: [temporary] })
  return {
    url,
    pid: child.pid,
    headers,
    check,
    /** Settled when it ends: `{ code, signal }`. */
    ended,
    alive: () => child.exitCode === null && child.signalCode === null,
    /** MiB that are resident. */
    resident: () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]) / 1024,
    descriptors: () => readdirSync(`/proc/${child.pid}/fd`).length,
    /** What /metrics says under a name, the sum of its series. */
    async metric (name) {
      const text = await (await fetch(`${url}/metrics`, { headers })).text()
      return text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`)).reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    },
    async stop () {
      child.kill('SIGTERM')
      await ended
      process.off('exit', end)
      rmSync(temporary, { recursive: true })
    }
  }
}

export const pause = async (ms) => { await new Promise((resolve) => setTimeout(resolve, ms)) }
export const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1]
