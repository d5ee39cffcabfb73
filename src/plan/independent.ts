import { runGraph } from '../layers/graph.ts'
import type { Layer, ModelFile } from '../model.ts'
import type { Batch } from '../request/probe.ts'
import { batchAxisOps, same, type Sequences } from './batch-axis.ts'
import type { Plan } from './plan.ts'

/** Sizes that stand for any: those of the batch, and of every axis that a model leaves open. */
const [anyBatch, anySteps] = [10_007, 997]

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

function prove ({ graph, keras }: ModelFile, plan: Plan, initial: Batch['initial']): boolean {
  const batched = (shape: readonly (number | null)[]): Sequences => ({ shape: shape.map((size, axis) => axis === 0 ? anyBatch : size ?? anySteps), batch: 0, merged: [] })
  const weightsOf = ({ weights }: Layer): Record<string, Sequences> => Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, same(shape)]))
  const feeds = graph.inputs.map(({ shape }) => ({ tensor: batched(shape), mask: null }))
  const wanted = new Map(plan.layers.map(({ key, internals }) => [key, new Set(internals.map(({ name }) => name))]))
  const states = new Map(Object.entries(initial).map(([key, states]) => [key, Object.fromEntries(Object.entries(states).map(([name, { shape }]) => [name, batched(shape)]))]))
  try {
    const results = runGraph({ ops: batchAxisOps(), keras, weightsOf }, graph, plan.nodes, feeds, { wanted, initial: states })
    const given = [
      ...plan.layers.flatMap(({ node, internals, outputs }) => {
        const result = results.get(node)!
        return [...internals.flatMap(({ name }) => result.internals?.[name] ?? []), ...outputs.map(({ index }) => result.outputs[index])]
      }),
      ...plan.outputs.map(({ node, index }) => results.get(node)!.outputs[index])
    ]
    return given.every(({ shape, batch, merged }) => batch === 0 && merged.length === 0 && shape[0] === anyBatch)
  } catch {
    return false
  }
}
