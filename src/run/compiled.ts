import type { Tensor } from 'onnxruntime-node'
import { mapStates, runPlan } from '../layers/run-plan.ts'
import type { ModelFile, Values } from '../model.ts'
import { constants } from '../ops/onnx/constants.ts'
import { Builder, type Value } from '../ops/onnx/builder.ts'
import { onnxOps } from '../ops/onnx/ops.ts'
import { encodeModel, type ValueInfo } from '../ops/onnx/proto.ts'
import type { OnnxRuntime } from '../ops/onnx/runtime.ts'
import type { Plan } from '../plan/plan.ts'
import type { Batch } from '../request/probe.ts'
import { finish, lastStepRead, type Traced } from './extract.ts'
import { distance } from './receipt.ts'

/**
 * A plan compiled to one ONNX graph: one call runs it all, at any length and any batch size (one sequence alone has a graph of its own). The plan given
 * to `run` is the one compiled, or differs from it in what is done with the arrays afterwards only: which steps (but `last`), its scaler.
 */
export interface Compiled {
  run: (plan: Plan, batch: Batch) => Promise<{ traced: Traced, difference: number | null }>
  dispose: () => Promise<void>
}

const keys = new WeakMap<Plan, string>()

/** What of a plan and of a batch (is it one sequence, what states does it bring) makes the graph. Not its clamps: what is compiled is the run without them. */
export function graphKey (plan: Plan, batch: Batch): string {
  let key = keys.get(plan)
  if (key === undefined) {
    const { nodes, layers, outputs, steps } = plan
    key = JSON.stringify([nodes, layers.map(({ node, internals, outputs }) => [node, internals.map(({ name }) => name), outputs]), outputs.map(({ node, index }) => [node, index]), steps === 'last'])
    keys.set(plan, key)
  }
  const states = Object.entries(batch.initial).flatMap(([layer, states]) => Object.keys(states).map((name) => `${layer}/${name}`)).sort()
  return `${key} ${batch.size === 1 ? 'one' : 'many'} ${JSON.stringify(states)}`
}

/** Compiles a plan, the receipt's own check of one sequence an answer with it, each in its turn. Throws where the runtime does not take it. */
export async function compile ({ ort, threads }: OnnxRuntime, file: ModelFile, compiled: Plan, sample: Batch): Promise<Compiled> {
  const { bytes, outputs } = write(file, compiled, sample)
  let answers = 0
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    // Threads that wait for work sleep: there are other models, and the server itself.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    graphOptimizationLevel: 'all',
    // Warnings about folded constants and unused initializers are of no use to who runs the service.
    logSeverityLevel: 3
  })
  return {
    run: async (plan, batch) => {
      const feeds: Record<string, Tensor> = {}
      const feed = (name: string, { shape, data }: Values): void => { feeds[name] = new ort.Tensor('float32', data, shape) }
      for (const [name, values] of Object.entries(batch.inputs)) feed(`in:${name}`, values)
      for (const [key, states] of Object.entries(batch.initial)) for (const [name, values] of Object.entries(states)) feed(`state:${key}/${name}`, values)
      if (batch.size > 1) feed('sequence', { shape: [1], data: Float32Array.of(answers++ % batch.size) })
      const results = await session.run(feeds)
      const read = (name: string): Values => {
        const { dims, data } = results[name] as Tensor & { data: Float32Array }
        return { shape: dims, data }
      }
      const traced = finish(plan, batch, (n, name) => outputs.has(`layer:${n}:${name}`) ? read(`layer:${n}:${name}`) : undefined, (n) => read(`out:${n}`), (n) => read(`last:${n}`).data[0])
      return { traced, difference: outputs.has('difference') ? read('difference').data[0] : null }
    },
    dispose: async () => await session.release()
  }
}

/** The graph's bytes, and the names of what it gives. */
function write (file: ModelFile, plan: Plan, sample: Batch): { bytes: Uint8Array, outputs: ReadonlySet<string> } {
  const b = new Builder()
  const ops = onnxOps(b)
  const weightsOf = constants(b)
  const inputs: ValueInfo[] = []
  const input = (name: string, shape: readonly number[]): Value => {
    inputs.push({ name, type: 'float', shape })
    return { name, type: 'float', shape }
  }
  const batch = sample.size === 1 ? 1 : -1
  const feeds = file.graph.inputs.map(({ name, shape }) => input(`in:${name}`, shape.map((size, axis) => axis === 0 ? batch : size ?? -1)))
  const initial = mapStates(sample.initial, ({ shape }, key, name) => input(`state:${key}/${name}`, shape.with(0, batch)))
  const { results, layers, outputs } = runPlan(ops, weightsOf, file, plan, feeds, initial)
  const given: { name: string, value: Value }[] = []
  const give = (name: string, value: Value): void => { given.push({ name, value: ops.cast(value, 'float') }) }
  for (const [n, { node, internals }] of plan.layers.entries()) {
    for (const [name, value] of layers[n]) give(`layer:${n}:${name}`, value)
    if (plan.steps === 'last' && internals.some(({ stepAxis }) => stepAxis !== null)) give(`last:${n}`, lastStepRead(ops, results.get(node)!))
  }
  for (const [n, value] of outputs.entries()) give(`out:${n}`, value)
  // A batch of one is that sequence, and its check shares what the answer computes.
  const sequence = sample.size === 1 ? null : input('sequence', [1])
  const far = distance(ops, weightsOf, file.keras, [...results.values()].flatMap(({ evidence }) => evidence ?? []), { of: sequence })
  if (far !== null) give('difference', far)
  return { bytes: encodeModel(b.graph(inputs, given)), outputs: new Set(given.map(({ name }) => name)) }
}
