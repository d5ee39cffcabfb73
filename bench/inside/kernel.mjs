// node bench/inside/kernel.mjs: how fast the LSTM runs, inside: hidden states alone as a share of the machine's own matrix product (sgemm), and all
// states and gates beside TensorFlow's BlockLSTMV2, both through the compiled plan as a worker runs it. Every number of threads in a process of its own.

import { inProcess } from './support/child.mjs'
import { batchOf, bareLstm, blockLstm, matrixProduct, native, onnxWith, programs } from './support/engines.mjs'
import { cell, features, modelOf } from './support/models.mjs'
import { alone, least, short, target } from './support/report.mjs'
import { interleaved, median, ratio } from './support/rounds.mjs'

export const title = 'The kernel: an LSTM beside sgemm and beside BlockLSTMV2'

const batches = [1, 8, 32, 128]
const steps = [40, 100]
const units = [64, 128, 256]

/** `rounds` of about `milliseconds` for each subject at each shape. */
export async function run ({ rounds = 11, milliseconds = 25, threads: only } = {}) {
  const found = []
  for (const threads of only === undefined ? [1, 2] : [only]) {
    found.push(...await inProcess(import.meta.url, 'measure', { threads, rounds, milliseconds }, {
      env: { TF_NUM_INTRAOP_THREADS: String(threads), TF_NUM_INTEROP_THREADS: '1' }
    }))
  }
  const where = ({ batch, steps, units }) => `B=${batch} T=${steps} U=${units}`
  const list = (key, choose) => found.filter(choose).map((one) => ({ where: where(one), value: one[key] }))
  const worst = Math.max(...found.map(({ difference }) => difference))
  return {
    title,
    notes: [
      `${features} features. hidden and gates are plans compiled for the native engine: from a Float32Array to arrays [batch, step, unit], the check of each answer included; gates are hidden and cell states, four gates and the final states.`,
      'op is one LSTM op of onnxruntime with hidden states as its only output: the kernel with nothing around it. BlockLSTMV2 runs in tfjs-node, its seven outputs read back, in TensorFlow\'s own layout [step, batch, unit].',
      'GFLOP/s count the products alone, 8 B T U (F + U). sgemm is one MatMul of 1024 x 1024 x 1024 by onnxruntime, timed in every round; shares and ratios are medians over rounds. One thread is timed in CPU time, two by the clock.',
      `The states and gates of both agree to ${worst.toExponential(1)}.`
    ],
    columns: ['threads', 'B', 'T', 'U', 'sgemm GFLOP/s', 'op GFLOP/s', 'op / sgemm', 'hidden ms', 'hidden GFLOP/s', 'hidden / sgemm', 'gates ms', 'BlockLSTMV2 ms', 'gates are', 'BlockLSTMV2 / sgemm'],
    rows: found.map((one) => [
      String(one.threads), String(one.batch), String(one.steps), String(one.units), one.sgemm, one.op, percent(one.opShare), one.hiddenTime, one.hidden, percent(one.hiddenShare),
      one.gatesTime, one.rivalTime, `${short(one.times)}x`, percent(one.rivalShare)
    ]),
    targets: [
      ...[...new Set(found.map(({ threads }) => threads))].flatMap((threads) => {
        const own = (key, choose) => list(key, (one) => one.threads === threads && choose(one))
        const by = threads === 1 ? 'one thread' : `${threads} threads`
        return [
          least(`hidden states alone, B >= 32, U >= 128, of sgemm, ${by}`, 0.7, own('hiddenShare', ({ batch, units }) => batch >= 32 && units >= 128), ''),
          least(`hidden states alone, B = 8, of sgemm, ${by}`, 0.4, own('hiddenShare', ({ batch }) => batch === 8), ''),
          least(`all states and gates beside BlockLSTMV2, every shape, ${by}`, 1.5, own('times', () => true)),
          least(`all states and gates beside BlockLSTMV2, B = 1, ${by}`, 2, own('times', ({ batch }) => batch === 1))
        ]
      }),
      target('states and gates agree with BlockLSTMV2', '<= 1e-5', worst.toExponential(1), worst <= 1e-5)
    ]
  }
}

const percent = (share) => `${(100 * share).toFixed(0)} %`

/** All shapes with one number of threads; in a process of its own. */
export async function measure ({ threads, rounds, milliseconds }) {
  const onnx = await onnxWith(threads)
  const own = native(threads)
  // One thread is timed by what it computes, whatever else the machine does; two by the clock on the wall.
  const clock = threads === 1 ? 'cpu' : 'wall'
  const product = await matrixProduct(onnx)
  const found = []
  for (const count of units) {
    const file = await modelOf([cell('LSTM', count)])
    const { weights } = file.graph.layers.lstm
    const rival = await blockLstm(weights)
    const op = await bareLstm(onnx, weights)
    const [hidden, gates] = [programs(own, file, 'hidden'), programs(own, file, 'gates')]
    for (const length of steps) {
      for (const size of batches) {
        const batch = batchOf(size, length)
        const turned = stepFirst(batch.inputs.x)
        const difference = apart((await gates.run(batch)).layers[0].tensors, rival(turned), [length, size, count])
        const times = await interleaved({
          sgemm: product.run,
          op: async () => await op(turned),
          hidden: async () => await hidden.run(batch),
          gates: async () => await gates.run(batch),
          rival: async () => rival(turned)
        }, { rounds, milliseconds })
        const operations = 8 * size * length * count * (features + count)
        const speed = (subject, amount) => amount / median(subject[clock]) / 1e6
        const share = (subject) => ratio(times.sgemm[clock], subject[clock]) * operations / product.operations
        found.push({
          threads,
          batch: size,
          steps: length,
          units: count,
          difference,
          sgemm: speed(times.sgemm, product.operations),
          op: speed(times.op, operations),
          opShare: share(times.op),
          hidden: speed(times.hidden, operations),
          hiddenTime: median(times.hidden[clock]),
          hiddenShare: share(times.hidden),
          gatesTime: median(times.gates[clock]),
          rivalTime: median(times.rival[clock]),
          times: ratio(times.rival[clock], times.gates[clock]),
          rivalShare: share(times.rival)
        })
      }
    }
    await hidden.dispose()
    await gates.dispose()
  }
  return found
}

/** `[batch, step, ...]` as `[step, batch, ...]`. */
function stepFirst ({ shape: [batch, steps, size], data }) {
  const turned = new Float32Array(data.length)
  for (let b = 0; b < batch; b++) for (let t = 0; t < steps; t++) turned.set(data.subarray((b * steps + t) * size, (b * steps + t + 1) * size), (t * batch + b) * size)
  return { shape: [steps, batch, size], data: turned }
}

/** The largest difference between what the plan gives, `[batch, step, unit]`, and what the rival does, `[step, batch, unit]`. */
function apart (tensors, rival, [steps, batch, size]) {
  let worst = 0
  for (const [name, theirs] of [['hidden', 'hidden'], ['cell', 'cell'], ...['input', 'forget', 'candidate', 'output'].map((gate) => [`gates/${gate}`, gate])]) {
    const mine = stepFirst({ shape: [batch, steps, size], data: tensors[name].data }).data
    for (let n = 0; n < mine.length; n++) worst = Math.max(worst, Math.abs(mine[n] - rival[theirs][n]))
  }
  return worst
}

await alone(import.meta.url, run)
