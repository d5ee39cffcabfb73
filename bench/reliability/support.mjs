// A service of the sample models in this process, whose own way of reading files is then attacked.

import { readdirSync, readFileSync } from 'node:fs'
import { standing } from './standing.mjs'
import { readCommand } from '../../dist/src/config.js'
import { startServer } from '../../dist/src/server.js'
import { Fault } from '../../dist/src/errors.js'
import { readModel } from '../../dist/src/registry/read.js'

/** Starts it; `check` gives what does not stand any more. */
export async function startService () {
  const server = await startServer(readCommand([], { PORT: '0', LOG_LEVEL: 'silent', WORKERS: '1', MODELS_DIR: 'models' }))
  const { check } = await standing(server.url)
  return { url: server.url, check, close: server.close }
}

/** Seconds: what takes longer is late. */
export const late = 5

/** What becomes of a file: 'loaded', 'refused', 'late' (whatever came after `late`), 'ended' (its reading process), or 'crash'; with the time and the message. */
export async function attempt (files, how = {}) {
  const start = performance.now()
  const took = () => performance.now() - start
  try {
    const file = await readModel(files, how)
    return { outcome: took() > late * 1000 ? 'late' : 'loaded', ms: took(), message: '', file }
  } catch (error) {
    const { message } = error
    if (!(error instanceof Fault) || error.status !== 422) return { outcome: 'crash', ms: took(), message: String(error?.stack ?? error) }
    const outcome = took() > late * 1000 ? 'late' : /^reading .* failed/.test(message) ? 'ended' : 'refused'
    return { outcome, ms: took(), message }
  }
}

/** Resident MiB of this process. */
export const resident = () => process.memoryUsage.rss() / 2 ** 20

/** The most that the processes which read files have had resident, in MiB. */
export function readersPeak () {
  const peaks = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)[1])
      return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('reader.js') ? Number(/^VmHWM:\s+(\d+)/m.exec(status)[1]) / 1024 : 0
    } catch {
      return 0
    }
  })
  return Math.max(0, ...peaks)
}

/** Numbers in [0, 1) from a seed, the same everywhere (Marsaglia's xorshift, 32 bits). */
export function random (seed) {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
