// node bench/inside/engines.mjs: the same jobs on each engine, one worker each, behind the HTTP side, in turn.

import { inProcess } from './support/child.mjs'
import { startInside } from './support/inside.mjs'
import { cell, dense, folderOf, masking } from './support/models.mjs'
import { alone, most, short } from './support/report.mjs'
import { interleaved, median, ratio } from './support/rounds.mjs'

export const title = 'The engines beside each other'

const engines = ['native', 'onnx', 'tfjs', 'wasm']
const models = { lstm: [cell('LSTM', 128), dense(128, 10)], gru: [cell('GRU', 128), dense(128, 10)], masked: [masking, cell('LSTM', 128), dense(128, 10)] }
const names = { lstm: 'LSTM', gru: 'GRU', masked: 'LSTM behind a Masking layer' }

export async function run ({ rounds = 5, milliseconds = 50 } = {}) {
  const found = await inProcess(import.meta.url, 'measure', { rounds, milliseconds })
  return {
    title,
    notes: [
      '128 units over 64 features, 40 steps, a Dense on top; one worker for each engine, with every thread that its engine takes on these cores; answers as safetensors, so that the engine is what is compared.',
      'tfjs and wasm compute op by op, but tfjs an LSTM without mask by BlockLSTMV2; WebAssembly has one thread.',
      `onnxruntime ${found.versions.onnx}, tfjs-node with TensorFlow ${found.versions.tensorflow}, tfjs-backend-wasm ${found.versions.wasm}.`
    ],
    columns: ['model', 'asked', 'B', 'native ms', 'onnx ms', 'tfjs ms', 'wasm ms', 'wasm / tfjs', 'tfjs / native', 'onnx / native'],
    rows: found.rows.map(({ model, kind, batch, native, onnx, tfjs, wasm, slower, faster, compiled }) => [names[model], kind, String(batch), native, onnx, tfjs, wasm, ...[slower, faster, compiled].map((times) => `${short(times)}x`)]),
    targets: [most('wasm beside tfjs-node', 10, found.rows.map(({ model, kind, batch, slower }) => ({ where: `${names[model]}, ${kind}, B=${batch}`, value: slower })))]
  }
}

/** In a process of its own. */
export async function measure ({ rounds, milliseconds }) {
  const folder = folderOf(models)
  const services = {}
  for (const engine of engines) services[engine] = await startInside(folder, { ENGINE: engine, WORKERS: '1' })
  const rows = []
  for (const model of Object.keys(models)) {
    for (const kind of ['predict', 'gates']) {
      for (const batch of [1, 32]) {
        const subjects = Object.fromEntries(engines.map((engine) => [engine, services[engine].job(model, kind, { batch, format: 'safetensors' })]))
        const times = await interleaved(subjects, { rounds, milliseconds })
        rows.push({
          model,
          kind,
          batch,
          ...Object.fromEntries(engines.map((engine) => [engine, median(times[engine].wall)])),
          slower: ratio(times.wasm.wall, times.tfjs.wall),
          faster: ratio(times.tfjs.wall, times.native.wall),
          compiled: ratio(times.onnx.wall, times.native.wall)
        })
      }
    }
  }
  const { onnx, tfjs, wasm } = services
  const versions = { onnx: onnx.engine.version, tensorflow: tfjs.engine.tensorflow, wasm: wasm.engine.version }
  for (const { close } of Object.values(services)) await close()
  return { rows, versions }
}

await alone(import.meta.url, run)
