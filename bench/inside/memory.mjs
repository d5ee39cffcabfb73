// node bench/inside/memory.mjs: what is left of 100,000 requests: the memory of the real service over HTTP, and the tensors of an engine in this process.

import { loadEngine } from '../../dist/src/ops/engine.js'
import { byOnnx } from '../../dist/src/run/compiled.js'
import { host } from '../../dist/src/run/hosted.js'
import { byNative } from '../../dist/src/run/native.js'
import { inProcess } from './support/child.mjs'
import { batchOf, native, onnxWith, planOf, probes } from './support/engines.mjs'
import { bidirectional, cell, dense, folderOf, masking, modelOf } from './support/models.mjs'
import { alone, target } from './support/report.mjs'
import { connect, lines, request, startService } from './support/service.mjs'

export const title = 'Memory over 100,000 requests'

const units = 32
const models = {
  lstm: [cell('LSTM', units), dense(units, 10)],
  gru: [cell('GRU', units), dense(units, 10)],
  masked: [masking, cell('LSTM', units), dense(units, 10)],
  bi: [bidirectional(cell('LSTM', units)), dense(2 * units, 10)]
}

/** MiB that the service may have grown by. */
const allowed = 32
const connections = 8

export async function run ({ requests = 100_000, warmUp = 10_000, every = 10_000, runs = 100_000 } = {}) {
  const seen = await throughService({ requests, warmUp, every })
  const tensors = await inProcess(import.meta.url, 'tensorsOf', { runs, every: runs / 10 })
  const [first] = seen
  const last = seen.at(-1)
  const most = Math.max(...seen.map(({ resident }) => resident))
  const left = tensors.at(-1)
  return {
    title,
    notes: [
      `Over HTTP, ${connections} connections: ${Object.keys(models).join(', ')} of ${units} units; predict and hidden-states, batches of 1 to 4, 1 to 20 steps, JSON, NDJSON, npz and safetensors, one step, chosen tensors, and now and then ` +
        `a request that is refused. Counted after ${warmUp} requests; resident memory is read when the service has been idle for a second.`,
      `Tensors are counted in a process of their own that runs the same models ${runs} times as a worker does: by compiled plans, and one of fifty op by op by tfjs-node.`,
      `The most at any reading was ${(most - first.resident).toFixed(0)} MiB above the first.`
    ],
    columns: ['requests', 'resident MiB', 'since the first', 'runs', 'tensors', 'tensor bytes'],
    rows: seen.map(({ requests, resident }, n) => {
      const { runs, count, bytes } = tensors[n] ?? left
      return [String(requests), resident, (resident - first.resident).toFixed(1), String(runs), String(count), String(bytes)]
    }),
    targets: [
      target(`growth of resident memory over ${requests} requests`, `<= ${allowed} MiB`, `${(last.resident - first.resident).toFixed(1)} MiB`, last.resident - first.resident <= allowed),
      target(`tensors after ${left.runs} runs`, `${tensors[0].count}, ${tensors[0].bytes} bytes`, `${left.count}, ${left.bytes} bytes`, left.count === tensors[0].count && left.bytes === tensors[0].bytes)
    ]
  }
}

/** Bodies of many sizes, so that no two in a row are alike. */
function bodies () {
  const made = []
  const names = Object.keys(models)
  for (let n = 0; n < 240; n++) {
    const shape = { model: names[n % names.length], batch: 1 + n % 4, length: 1 + (7 * n) % 20, seed: n + 1 }
    made.push([
      () => request('predict', shape),
      () => request('hidden-states', shape),
      () => request('hidden-states', { ...shape, accept: 'safetensors' }),
      () => request('hidden-states', { ...shape, accept: 'npz', outputs: true }),
      () => request('hidden-states', { ...shape, tensors: ['hidden'], steps: 'last' }),
      () => request('predict', { ...shape, accept: 'ndjson' }),
      () => lines('hidden-states', shape),
      () => request('hidden-states', { ...shape, layers: ['dense'] }),
      () => ({ ...request('hidden-states', { ...shape, layers: ['nowhere'] }), refused: true })
    ][(n + (n >> 2)) % 9]())
  }
  return made
}

async function throughService ({ requests, warmUp, every }) {
  const service = await startService(folderOf(models))
  const clients = Array.from({ length: connections }, () => connect(service.url))
  const made = bodies()
  let next = 0
  const serve = async (count) => {
    const until = next + count
    await Promise.all(clients.map(async ({ send }) => {
      while (next < until) {
        const one = made[next++ % made.length]
        if (one.refused) await send(one).then(() => { throw new Error('a layer that is not there was answered') }, () => {})
        else await send(one)
      }
    }))
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  await serve(warmUp)
  const seen = [{ requests: 0, resident: service.memory().resident }]
  for (let done = every; done <= requests; done += every) {
    await serve(every)
    seen.push({ requests: done, resident: service.memory().resident })
  }
  await Promise.all(clients.map(async ({ close }) => await close()))
  await service.stop()
  return seen
}

/** What tfjs counts before and after runs of every model; in a process of its own. */
export async function tensorsOf ({ runs, every }) {
  const engine = await loadEngine('tfjs')
  const onnx = await onnxWith(1)
  const hosted = []
  for (const layers of Object.values(models)) {
    const file = await modelOf(layers)
    const check = { sample: batchOf(2, 3), plan: planOf(file, 'gates'), expected: null }
    for (const own of [[byNative(native(1)), byOnnx(onnx)], []]) hosted.push({ file, compiled: own.length > 0, model: (await host(engine, own, file, check)).model })
  }
  const [compiled, byOps] = [hosted.filter(({ compiled }) => compiled), hosted.filter(({ compiled }) => !compiled)]
  const kinds = Object.keys(probes)
  const plans = new Map(hosted.map(({ file }) => [file, kinds.map((kind) => planOf(file, kind))]))
  const serve = async (from, to) => {
    for (let n = from; n < to; n++) {
      const group = n % 50 === 49 ? byOps : compiled
      const { file, model } = group[Math.floor(n / 10) % group.length]
      await model.run(plans.get(file)[n % kinds.length], batchOf(1 + n % 4, 1 + (7 * n) % 20))
    }
    const { numTensors, numBytes } = engine.tf.memory()
    return { runs: to, count: numTensors, bytes: numBytes }
  }
  await serve(0, 300)
  const seen = [await serve(0, 0)]
  for (let done = 0; done < runs; done += every) seen.push(await serve(done, done + every))
  return seen
}

await alone(import.meta.url, run)
