// node bench/inside/summary.mjs: one summary of 100,000 sequences of many lengths, as lines over HTTP: how fast, and in how much memory.

import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Client } from 'undici'
import { cell, modelsFolder, random, writeModel } from './support/models.mjs'
import { alone, target } from './support/report.mjs'
import { startService } from './support/service.mjs'

export const title = 'A summary of 100,000 sequences'

const [units, inputs] = [32, 4]
/** Steps of the sequences, each as often. */
const lengths = { one: [20, 20], many: [1, 60] }
/** MiB that the service may have grown by, from a tenth of the sequences to all. */
const allowed = 32

export async function run ({ sequences = 100_000, asLines = 4_000 } = {}) {
  const found = []
  for (const [name, [from, to]] of Object.entries(lengths)) {
    for (const by of ['all', 'step']) found.push({ lengths: `${from} to ${to}`, by, ...await measure(`summary=${by}`, made(from, to), sequences) })
    found.push({ lengths: `${from} to ${to}`, by: 'no summary', ...await measure('', made(from, to), asLines), name })
  }
  const grown = found.filter(({ by }) => by !== 'no summary').map(({ seen }) => seen.at(-1) - seen[0])
  return {
    title,
    notes: [
      `An LSTM of ${units} units over ${inputs} features; its states and gates are summarised. One request, as application/x-ndjson; default settings.`,
      `"no summary": the same lines answered by lines with the states and gates themselves, ${asLines} of them, read and thrown away.`,
      'Resident memory is read after each tenth of the sequences: the first reading, and the most of all.'
    ],
    columns: ['steps', 'summary by', 'sequences a second', 'values a second, millions', 'resident MiB after a tenth', 'at most MiB'],
    rows: found.map(({ lengths, by, rate, values, seen }) => [lengths, by, rate, values / 1e6, seen[0], Math.max(...seen)]),
    targets: [target(`growth of resident memory from ${sequences / 10} to ${sequences} sequences`, `<= ${allowed} MiB`, `${Math.max(...grown).toFixed(1)} MiB`, Math.max(...grown) <= allowed)]
  }
}

/** A thousand lines, which are sent again and again. */
function made (from, to) {
  return Array.from({ length: 1000 }, (_, n) => {
    const steps = from + n % (to - from + 1)
    const data = random(steps * inputs, n + 1)
    return { steps, text: `${JSON.stringify({ inputs: Array.from({ length: steps }, (_, t) => Array.from(data.subarray(t * inputs, (t + 1) * inputs))) })}\n` }
  })
}

async function measure (query, lines, sequences) {
  const folder = modelsFolder()
  writeModel(join(folder, 'small'), [cell('LSTM', units, { inputs })], { inputs })
  const service = await startService(folder)
  const client = new Client(service.url, { bodyTimeout: 0, headersTimeout: 0 })
  const seen = []
  let values = 0
  function * body (count) {
    for (let n = 0; n < count; n++) {
      const { steps, text } = lines[n % lines.length]
      values += steps * units * 6
      yield text
      if ((n + 1) % (sequences / 10) === 0) seen.push(service.memory().resident)
    }
  }
  const send = async (count) => {
    const { statusCode, body: answer } = await client.request({
      path: `/models/small/hidden-states?${query}`, method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: Readable.from(body(count))
    })
    if (statusCode !== 200) throw new Error(await answer.text())
    let last = ''
    for await (const part of answer) if (query !== '') last += part
    if (query === '') return
    const { batch, failed } = JSON.parse(last)
    if (batch !== count || failed !== undefined) throw new Error(`${batch} of ${count} sequences are in the summary`)
  }
  await send(1000)
  seen.length = 0
  values = 0
  const start = performance.now()
  await send(sequences)
  const seconds = (performance.now() - start) / 1000
  await client.close()
  await service.stop()
  return { rate: sequences / seconds, values: values / seconds, seen }
}

await alone(import.meta.url, run)
