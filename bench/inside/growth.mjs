// node bench/inside/growth.mjs: how the time of an answer grows with the batch, the steps and the units, over HTTP, one request at a time.

import { cell, dense, folderOf } from './support/models.mjs'
import { alone } from './support/report.mjs'
import { interleaved, median } from './support/rounds.mjs'
import { connect, request, startService } from './support/service.mjs'

export const title = 'How the cost of an answer grows'

const units = [64, 128, 256, 512]
const usual = { batch: 8, length: 40, units: 128 }

/** One axis at a time, the others as usual. */
const shapes = [
  ...[1, 8, 32, 128].map((batch) => ({ ...usual, axis: 'B', batch })),
  ...[10, 40, 100, 400].map((length) => ({ ...usual, axis: 'T', length })),
  ...units.map((units) => ({ ...usual, axis: 'U', units }))
]

const asked = {
  'predict, JSON': ['predict', {}],
  'gates, JSON': ['hidden-states', {}],
  'gates, safetensors': ['hidden-states', { accept: 'safetensors' }]
}

export async function run ({ rounds = 5, milliseconds = 30 } = {}) {
  const service = await startService(folderOf(Object.fromEntries(units.map((count) => [`lstm-${count}`, [cell('LSTM', count), dense(count, 10)]]))))
  const { send, close } = connect(service.url)
  const rows = []
  for (const { axis, batch, length, units } of shapes) {
    const subjects = Object.fromEntries(Object.entries(asked).map(([name, [what, options]]) => {
      const one = request(what, { model: `lstm-${units}`, batch, length, ...options })
      return [name, async () => await send(one)]
    }))
    const times = await interleaved(subjects, { rounds, milliseconds })
    rows.push([axis, String(batch), String(length), String(units), ...Object.keys(asked).map((name) => median(times[name].wall)), ...await sizes(Object.values(subjects))])
  }
  await close()
  await service.stop()
  return {
    title,
    notes: [
      `An LSTM over 64 features, a Dense of 10 on top; the body is JSON and holds 64 B T numbers; default settings, one connection, medians of ${rounds} rounds. The first axis of a row is the one that grows.`,
      'gates: hidden and cell states, four gates and the final states, all steps: 6 B T U numbers.'
    ],
    columns: ['grows', 'B', 'T', 'U', ...Object.keys(asked).map((name) => `${name} ms`), ...Object.keys(asked).map((name) => `${name} KiB`)],
    rows
  }
}

async function sizes (sends) {
  const found = []
  for (const send of sends) found.push((await send()).bytes / 1024)
  return found
}

await alone(import.meta.url, run)
