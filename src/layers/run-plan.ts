import type { ModelFile, Layer } from '../model.ts'
import type { Ops } from '../ops/ops.ts'
import type { Plan } from '../plan/plan.ts'
import { runGraph } from './graph.ts'
import type { Clamps, LayerResult } from './layer.ts'

/** What the layers of a plan give. */
export interface Given<T> {
  /** By node. */
  readonly results: ReadonlyMap<number, LayerResult<T>>
  /** For each layer of the plan what is asked of it, by relative name; a mask is not there where the layer has none. */
  readonly layers: readonly ReadonlyMap<string, T>[]
  /** The model's outputs that the plan asks for, in its order. */
  readonly outputs: readonly T[]
}

/**
 * Runs a plan's layers on an op set: one that computes, one that writes a graph, or one that only follows shapes. `inputs` stand in the order of the
 * model's; `initial` are states that the request brings, by layer and relative name; `clamps` what is kept at a value, by layer.
 */
export function runPlan<T> (ops: Ops<T>, weightsOf: (layer: Layer) => Readonly<Record<string, T>>, { graph, keras }: ModelFile, plan: Plan, inputs: readonly T[], initial: Readonly<Record<string, Readonly<Record<string, T>>>>, clamps?: ReadonlyMap<string, Clamps>): Given<T> {
  const wanted = new Map(plan.layers.map(({ key, internals }) => [key, new Set(internals.map(({ name }) => name))]))
  const results = runGraph({ ops, keras, weightsOf, lastStep: plan.steps === 'last' }, graph, plan.nodes, inputs.map((tensor) => ({ tensor, mask: null })), { wanted, initial: new Map(Object.entries(initial)), clamps })
  const layers = plan.layers.map(({ node, internals, outputs }) => {
    const result = results.get(node)!
    return new Map([
      ...internals.flatMap(({ name }): [string, T][] => result.internals?.[name] === undefined ? [] : [[name, result.internals[name]]]),
      ...outputs.map(({ name, index }): [string, T] => [name, result.outputs[index]])
    ])
  })
  return { results, layers, outputs: plan.outputs.map(({ node, index }) => results.get(node)!.outputs[index]) }
}

/** Each state that a request brings, by layer and relative name, as something else. */
export function mapStates<A, B> (initial: Readonly<Record<string, Readonly<Record<string, A>>>>, to: (state: A, key: string, name: string) => B): Record<string, Record<string, B>> {
  return Object.fromEntries(Object.entries(initial).map(([key, states]) => [key, Object.fromEntries(Object.entries(states).map(([name, state]) => [name, to(state, key, name)]))]))
}
