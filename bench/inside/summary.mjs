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
const lengths = [[20, 20], [1, 60]]
/** MiB that the service may have grown by, from half of the sequences to all. */
const allowed = 64

export async function run ({ sequences = 100_000, asLines = 4_000 } = {}) {
  const found = []
  for (const [from, to] of lengths) {
    for (const by of ['all', 'step']) found.push({ lengths: `${from} to ${to}`, by, ...await measure(`summary=${by}`, made(from, to), sequences) })
    found.push({ lengths: `${from} to ${to}`, by: 'no summary', ...await measure('', made(from, to), asLines) })
  }
  const half = (seen) => seen[Math.ceil(seen.length / 2) - 1]
  const grown = found.filter(({ by }) => by !== 'no summary').map(({ seen }) => Math.max(...seen) - half(seen))
  return {
    title,
    notes: [
      `An LSTM of ${units} units over ${inputs} features; its states and gates are summarised. One request, as application/x-ndjson; default settings.`,
      `"no summary": the same lines answered by lines with the states and gates themselves, ${asLines} of them, read and thrown away.`,
      `Resident memory is read after each tenth of the sequences. The states and gates themselves would be ${(sequences * 30 * units * 6 * 4 / 2 ** 30).toFixed(1)} GiB for 1 to 60 steps.`
    ],
    columns: ['steps', 'summary by', 'sequences a second', 'values a second, millions', 'MiB at rest', 'after half', 'at most'],
    rows: found.map(({ lengths, by, rate, values, rest, seen }) => [lengths, by, rate, values / 1e6, rest, half(seen), Math.max(...seen)]),
    targets: [target(`growth of resident memory from ${sequences / 2} to ${sequences} sequences`, `<= ${allowed} MiB`, `${Math.max(...grown).toFixed(1)} MiB`, Math.max(...grown) <= allowed)]
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
  const { resident: rest } = service.memory()
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
  return { rate: sequences / seconds, values: values / seconds, rest, seen }
}

await alone(import.meta.url, run)
