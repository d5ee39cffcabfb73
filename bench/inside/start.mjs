// node bench/inside/start.mjs: from the start of the process to the first answers, and the memory it takes, by the number of models loaded.

import { folderOf, lstmAndDense } from './support/models.mjs'
import { alone } from './support/report.mjs'
import { median } from './support/rounds.mjs'
import { connect, request, startService } from './support/service.mjs'

export const title = 'Cold start and memory, by the number of models'

const counts = [1, 4, 16]
const kinds = { predict: request('predict', { model: 'lstm-0' }), gates: request('hidden-states', { model: 'lstm-0' }) }
const heavy = request('hidden-states', { model: 'lstm-0', batch: 32 })

/** Answers to heavy requests from eight connections, before the peak is read. */
const pushes = 48

export async function run ({ rounds = 3 } = {}) {
  const found = counts.map(() => [])
  for (let round = 0; round < rounds; round++) for (const [n, count] of counts.entries()) found[n].push(await measure(count))
  const middle = (all, key) => median(all.map((one) => one[key]))
  const [one, , sixteen] = found
  const slope = (key) => (middle(sixteen, key) - middle(one, key)) / (counts[2] - counts[0])
  return {
    title,
    notes: [
      `Each model is an LSTM of 128 units over 64 features and a Dense on top (${(4 * (128 * (64 + 128 + 1) * 4 + 129 * 10) / 1024).toFixed(0)} KiB of weights); default settings. Medians of ${rounds} starts.`,
      'listening: /health/live answers; ready: all models are loaded and checked, and the first thread serves; whole: the others have them too, after which the service is asked. The first answers are JSON, B=1, 40 steps, asked in this order; warm is the same predict after 20 more.',
      `At rest: resident memory two seconds after the first answers. At peak: the most there was while eight connections asked for all states and gates, B=32, ${pushes} times, answers of 11 MB each.`,
      `A further model costs ${slope('whole').toFixed(0)} ms of start and ${slope('rest').toFixed(1)} MiB at rest, in all workers together.`
    ],
    columns: ['models', 'listening ms', 'ready ms', 'whole ms', 'first predict ms', 'first states and gates ms', 'warm predict ms', 'at rest MiB', 'at peak MiB'],
    rows: counts.map((count, n) => [String(count), ...['listening', 'ready', 'whole', 'predict', 'gates', 'warm', 'rest', 'peak'].map((key) => middle(found[n], key))])
  }
}

async function measure (count) {
  const models = Object.fromEntries(Array.from({ length: count }, (_, n) => [`lstm-${n}`, lstmAndDense()]))
  const service = await startService(folderOf(models))
  const { send, close } = connect(service.url)
  const found = { ...service.milliseconds }
  for (const [kind, one] of Object.entries(kinds)) found[kind] = (await send(one)).milliseconds
  const warm = []
  for (let n = 0; n < 21; n++) warm.push((await send(kinds.predict)).milliseconds)
  found.warm = median(warm.slice(-11))
  await new Promise((resolve) => setTimeout(resolve, 2000))
  found.rest = service.memory().resident
  await Promise.all(Array.from({ length: 8 }, async () => {
    const own = connect(service.url)
    for (let n = 0; n < pushes / 8; n++) await own.send(heavy)
    await own.close()
  }))
  found.peak = service.memory().peak
  await close()
  await service.stop()
  return found
}

await alone(import.meta.url, run)
