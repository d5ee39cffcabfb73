import type { Tensor } from 'onnxruntime-node'
import { mapStates, runPlan, type Given } from '../layers/run-plan.ts'
import type { ModelFile, Values } from '../model.ts'
import { constants } from '../ops/constants.ts'
import { Builder, type Value } from '../ops/onnx/builder.ts'
import { onnxOps } from '../ops/onnx/ops.ts'
import { encodeModel, type ValueInfo } from '../ops/onnx/proto.ts'
import type { OnnxRuntime } from '../ops/onnx/runtime.ts'
import type { Ops } from '../ops/ops.ts'
import type { Plan } from '../plan/plan.ts'
import type { Batch } from '../request/probe.ts'
import { finish, lastStepRead, type Traced } from './extract.ts'
import { distance, finite } from './receipt.ts'
import { checking, type Verdict } from './sampling.ts'

/**
 * A plan compiled to one ONNX graph: one call runs it all, at any length and any batch size (one sequence alone has a graph of its own). The plan given
 * to `run` is the one compiled, or differs from it in what is done with the arrays afterwards only: which steps (but `last`), its scaler.
 */
export interface Compiled {
  run: (plan: Plan, batch: Batch) => Promise<{ readonly traced: Traced } & Verdict>
  dispose: () => Promise<void>
}

/** A way to compile plans. */
export interface Compiler {
  readonly name: 'native' | 'onnx'
  /** Throws where it cannot; it may know only when the plan first runs. */
  compile: (file: ModelFile, plan: Plan, sample: Batch) => Promise<Compiled>
}

/** Plans as graphs of onnxruntime. */
export const byOnnx = (runtime: OnnxRuntime): Compiler => ({ name: 'onnx', compile: async (file, plan, sample) => await compile(runtime, file, plan, sample) })

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

/**
 * Compiles a plan, the receipt's own check of one sequence an answer with it, each in its turn. Predictions alone show none of the states that are checked, and the check costs
 * a short batch as much as the answer: there only some answers are, and the receipt says whose check it is. Throws where the runtime does not take it.
 */
export async function compile ({ ort, threads }: OnnxRuntime, file: ModelFile, compiled: Plan, sample: Batch): Promise<Compiled> {
  const { bytes, outputs, inputs } = write(file, compiled, sample)
  const { next, verdict } = checking(!inputs.has('check'))
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
      const { checked, sequence } = next(batch)
      if (inputs.has('check')) feed('check', { shape: [1], data: Float32Array.of(checked ? 1 : 0) })
      if (inputs.has('sequence')) feed('sequence', { shape: [1], data: Float32Array.of(sequence) })
      const results = await session.run(feeds)
      const read = (name: string): Values => {
        const { dims, data } = results[name] as Tensor & { data: Float32Array }
        return { shape: dims, data }
      }
      const traced = finish(plan, batch, (n, name) => outputs.has(`layer:${n}:${name}`) ? read(`layer:${n}:${name}`) : undefined, (n) => read(`out:${n}`), (n) => read(`last:${n}`).data[0])
      return { traced, ...verdict(checked, outputs.has('difference') ? read('difference').data[0] : undefined) }
    },
    dispose: async () => await session.release()
  }
}

/** What a plan asks for, as floats, each under the name by which `finish` finds it. */
export function asked<T> (ops: Ops<T>, plan: Plan, results: Given<T>['results'], layers: Given<T>['layers'], outputs: Given<T>['outputs']): { name: string, value: T }[] {
  const given: { name: string, value: T }[] = []
  const give = (name: string, value: T): void => { given.push({ name, value: ops.cast(value, 'float') }) }
  for (const [n, { node, internals }] of plan.layers.entries()) {
    for (const [name, value] of layers[n]) give(`layer:${n}:${name}`, value)
    if (plan.steps === 'last' && internals.some(({ stepAxis }) => stepAxis !== null)) give(`last:${n}`, lastStepRead(ops, results.get(node)!))
  }
  for (const [n, value] of outputs.entries()) give(`out:${n}`, value)
  return given
}

/** The graph's bytes, and the names of what it takes and gives. */
function write (file: ModelFile, plan: Plan, sample: Batch): { bytes: Uint8Array, inputs: ReadonlySet<string>, outputs: ReadonlySet<string> } {
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
  const given = asked(ops, plan, results, layers, outputs)
  const give = (name: string, value: Value): void => { given.push({ name, value: ops.cast(value, 'float') }) }
  const evidence = [...results.values()].flatMap(({ evidence }) => evidence ?? [])
  const check = (of: Value | null): Value => distance(ops, weightsOf, file.keras, evidence, { of, steps: () => null })!
  // A batch of one is that sequence.
  const one = sample.size === 1
  if (evidence.length > 0 && plan.layers.length === 0) {
    const sequence = one ? b.whole([0]) : input('sequence', [1])
    const asked = ops.cast(input('check', [1]), 'bool')
    give('difference', b.choose(asked, () => check(sequence), () => finite(ops, evidence)))
  } else if (evidence.length > 0) {
    // The check of one sequence alone shares what the answer computes.
    give('difference', check(one ? null : input('sequence', [1])))
  }
  return { bytes: encodeModel(b.graph(inputs, given)), inputs: new Set(inputs.map(({ name }) => name)), outputs: new Set(given.map(({ name }) => name)) }
}
