// Models with random weights, written as a converted Keras model (model.json and one shard) without Keras: speed does not depend on the weights.

import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readModel } from '../../../dist/src/registry/read.js'

/** Features of every model here. */
export const features = 64

/** Numbers in (-1, 1), the same ones each time. */
export function random (length, seed = 1) {
  let state = seed * 2654435761 >>> 0
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1 }

/** A recurrent layer of its class: `{ name, className, config, weights: name -> shape }`. */
export function cell (className, units, { inputs = features, name = className.toLowerCase(), ...config } = {}) {
  const width = gates[className] * units
  const resetAfter = className === 'GRU' && config.reset_after !== false
  return {
    name,
    className,
    config: {
      units,
      activation: 'tanh',
      ...(className === 'SimpleRNN' ? {} : { recurrent_activation: 'sigmoid' }),
      ...(className === 'GRU' ? { reset_after: true } : {}),
      use_bias: true,
      return_sequences: true,
      return_state: false,
      go_backwards: false,
      stateful: false,
      unroll: false,
      ...config
    },
    weights: { kernel: [inputs, width], recurrent_kernel: [units, width], bias: resetAfter ? [2, width] : [width] }
  }
}

export const masking = { name: 'masking', className: 'Masking', config: { mask_value: 0 }, weights: {} }

export const dense = (inputs, units, bias = true) => ({
  name: 'dense',
  className: 'Dense',
  config: { units, activation: 'linear', use_bias: bias },
  weights: { kernel: [inputs, units], ...(bias ? { bias: [units] } : {}) }
})

export function bidirectional (inner) {
  const own = (side) => Object.entries(inner.weights).map(([name, shape]) => [`${side}_${inner.name}/${name}`, shape])
  return {
    name: 'bi',
    className: 'Bidirectional',
    config: { merge_mode: 'concat', layer: { class_name: inner.className, config: { name: inner.name, dtype: 'float32', ...inner.config } } },
    weights: Object.fromEntries([...own('forward'), ...own('backward')])
  }
}

/** Writes a Sequential model of the layers into `folder`; its input `x` is `[batch, step, feature]`. */
export function writeModel (folder, layers, { keras = 2, inputs = features } = {}) {
  mkdirSync(folder, { recursive: true })
  const arrays = layers.flatMap(({ name, weights }) => Object.entries(weights).map(([own, shape]) => ({ name: `${name}/${own}`, shape })))
  const parts = arrays.map(({ shape }, n) => {
    const scale = shape.length === 1 ? 0.1 : 1 / Math.sqrt(shape[0])
    return random(shape.reduce((a, b) => a * b, 1), n + 1).map((value) => scale * value)
  })
  const shape = [null, null, inputs]
  const input = { class_name: 'InputLayer', config: { name: 'x', dtype: 'float32', ...(keras === 3 ? { batch_shape: shape } : { batch_input_shape: shape }) } }
  const all = [input, ...layers.map(({ name, className, config }) => ({ class_name: className, config: { name, dtype: 'float32', ...config } }))]
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(parts.map(({ buffer }) => Buffer.from(buffer))))
  writeFileSync(join(folder, 'model.json'), JSON.stringify({
    format: 'layers-model',
    modelTopology: { keras_version: keras === 3 ? '3.6.0' : '2.15.0', model_config: { class_name: 'Sequential', config: { name: 'model', layers: all } } },
    weightsManifest: [{ paths: ['weights.bin'], weights: arrays.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })) }]
  }))
}

let root = null
let count = 0

/** A new folder for models; all of them go when the process does. */
export function modelsFolder () {
  if (root === null) {
    root = mkdtempSync(join(tmpdir(), 'statescope-bench-'))
    process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  }
  const folder = join(root, String(count++))
  mkdirSync(folder)
  return folder
}

/** The same model as the service holds it. */
export async function modelOf (layers, options) {
  const folder = modelsFolder()
  writeModel(folder, layers, options)
  return await readModel({ main: join(folder, 'model.json'), weights: null })
}

/** A folder as MODELS_DIR: name -> layers. */
export function folderOf (models) {
  const folder = modelsFolder()
  for (const [name, layers] of Object.entries(models)) writeModel(join(folder, name), layers)
  return folder
}

/** The LSTM of most measurements, with a small Dense on top. */
export const lstmAndDense = (units = 128) => [cell('LSTM', units), dense(units, 10)]

/** Inputs `[batch][step][feature]` as JSON has them. */
export function nested (batch, steps, seed = 1) {
  const data = random(batch * steps * features, seed)
  const row = (at) => Array.from(data.subarray(at, at + features))
  return Array.from({ length: batch }, (_, b) => Array.from({ length: steps }, (_, t) => row((b * steps + t) * features)))
}
