import { mapStates, runPlan, type Given } from '../layers/run-plan.ts'
import type { Layer, ModelFile } from '../model.ts'
import type { Batch } from '../request/probe.ts'
import { clampsByNode } from '../run/clamps.ts'
import { batchAxisOps, same, type Sequences } from './batch-axis.ts'
import type { Plan } from './plan.ts'

/** Sizes that stand for any: those of the batch, and of every axis that a model leaves open. */
const [anyBatch, anySteps] = [10_007, 997]

/** The shape of an input of any batch and any length. */
export const anyShape = (shape: readonly (number | null)[]): number[] => shape.map((size, axis) => axis === 0 ? anyBatch : size ?? anySteps)

const proved = new WeakMap<Plan, Map<string, boolean>>()

/**
 * Does what a plan gives for one sequence provably not depend on the others of its batch? Then sequences of several requests may run as one batch
 * and be given apart again. False where an op of the plan's layers could mix them (a mean over the batch, steps before the batch), or where the sizes
 * of the file fit no batch but its own. Pure, and kept for each plan and set of initial states.
 */
export function independent (file: ModelFile, plan: Plan, initial: Batch['initial']): boolean {
  const key = Object.entries(initial).flatMap(([key, states]) => Object.keys(states).map((name) => JSON.stringify([key, name]))).sort().join()
  const known = proved.get(plan) ?? new Map<string, boolean>()
  proved.set(plan, known)
  const answer = known.get(key) ?? prove(file, plan, initial)
  known.set(key, answer)
  return answer
}

function prove (file: ModelFile, plan: Plan, initial: Batch['initial']): boolean {
  try {
    const { layers, outputs } = follow(file, plan, file.graph.inputs.map(({ shape }) => anyShape(shape)), mapStates(initial, ({ shape }) => anyShape(shape)))
    return [...layers.flatMap((tensors) => [...tensors.values()]), ...outputs].every(({ shape, batch, merged }) => batch === 0 && merged.length === 0 && shape[0] === anyBatch)
  } catch {
    return false
  }
}

/** Where the sequences of a batch lie in all that a plan gives, and its shapes, for inputs and states of these shapes. Throws where sequences are mixed, or sizes do not fit. */
export function follow (file: ModelFile, plan: Plan, inputs: readonly (readonly number[])[], initial: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>): Given<Sequences> {
  const batched = (shape: readonly number[]): Sequences => ({ shape, batch: 0, merged: [] })
  const weightsOf = ({ weights }: Layer): Record<string, Sequences> => Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, same(shape)]))
  return runPlan(batchAxisOps(), weightsOf, file, plan, inputs.map(batched), mapStates(initial, batched), clampsByNode(plan.clamps ?? []))
}
