// node bench/inside/mix.mjs: eight clients, each asking for one kind of thing over and over; how long the slowest answers of each kind take beside its usual ones.

import { folderOf, lstmAndDense } from './support/models.mjs'
import { alone, most, short } from './support/report.mjs'
import { percentile } from './support/rounds.mjs'
import { connect, lines, request, startService } from './support/service.mjs'

export const title = 'Eight mixed clients at once'

/** One connection each. */
const kinds = {
  'predict, B=1': request('predict'),
  'predict, B=1, T=100': request('predict', { length: 100 }),
  'hidden states, last step, B=1': request('hidden-states', { tensors: ['hidden'], steps: 'last' }),
  'states and gates, B=1': request('hidden-states'),
  'states and gates, B=1, safetensors': request('hidden-states', { accept: 'safetensors' }),
  'predict, B=32': request('predict', { batch: 32 }),
  'states and gates, B=32': request('hidden-states', { batch: 32 }),
  'states and gates, 16 lines of NDJSON': lines('hidden-states')
}

export async function run ({ seconds = 40 } = {}) {
  const service = await startService(folderOf({ lstm: lstmAndDense() }))
  const ask = async (one, until) => {
    const { send, close } = connect(service.url)
    const times = []
    while (performance.now() < until) times.push((await send(one)).milliseconds)
    await close()
    return times
  }
  const together = async (duration) => {
    const until = performance.now() + 1000 * duration
    return await Promise.all(Object.values(kinds).map(async (one) => await ask(one, until)))
  }
  const single = []
  for (const one of Object.values(kinds)) single.push(percentile(await ask(one, performance.now() + 500), 0.5))
  await together(Math.min(3, seconds / 4))
  const found = await together(seconds)
  const { resident } = service.memory()
  await service.stop()
  const rows = Object.keys(kinds).map((name, n) => {
    const [p50, p99] = [percentile(found[n], 0.5), percentile(found[n], 0.99)]
    return { name, count: found[n].length, quiet: single[n], p50, p99, spread: p99 / p50 }
  })
  return {
    title,
    notes: [
      `An LSTM of 128 units over 64 features and a Dense on top, 40 steps where nothing else is said; default settings. Each client sends its next request when it has the last byte of the last answer, for ${seconds} s.`,
      'The clients run in one process on the same cores; alone is the median where nobody else asks.',
      `The service held ${resident.toFixed(0)} MiB afterwards.`
    ],
    columns: ['client', 'answers', 'alone ms', 'p50 ms', 'p99 ms', 'p99 / p50'],
    rows: rows.map(({ name, count, quiet, p50, p99, spread }) => [name, String(count), quiet, p50, p99, `${short(spread)}x`]),
    targets: [most('p99 beside p50, every kind', 3, rows.map(({ name, spread }) => ({ where: name, value: spread })))]
  }
}

await alone(import.meta.url, run)
