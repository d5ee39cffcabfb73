// node bench/inside/pool.mjs: what the second worker brings on two cores, behind the HTTP side. Every measurement in a fresh process, the settings in turn.

import { inProcess } from './support/child.mjs'
import { startInside } from './support/inside.mjs'
import { folderOf, lstmAndDense } from './support/models.mjs'
import { alone, least, short } from './support/report.mjs'
import { median, ratio } from './support/rounds.mjs'

export const title = 'The pool: two workers beside one'

const kinds = {
  'predict, B=1, JSON': ['predict', {}],
  'states and gates, B=1, JSON': ['gates', {}],
  'states and gates, B=1, safetensors': ['gates', { format: 'safetensors' }],
  'predict, B=32, JSON': ['predict', { batch: 32 }],
  'states and gates, B=32, JSON': ['gates', { batch: 32 }],
  'states and gates, B=32, safetensors': ['gates', { batch: 32, format: 'safetensors' }]
}

const pools = {
  'one worker, one core': { workers: 1, cores: 1 },
  'one worker, two cores': { workers: 1, cores: 2 },
  'two workers, two cores': { workers: 2, cores: 2 }
}

/** Jobs that wait or run at any time. */
const inFlight = 8

export async function run ({ rounds = 3, seconds = 1 } = {}) {
  const rates = Object.fromEntries(Object.keys(pools).map((pool) => [pool, Object.fromEntries(Object.keys(kinds).map((kind) => [kind, []]))]))
  for (let round = 0; round < rounds; round++) {
    for (const [pool, { workers, cores }] of Object.entries(pools)) {
      const found = await inProcess(import.meta.url, 'measure', { workers, seconds }, { cores })
      for (const kind of Object.keys(kinds)) rates[pool][kind].push(found[kind])
    }
  }
  const [oneCore, one, two] = Object.values(rates)
  const rows = Object.keys(kinds).map((kind) => ({ kind, overOne: ratio(two[kind], one[kind]), overCore: ratio(two[kind], oneCore[kind]) }))
  return {
    title,
    notes: [
      `${inFlight} jobs in flight, an LSTM of 128 units over 64 features, 40 steps, a Dense on top. A worker alone has as many threads of onnxruntime as there are cores; of two workers each has one.`,
      `Jobs a second, medians of ${rounds} rounds of ${seconds} s, each in a fresh process that is pinned to its cores.`
    ],
    columns: ['jobs', ...Object.keys(pools), 'two over one', 'two over one core'],
    rows: rows.map(({ kind, overOne, overCore }) => [kind, median(oneCore[kind]), median(one[kind]), median(two[kind]), `${short(overOne)}x`, `${short(overCore)}x`]),
    targets: [
      least('two workers on two cores beside one worker on one', 1.5, rows.map(({ kind, overCore }) => ({ where: kind, value: overCore }))),
      least('two workers beside one on the same two cores', 1.5, rows.map(({ kind, overOne }) => ({ where: kind, value: overOne })))
    ]
  }
}

/** Jobs a second of each kind; in a process of its own. */
export async function measure ({ workers, seconds }) {
  const service = await startInside(folderOf({ lstm: lstmAndDense() }), { WORKERS: String(workers) })
  const rates = {}
  for (const [kind, [asked, options]] of Object.entries(kinds)) {
    const job = service.job('lstm', asked, options)
    const together = async (duration) => {
      let done = 0
      const start = performance.now()
      await Promise.all(Array.from({ length: inFlight }, async () => {
        while (performance.now() - start < 1000 * duration) {
          await job()
          done++
        }
      }))
      return 1000 * done / (performance.now() - start)
    }
    await together(Math.min(0.3, seconds))
    rates[kind] = await together(seconds)
  }
  await service.close()
  return rates
}

await alone(import.meta.url, run)
