// Rival 3: the model converted to TensorFlow.js, tfjs-layers on tfjs-node under Fastify, JSON.stringify of arrays. tfjs-layers gives no gates:
// those are computed op by op, a step after the other.

import fastify from 'fastify'
import { createRequire } from 'node:module'
import { loadEngine } from '../../dist/src/ops/engine.js'

// Puts back what tfjs-node misses in newer Nodes, and says so where the native engine is not set up.
await loadEngine('tfjs')
const tf = createRequire(import.meta.url)('@tensorflow/tfjs-node')

const models = {}
for (const name of process.env.MODELS.split(',')) {
  const model = await tf.loadLayersModel(new URL(`models/tfjs/${name}/model.json`, import.meta.url).href)
  const recurrent = model.layers.filter((layer) => layer.getClassName() === 'LSTM')
  models[name] = { model, recurrent, inner: tf.model({ inputs: model.inputs, outputs: recurrent.map(({ output }) => output) }) }
}

function gatesOf (layer, x) {
  const [kernel, recurrent, bias] = layer.getWeights()
  const kept = { hidden: [], cell: [], input: [], forget: [], candidate: [], output: [] }
  let h = tf.zeros([x.shape[0], recurrent.shape[0]])
  let c = h
  for (const step of tf.unstack(x, 1)) {
    const z = step.matMul(kernel).add(h.matMul(recurrent)).add(bias)
    const [i, f, g, o] = z.split(4, 1)
    const gates = { input: i.sigmoid(), forget: f.sigmoid(), candidate: g.tanh(), output: o.sigmoid() }
    c = gates.forget.mul(c).add(gates.input.mul(gates.candidate))
    h = gates.output.mul(c.tanh())
    for (const [name, value] of Object.entries({ hidden: h, cell: c, ...gates })) kept[name].push(value)
  }
  return Object.fromEntries(Object.entries(kept).map(([name, values]) => [name, tf.stack(values, 1).arraySync()]))
}

const app = fastify({ bodyLimit: 2 ** 26 })

app.post('/predict', async ({ body }) => tf.tidy(() => ({ outputs: { dense: models[body.model].model.predict(inputOf(body)).arraySync() } })))

app.post('/hidden', async ({ body }) => tf.tidy(() => {
  const { inner, recurrent } = models[body.model]
  const outputs = [inner.predict(inputOf(body))].flat()
  return { layers: Object.fromEntries(recurrent.map(({ name }, n) => [name, { hidden: outputs[n].arraySync() }])) }
}))

app.post('/gates', async ({ body }) => tf.tidy(() => {
  const [layer] = models[body.model].recurrent
  const { hidden, cell, ...gates } = gatesOf(layer, inputOf(body))
  return { layers: { [layer.name]: { hidden, cell, gates } } }
}))

const inputOf = ({ model, inputs }) => tf.tensor(inputs, undefined, models[model].model.inputs[0].dtype)

await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
