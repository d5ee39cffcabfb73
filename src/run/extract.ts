import { runGraph } from '../layers/graph.ts'
import type { Evidence } from '../layers/layer.ts'
import type { ModelFile, Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Scaler } from '../registry/meta.ts'
import type { Batch } from '../request/probe.ts'
import type { Resident, Runtime } from './runtime.ts'
import { chooseSteps, takeSteps } from './steps.ts'

/** What a run gives, still without a receipt. */
export interface Extract<T> {
  readonly batch: number
  readonly layers: readonly { readonly key: string, readonly tensors: Readonly<Record<string, Values>>, readonly stepIndices?: readonly number[] }[]
  readonly outputs: readonly { readonly name: string, readonly values: Values }[]
  readonly evidence: readonly Evidence<T>[]
}

/** Runs a plan on an engine and reads back what it asks for. Call it inside the runtime's scope. */
export function extract<T> (runtime: Runtime<T>, resident: Resident<T>, file: ModelFile, plan: Plan, batch: Batch): Extract<T> {
  const { ops, read } = runtime
  const tensor = ({ shape, data }: Values): T => ops.constant(data, shape)
  const feeds = file.graph.inputs.map(({ name }) => ({ tensor: tensor(batch.inputs[name]), mask: null }))
  const wanted = Object.fromEntries(plan.layers.map(({ key, internals }) => [key, new Set(internals.map(({ name }) => name))]))
  const initial = Object.fromEntries(Object.entries(batch.initial).map(([key, states]) =>
    [key, Object.fromEntries(Object.entries(states).map(([name, values]) => [name, tensor(values)]))]))
  const results = runGraph({ ops, keras: file.keras, weightsOf: resident.weightsOf }, file.graph, plan.nodes, feeds, { wanted, initial })
  const layers = plan.layers.map(({ key, node, internals, outputs }) => {
    const result = results.get(node)!
    const tensors: Record<string, Values> = {}
    let stepIndices: number[] | undefined
    for (const { name, stepAxis } of internals) {
      const handle = result.internals?.[name]
      if (handle === undefined) continue
      const values = read(handle)
      if (stepAxis === null) {
        tensors[name] = values
        continue
      }
      const steps = chooseSteps(plan.steps, values.shape[stepAxis])
      if (steps !== null) stepIndices = steps
      tensors[name] = takeSteps(values, stepAxis, steps)
    }
    for (const { name, index } of outputs) tensors[name] = read(result.outputs[index])
    return { key, tensors, ...(stepIndices === undefined ? {} : { stepIndices }) }
  })
  return {
    batch: batch.size,
    layers,
    outputs: plan.outputs.map(({ name, node, index, undo }) => ({ name, values: unscale(read(results.get(node)!.outputs[index]), undo) })),
    evidence: [...results.values()].flatMap(({ evidence }) => evidence ?? [])
  }
}

/** y * scale + mean along the last axis. */
function unscale (values: Values, undo: Scaler | undefined): Values {
  if (undo === undefined) return values
  const { mean, scale } = undo
  return { shape: values.shape, data: values.data.map((y, n) => y * scale[n % scale.length] + mean[n % mean.length]) }
}
