// node bench/inside/cells.mjs: what every other cell costs a floating-point operation, beside the plain LSTM's in the same rounds.

import { inProcess } from './support/child.mjs'
import { batchOf, blockLstm, native, programs } from './support/engines.mjs'
import { bidirectional, cell, features, masking, modelOf } from './support/models.mjs'
import { alone, most, short } from './support/report.mjs'
import { interleaved, median, ratio } from './support/rounds.mjs'

export const title = 'Every cell beside the plain LSTM'

const [units, steps] = [128, 40]
const batches = [1, 32]

/** Share of the steps that a masked sequence leaves out. */
const left = 0.1

const lstm = (config) => [cell('LSTM', units, config)]

/** `blocks`: how many of the LSTM's four products it has. */
const kinds = [
  { name: 'LSTM', layers: lstm({}), blocks: 4 },
  { name: 'GRU', layers: [cell('GRU', units)], blocks: 3 },
  { name: 'GRU, reset_after false', layers: [cell('GRU', units, { reset_after: false })], blocks: 3 },
  { name: 'LSTM, hard_sigmoid of Keras 2', layers: lstm({ recurrent_activation: 'hard_sigmoid' }), blocks: 4 },
  { name: 'LSTM, hard_sigmoid of Keras 3', layers: lstm({ recurrent_activation: 'hard_sigmoid' }), keras: 3, blocks: 4 },
  { name: 'LSTM, relu', layers: lstm({ activation: 'relu' }), blocks: 4 },
  { name: 'SimpleRNN', layers: [cell('SimpleRNN', units)], blocks: 1 },
  { name: 'LSTM, backwards', layers: lstm({ go_backwards: true }), blocks: 4 },
  { name: 'Bidirectional LSTM', layers: [bidirectional(cell('LSTM', units))], blocks: 8 },
  { name: 'LSTM, a tenth of the steps masked', layers: [masking, ...lstm({})], blocks: 4, masked: true }
]

export async function run ({ rounds = 15, milliseconds = 30, threads = 1 } = {}) {
  const found = await inProcess(import.meta.url, 'measure', { rounds, milliseconds, threads }, { env: { TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: '1' } })
  const all = (key) => found.flatMap((one) => one.name === 'LSTM' ? [] : [{ where: `${one.name}, ${one.kind}, B=${one.batch}`, value: one[key] }])
  return {
    title,
    notes: [
      `${units} units over ${features} features, ${steps} steps, ${threads} ${threads === 1 ? 'thread' : 'threads'}; compiled plans with the check of each answer, as in the kernel's table.`,
      'One thread is timed in CPU time, two by the clock. Floating-point operations are those of the products, 2 B T (F + U) U a gate; of the masked LSTM only those of the steps that count.',
      'An LSTM has four products for each hidden state that it writes, a SimpleRNN one: whatever is done once a number (activations, the check, writing it out) weighs four times as much a FLOP there.'
    ],
    columns: ['cell', 'asked', 'B', 'ms', 'ns a kFLOP', 'of LSTM\'s', 'of BlockLSTMV2\'s'],
    rows: found.map((one) => [one.name, one.kind, String(one.batch), one.time, one.perOperation, `${short(one.ofLstm)}x`, `${short(one.ofRival)}x`]),
    targets: [
      most('every other cell a FLOP, beside the plain LSTM', 1, all('ofLstm')),
      most('every other cell a FLOP, beside BlockLSTMV2', 1, all('ofRival'))
    ]
  }
}

/** All cells; in a process of its own. */
export async function measure ({ rounds, milliseconds, threads }) {
  const own = native(threads)
  const clock = threads === 1 ? 'cpu' : 'wall'
  const models = []
  for (const kind of kinds) models.push({ ...kind, file: await modelOf(kind.layers, { keras: kind.keras }) })
  const rival = await blockLstm(models[0].file.graph.layers.lstm.weights)
  const found = []
  for (const asked of ['hidden', 'gates']) {
    const plans = models.map(({ file }) => programs(own, file, asked))
    for (const size of batches) {
      const full = batchOf(size, steps)
      const some = masked(size)
      // The op wants the steps first: the same numbers in another order are as fast.
      const first = { shape: [steps, size, features], data: full.inputs.x.data }
      const subjects = Object.fromEntries(plans.map(({ run }, n) => [models[n].name, async () => await run(models[n].masked ? some.batch : full)]))
      const times = await interleaved({ ...subjects, rival: async () => rival(first) }, { rounds, milliseconds })
      const lstmOperations = 2 * size * steps * (features + units) * 4 * units
      for (const { name, blocks, masked } of models) {
        const operations = lstmOperations * blocks / 4 * (masked ? some.share : 1)
        const beside = (other) => ratio(times[name][clock], times[other][clock]) * lstmOperations / operations
        const time = median(times[name][clock])
        found.push({ name, kind: asked, batch: size, time, perOperation: 1e9 * time / operations, ofLstm: beside('LSTM'), ofRival: beside('rival') })
      }
    }
    for (const { dispose } of plans) await dispose()
  }
  return found
}

/** Every tenth step or so of each sequence is zeros, which the Masking layer leaves out. */
function masked (size) {
  const { inputs: { x }, ...rest } = batchOf(size, steps)
  const data = x.data.slice()
  let out = 0
  for (let place = 3; place < size * steps; place += Math.round(1 / left)) {
    data.fill(0, place * features, (place + 1) * features)
    out++
  }
  return { batch: { ...rest, inputs: { x: { shape: x.shape, data } } }, share: 1 - out / (size * steps) }
}

await alone(import.meta.url, run)
