import type { Ops } from '../ops/ops.ts'
import type { Clamp } from '../cells/held.ts'
import type { Read } from '../cells/recurrent.ts'
import type { Layer } from '../model.ts'

/** All that a layer sees of one call. Pure: the same call gives the same result. */
export interface LayerCall<T> {
  readonly ops: Ops<T>
  readonly layer: Layer
  /** Whose rules decide where Keras 1, 2 and 3 differ. */
  readonly keras: 1 | 2 | 3
  /** The layer's own weights by Keras' short names, as handles. */
  readonly weights: Readonly<Record<string, T>>
  /** The same for a layer inside this one. */
  readonly weightsOf: (child: Layer) => Readonly<Record<string, T>>
  /** The first argument's tensors, flattened in order (one for most layers), then those of further positional arguments. */
  readonly inputs: readonly T[]
  /** One an input; null: not masked. `[batch, step]` booleans. */
  readonly masks: readonly (T | null)[]
  /**
   * Tensors given by name (`initial_state`, `value`, `key`, `mask`, ...), with the masks they carry; `places` says where each stands in a
   * list that holds None too (`mask=[None, m]`).
   */
  readonly named: Readonly<Record<string, { readonly tensors: readonly T[], readonly masks: readonly (T | null)[], readonly places?: readonly number[] }>>
  /** Plain values given at the call by name (`axes`, `use_causal_mask`, ...), or by place (`'1'`). */
  readonly values: Readonly<Record<string, unknown>>
  /** Names of the internals asked for, relative to the layer (`hidden`, `gates/forget`, `forward/final/cell`); computed only if here. */
  readonly wanted: ReadonlySet<string>
  /** Of the per-step internals only the last step, in input time, is wanted. */
  readonly lastStep: boolean
  /** States the request brings for this layer, by relative name (`hidden`, `forward/cell`, `cells/0/hidden`), `[batch, unit]`. */
  readonly initial: Readonly<Record<string, T>>
  /** What of this layer is kept at a value, by relative name (`gates/forget`, `forward/cell`); nothing where it is not given. */
  readonly clamps?: Clamps
  /** Runs a layer inside this one (a wrapper's child) on its own call. */
  readonly run: (child: Layer, call: ChildCall<T>) => LayerResult<T>
}

export interface ChildCall<T> {
  readonly inputs: readonly T[]
  readonly masks: readonly (T | null)[]
  readonly named?: LayerCall<T>['named']
  readonly values?: LayerCall<T>['values']
  readonly wanted?: ReadonlySet<string>
  readonly initial?: Readonly<Record<string, T>>
  readonly clamps?: Clamps
}

/** Clamps by the name of the gate or state that they are for. */
export type Clamps = Readonly<Record<string, readonly Clamp[]>>

export interface LayerResult<T> {
  readonly outputs: readonly T[]
  /** One an output. */
  readonly masks: readonly (T | null)[]
  /** Inputs whose mask is gone for every layer that reads them later. */
  readonly unmasked?: readonly T[]
  /** The asked internals by relative name. */
  readonly internals?: Readonly<Record<string, T>>
  /** What the receipt needs to check this call again, one a cell run. */
  readonly evidence?: readonly Evidence<T>[]
}

/** One run of a cell: what it read and became, and what of it the layer gives back. The receipt holds the one against the other. */
export interface Evidence<T> {
  /** Where in the layer: '' for a plain one, `forward`, `cells/0`, `backward/cells/1`. */
  readonly at: string
  readonly layer: Layer
  readonly run: Read<T>
  /** The internals as given back, `[batch, step, unit]`, by name without `at`: `hidden`, `gates/forget`, `final/cell`. */
  readonly returned: Readonly<Record<string, T>>
}

export type LayerFunction = <T>(call: LayerCall<T>) => LayerResult<T>
