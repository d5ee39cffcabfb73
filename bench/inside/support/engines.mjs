// A plan compiled as the service compiles it, the machine's own matrix product, and TensorFlow's fused LSTM.

import { loadEngine } from '../../../dist/src/ops/engine.js'
import { encodeModel } from '../../../dist/src/ops/onnx/proto.js'
import { loadOnnx } from '../../../dist/src/ops/onnx/runtime.js'
import { lower } from '../../../dist/src/ops/native/lower.js'
import { nativeWith } from '../../../dist/src/ops/native/runtime.js'
import { buildPlan } from '../../../dist/src/plan/build.js'
import { defaultKinds } from '../../../dist/src/request/probe.js'
import { compile, graphKey } from '../../../dist/src/run/compiled.js'
import { compileNative, written } from '../../../dist/src/run/native.js'
import { giveBack } from '../../../dist/src/run/spare.js'
import { features, random } from './models.mjs'

/** What requests ask for, as the service reads them. */
export const probes = {
  predict: { layers: [], tensors: [], steps: 'all', outputs: true, raw: false },
  hidden: { layers: null, tensors: ['hidden'], steps: 'all', outputs: false, raw: false },
  gates: { layers: null, tensors: defaultKinds, steps: 'all', outputs: false, raw: false }
}

export const planOf = (file, kind) => buildPlan(file, probes[kind], {})

/** Random inputs for a model of one input. */
export function batchOf (batch, steps, inputs = features) {
  return { inputs: { x: { shape: [batch, steps, inputs], data: random(batch * steps * inputs) } }, initial: {}, size: batch }
}

/** onnxruntime with the number of threads that a worker gives it. */
export async function onnxWith (threads) {
  const found = await loadOnnx(1)
  if ('reason' in found) throw new Error(found.reason)
  return { ...found, threads }
}

/** The native engine with the number of threads that a worker gives it. */
export function native (threads) {
  const found = nativeWith(threads)
  if ('reason' in found) throw new Error(found.reason)
  return found
}

/** A function that runs the plan on a batch, by the programs that a worker would write for it; what the last answer lay in goes back, as a worker gives it. */
export function programs (runtime, file, kind) {
  const plan = planOf(file, kind)
  let own
  let last = []
  return {
    plan,
    run: async (batch) => {
      own ??= compileNative(runtime, file, plan, batch)
      giveBack(last)
      const { traced } = await own.run(plan, batch)
      last = [traced]
      return traced
    },
    /** The same work for a batch, but nothing of it is given except the number that the check finds. */
    unread: (batch) => {
      const { nodes, sizes, given } = written(file, plan, batch, true)
      const run = runtime.program(lower(nodes, sizes, given.filter(({ name }) => name === 'difference').map(({ value }) => value)))
      const inputs = [...Object.values(batch.inputs).map(({ data }) => data), ...sizes.slice(Object.keys(batch.inputs).length).map((size) => new Float32Array(size))]
      const output = new Float32Array(1)
      return () => run(inputs, [output])
    },
    dispose: async () => {}
  }
}

/** The same by onnxruntime, by the graph that a worker would compile for it. */
export function compiled (onnx, file, kind) {
  const plan = planOf(file, kind)
  const graphs = new Map()
  const graphFor = async (batch) => {
    const key = graphKey(plan, batch)
    const graph = graphs.get(key) ?? await compile(onnx, file, plan, batch)
    graphs.set(key, graph)
    return graph
  }
  return {
    plan,
    run: async (batch) => (await (await graphFor(batch)).run(plan, batch)).traced,
    dispose: async () => { for (const graph of graphs.values()) await graph.dispose() }
  }
}

