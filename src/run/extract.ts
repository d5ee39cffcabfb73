import type { Evidence, LayerResult } from '../layers/layer.ts'
import { mapStates, runPlan } from '../layers/run-plan.ts'
import type { ModelFile, Values } from '../model.ts'
import type { Ops } from '../ops/ops.ts'
import type { Plan, PlannedClamp } from '../plan/plan.ts'
import type { Scaler } from '../registry/meta.ts'
import type { Batch } from '../request/probe.ts'
import { clampsByNode } from './clamps.ts'
import type { Resident, Runtime } from './runtime.ts'
import { chooseSteps, takeSteps } from './steps.ts'

/** What a run gives, still without a receipt. */
export interface Traced {
  readonly batch: number
  /** Steps of the first input that has any; null where none has. */
  readonly steps: number | null
  readonly layers: readonly { readonly key: string, readonly tensors: Readonly<Record<string, Values>>, readonly stepIndices?: readonly number[] }[]
  readonly outputs: readonly { readonly name: string, readonly values: Values }[]
  /** The same of a second run, in which the plan's clamps held. */
  readonly intervened?: Pick<Traced, 'layers' | 'outputs'>
}

export interface Extract<T> {
  readonly traced: Traced
  readonly evidence: readonly Evidence<T>[]
}

/** Runs a plan on an engine, op by op, and reads back what it asks for; with `clamps`, those hold in the run. Call it inside the runtime's scope. */
export function extract<T> (runtime: Runtime<T>, resident: Resident<T>, file: ModelFile, plan: Plan, batch: Batch, clamps: readonly PlannedClamp[] = []): Extract<T> {
  const { ops, read } = runtime
  const tensor = ({ shape, data }: Values): T => ops.constant(data, shape)
  const inputs = file.graph.inputs.map(({ name }) => tensor(batch.inputs[name]))
  const { results, layers, outputs } = runPlan(ops, resident.weightsOf, file, plan, inputs, mapStates(batch.initial, tensor), clampsByNode(clamps))
  const traced = finish(plan, batch, (n, name) => {
    const handle = layers[n].get(name)
    return handle === undefined ? undefined : read(handle)
  }, (n) => read(outputs[n]), (n) => read(lastStepRead(ops, results.get(plan.layers[n].node)!)).data[0])
  return { traced, evidence: [...results.values()].flatMap(({ evidence }) => evidence ?? []) }
}

/** The last step that a layer's cell read, as a number `[1]`. */
export const lastStepRead = <T>(ops: Ops<T>, { evidence }: LayerResult<T>): T => ops.slice(ops.range(evidence![0].run.x, 0), 0, -1)

/**
 * The arrays of an answer from what an engine gives: `layer(n, name)` an internal or output of the nth layer of the plan (undefined where the
 * run had none, as a mask), `output(n)` the model's nth output. With steps `last` an engine gives that step alone, and `lastStep(n)` says which it is.
 */
export function finish (plan: Plan, batch: Batch, layer: (n: number, name: string) => Values | undefined, output: (n: number) => Values, lastStep: (n: number) => number): Traced {
  const layers = plan.layers.map(({ key, internals, outputs }, n) => {
    const tensors: Record<string, Values> = {}
    let stepIndices: number[] | undefined
    for (const { name, stepAxis } of internals) {
      const values = layer(n, name)
      if (values === undefined) continue
      if (stepAxis === null) {
        tensors[name] = values
        continue
      }
      if (plan.steps === 'last') {
        stepIndices ??= [lastStep(n)]
        tensors[name] = values
        continue
      }
      const steps = chooseSteps(plan.steps, values.shape[stepAxis])
      if (steps !== null) stepIndices = steps
      tensors[name] = takeSteps(values, stepAxis, steps)
    }
    for (const { name } of outputs) tensors[name] = layer(n, name)!
    return { key, tensors, ...(stepIndices === undefined ? {} : { stepIndices }) }
  })
  // A step axis is the second of an input that a recurrent layer reads; without such a layer nobody can tell.
  const steps = plan.layers.some(({ axes }) => axes !== null) ? Object.values(batch.inputs).find(({ shape }) => shape.length > 1)?.shape[1] ?? null : null
  return { batch: batch.size, steps, layers, outputs: plan.outputs.map(({ name, undo }, n) => ({ name, values: unscale(output(n), undo) })) }
}

/** y * scale + mean along the last axis. */
function unscale (values: Values, undo: Scaler | undefined): Values {
  if (undo === undefined) return values
  const { mean, scale } = undo
  return { shape: values.shape, data: values.data.map((y, n) => y * scale[n % scale.length] + mean[n % mean.length]) }
}
