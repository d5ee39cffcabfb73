import type { Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Receipt } from '../registry/entry.ts'

/** What a run gives back: the arrays a plan asked for, in the plan's order. */
export interface Trace {
  readonly batch: number
  /** Steps of the input; null for a model that reads none. */
  readonly steps: number | null
  /** One a layer of the plan. */
  readonly layers: readonly TracedLayer[]
  /** The model's outputs; empty when not asked. */
  readonly outputs: readonly { readonly name: string, readonly values: Values }[]
  /** The same tensors of a second run, in which what the plan clamps was kept. */
  readonly intervened?: Pick<Trace, 'layers' | 'outputs'>
  readonly receipt: Receipt
}

export interface TracedLayer {
  /** The node's key. */
  readonly key: string
  /**
   * By the name relative to the layer (`hidden`, `gates/forget`, `forward/final/cell`, `output`, `output_1`), in the order of the answer;
   * `mask` is `[batch, step]` of 0 and 1.
   */
  readonly tensors: Readonly<Record<string, Values>>
  /** The input steps that the per-step tensors hold, where the request chose some. */
  readonly stepIndices?: readonly number[]
}

/** Steps of the per-step tensors given back, by the first layer that has any, else those of the input; null where there are none. */
export function stepsOf (trace: Trace, plan: Plan): number | null {
  for (const [n, layer] of plan.layers.entries()) {
    for (const { name, stepAxis } of layer.internals) {
      const tensor = trace.layers[n].tensors[name]
      if (stepAxis !== null && tensor !== undefined) return tensor.shape[stepAxis]
    }
  }
  return trace.steps
}