/** A session of one node over the input `x` and constants `[name, shape, data]`; it gives `y`. */
async function oneNode ({ ort, threads }, op, shape, constants, names, attributes, outputShape) {
  const bytes = encodeModel({
    nodes: [{ op, inputs: ['x', ...constants.map(([name]) => name)], outputs: names, attributes }],
    inputs: [{ name: 'x', type: 'float', shape }],
    outputs: [{ name: 'y', type: 'float', shape: outputShape }],
    initializers: constants.map(([name, shape, data]) => ({ name, shape, data }))
  })
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, logSeverityLevel: 3 })
  return async ({ data, shape }) => (await session.run({ x: new ort.Tensor('float32', data, shape) })).y.data
}

/** One product of two square matrices, the second a constant as weights are: its speed is what the machine can do. */
export async function matrixProduct (onnx, size = 1024) {
  const square = [size, size]
  const multiply = await oneNode(onnx, 'MatMul', square, [['w', square, random(size * size)]], ['y'], {}, square)
  const x = { shape: square, data: random(size * size, 2) }
  return { operations: 2 * size ** 3, run: async () => await multiply(x) }
}

/** The recurrence of an LSTM alone: one LSTM op of onnxruntime with all hidden states `[step, 1, batch, unit]`, nothing around it. x `[step, batch, feature]`. */
export async function bareLstm (onnx, { kernel, recurrent_kernel: recurrent, bias }) {
  const [inputs, width] = kernel.shape
  const units = width / 4
  // Rows of units by gate: Keras' i, f, c, o become i, o, f, c.
  const order = [0, 3, 1, 2]
  const turned = ({ data, shape: [rows] }) => {
    const out = new Float32Array(data.length)
    for (const [to, from] of order.entries()) {
      for (let u = 0; u < units; u++) for (let r = 0; r < rows; r++) out[(to * units + u) * rows + r] = data[r * width + from * units + u]
    }
    return out
  }
  const both = new Float32Array(2 * width)
  for (const [to, from] of order.entries()) both.set(bias.data.subarray(from * units, (from + 1) * units), to * units)
  const constants = [['w', [1, width, inputs], turned(kernel)], ['r', [1, width, units], turned(recurrent)], ['b', [1, 2 * width], both]]
  return await oneNode(onnx, 'LSTM', [-1, -1, inputs], constants, ['y'], { hidden_size: units }, [-1, 1, -1, units])
}

/**
 * BlockLSTMV2 of tfjs-node with all its seven outputs read back. x `[step, batch, feature]`, as the op wants it: the rival is not charged for turning it.
 * Gives name -> Float32Array `[step, batch, unit]`.
 */
export async function blockLstm ({ kernel, recurrent_kernel: recurrent, bias }) {
  const { tf } = await loadEngine('tfjs')
  const backend = tf.backend()
  const { binding } = backend
  const units = recurrent.shape[0]
  const w = tf.concat([tf.tensor(kernel.data, kernel.shape), tf.tensor(recurrent.data, recurrent.shape)], 0)
  const b = tf.tensor(bias.data)
  const peephole = tf.zeros([units])
  const names = ['input', 'cell', 'forget', 'output', 'candidate', 'cell after tanh', 'hidden']
  const attributes = [
    { name: 'cell_clip', type: binding.TF_ATTR_FLOAT, value: 0 },
    { name: 'use_peephole', type: binding.TF_ATTR_BOOL, value: false },
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }
  ]
  return ({ data, shape: [steps, batch, inputs] }) => {
    // tf.tidy would look for tensors in every number that it gives back.
    tf.engine().startScope()
    const first = tf.zeros([batch, units])
    const handles = backend.getInputTensorIds([tf.tensor(data, [steps, batch, inputs]), first, first, w, peephole, peephole, peephole, b])
    // A whole number of 64 bits, which tfjs-core does not have.
    const length = binding.createTensor([], binding.TF_INT64, Int32Array.of(steps, 0))
    const outputs = binding.executeOp('BlockLSTMV2', attributes, [length, ...handles], names.length).map((metadata) => backend.createOutputTensor(metadata))
    binding.deleteTensor(length)
    const read = Object.fromEntries(outputs.map((output, n) => [names[n], output.dataSync()]))
    tf.engine().endScope()
    return read
  }
}
