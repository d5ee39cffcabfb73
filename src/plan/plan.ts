import type { StepChoice } from '../request/probe.ts'
import type { Scaler } from '../registry/meta.ts'

/**
 * A probe checked against a model: what to run and what to give back, in plain data that crosses threads. This is Keras'
 * `keras_model(inputs, get_layer(...).output)` for any set of tensors: only the nodes that the asked tensors need are in it.
 */
export interface Plan {
  /** Indices into `Graph.nodes`, in running order. */
  readonly nodes: readonly number[]
  /** The layers of the answer, in its order. */
  readonly layers: readonly PlannedLayer[]
  readonly steps: StepChoice
  /** The model's outputs to give back; empty when not asked. */
  readonly outputs: readonly PlannedOutput[]
  /** What is kept at a value in a second run of the same plan, which gives the same tensors; there is none where this is not given. */
  readonly clamps?: readonly PlannedClamp[]
}

export interface PlannedClamp {
  readonly node: number
  readonly key: string
  /** By relative name: `gates/forget`, `forward/cell`. */
  readonly name: string
  /** null: all. */
  readonly units: readonly number[] | null
  readonly steps: Exclude<StepChoice, 'last'>
  /** One for all units, or one for each of them. */
  readonly value: number | readonly number[]
  /** Where the request says so. */
  readonly pointer: string
}

export interface PlannedLayer {
  /** The node's key: the layer's key in the answer. */
  readonly key: string
  readonly node: number
  readonly type: string
  readonly units: number | null
  /** Axis words of its per-step tensors; null for a layer without steps of its own. */
  readonly axes: readonly string[] | null
  /** Internals by relative name (`hidden`, `gates/forget`, `forward/final/cell`, `mask`). */
  readonly internals: readonly PlannedInternal[]
  /** The layer's own output, named `output` (`output` , `output_1`, ... where it gives several). */
  readonly outputs: readonly { readonly name: string, readonly index: number }[]
}

export interface PlannedInternal {
  readonly name: string
  /** The axis that `steps` selects on; null for `final`. */
  readonly stepAxis: number | null
}

export interface PlannedOutput {
  readonly name: string
  readonly node: number
  readonly index: number
  readonly undo?: Scaler
}
