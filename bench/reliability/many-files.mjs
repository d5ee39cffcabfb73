// Reads model files as the service's reading process does (src/registry/reader.ts), but as many as it is given: what each does to the process is still seen.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as wait } from 'node:timers/promises'

const own = fileURLToPath(import.meta.url)
/** MiB of memory for a reading, as the service gives, and what a process may have kept of earlier ones. */
const memory = 4096
const most = 1500

/** Reads files one after the other in a process, and another one where that ends, hangs or has grown. */
export class ManyFiles {
  #child = null
  #seconds

  constructor (seconds) { this.#seconds = seconds }

  /** As `attempt` (support.mjs) says it: 'loaded', 'refused', 'late', 'ended' or 'crash', with the message. */
  async read (files) {
    if (this.#child === null) {
      this.#child = fork(own, [], { execArgv: [`--max-old-space-size=${memory}`], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
      await once(this.#child, 'message')
    }
    const over = new AbortController()
    const { signal } = over
    const answer = await Promise.race([
      once(this.#child, 'message', { signal }).then(([said]) => said),
      once(this.#child, 'exit', { signal }).then(([code, by]) => ({ outcome: 'ended', message: `its process ended with ${by ?? code}`, spent: true })),
      wait(this.#seconds * 1000, { outcome: 'late', message: '', spent: true }, { signal }),
      new Promise(() => this.#child.send(files))
    ])
    over.abort()
    if (answer.spent) this.stop()
    return answer
  }

  stop () {
    this.#child?.kill('SIGKILL')
    this.#child = null
  }
}

if (process.argv[1] === own && process.send !== undefined) {
  const { Fault } = await import('../../dist/src/errors.js')
  const { assembleModel } = await import('../../dist/src/registry/assemble.js')
  const { contentOf } = await import('../../dist/src/registry/content.js')
  const { usualLimits } = await import('../../dist/src/registry/read.js')
  process.on('disconnect', () => process.exit())
  process.on('message', async (files) => {
    let outcome = 'loaded'
    let message = ''
    try {
      await assembleModel(await contentOf(files), { ...usualLimits, memory })
    } catch (error) {
      // The reader makes a fault of whatever else it meets.
      outcome = error instanceof Fault && error.status !== 422 ? 'crash' : 'refused'
      message = String(error.message)
    }
    process.send({ outcome, message, spent: process.memoryUsage.rss() > most * 2 ** 20 })
  })
  process.send('ready')
}
