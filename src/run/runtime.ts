import type { Layer, Values } from '../model.ts'
import type { Ops } from '../ops/ops.ts'

/** An engine as a run needs it: its ops, its way out to plain arrays, and a model's weights as its handles. */
export interface Runtime<T> {
  readonly ops: Ops<T>
  /** Booleans come as 0 and 1. */
  readonly read: (x: T) => Values
  /** Runs `work` and frees every tensor made in it. */
  readonly scope: <R>(work: () => R) => R
}

/** A model whose weights are on an engine. */
export interface Resident<T> {
  readonly weightsOf: (layer: Layer) => Readonly<Record<string, T>>
  readonly dispose: () => void
}
