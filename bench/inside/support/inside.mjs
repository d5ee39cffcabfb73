// The service within this process, asked behind its HTTP side: registry, plan and pool as they are.

import { readCommand } from '../../../dist/src/config.js'
import { independent } from '../../../dist/src/plan/independent.js'
import { startServer } from '../../../dist/src/server.js'
import { batchOf, planOf } from './engines.mjs'

/** `job(model, kind, format, batch)` makes a function that runs one job in the pool; its answer's memory goes back, as from the HTTP side once it is sent. */
export async function startInside (models, settings = {}) {
  const command = readCommand([], { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error', MODELS_DIR: models, ...settings })
  const server = await startServer(command)
  const { registry, pool } = server.service
  await pool.whole()
  for (const { key, status, reason } of registry.list()) if (status !== 'ready') throw new Error(`${key} is not served: ${reason}`)
  return {
    engine: pool.engine,
    job: (model, kind, { format = 'json', batch = 1, steps = 40 } = {}) => {
      const entry = registry.get(model)
      const { id, version, digest } = entry
      const plan = planOf(entry.file, kind)
      const inputs = batchOf(batch, steps)
      const fixed = { plan, format, head: { model: id, version, digest }, independent: independent(entry.file, plan, inputs.initial) }
      // A job's arrays are handed over with it: each has its own.
      const fresh = () => ({ ...inputs, inputs: { x: { ...inputs.inputs.x, data: inputs.inputs.x.data.slice() } } })
      return async () => { pool.sent(await pool.run(entry.key, { ...fixed, batch: fresh() })) }
    },
    close: server.close
  }
}
