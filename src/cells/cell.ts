import type { FusedCell, Ops } from '../ops/ops.ts'
import type { Layer } from '../model.ts'

/** A cell bound to its weights on an engine. */
export interface CellCall<T> {
  readonly ops: Ops<T>
  /** The layer or cell whose config is read: `LSTM` and `LSTMCell` alike. */
  readonly layer: Layer
  readonly keras: 1 | 2 | 3
  /** Keras' short names: `kernel`, `recurrent_kernel`, `bias` (absent with use_bias false). */
  readonly weights: Readonly<Record<string, T>>
  /** What a gate or a state, by its name, is to be in place of what it became: after its activation, after the update. Whatever follows from it follows from that. */
  readonly hold?: (name: string, value: T) => T
}

/** One value a gate, by the gate's name. */
export type ByGate<T> = Readonly<Record<string, T>>

export interface Gates<T> {
  /** After their activation. */
  readonly gates: ByGate<T>
  /** Before it: input, recurrent and bias parts added up. */
  readonly preactivations: ByGate<T>
}

/** What a gate's pre-activation is made of; the three add up to it. */
export interface Contribution<T> { readonly input: T, readonly recurrent: T, readonly bias: T }

/**
 * A recurrent cell: its equations, each written once. `project` does the part that needs no past for all steps in one product;
 * `gates` and `update` are apart and accept one step `[batch, ...]` or all steps at once `[step, batch, ...]`, so the same lines run
 * the loop, give the gates of all steps in one call, and check an answer again.
 */
export interface Cell {
  /** `hidden` first; it is also the cell's output. */
  readonly states: readonly string[]
  /** In the order of the kernel's blocks, with Keras' letter for each. */
  readonly gates: readonly { readonly letter: string, readonly gate: string }[]
  /** x `[step, batch, feature]` -> `[step, batch, gate * unit]`, input bias included. */
  project: <T>(call: CellCall<T>, x: T) => T
  /** projected and states of one step or of all; states are those *before* the step. */
  compute: <T>(call: CellCall<T>, projected: T, states: readonly T[]) => Gates<T>
  /** States after the step, from its gates and the states before it. */
  update: <T>(call: CellCall<T>, gates: ByGate<T>, states: readonly T[]) => T[]
  /** What a kernel for the whole recurrence has to know; undefined for a cell that none knows. */
  fusion?: <T>(call: CellCall<T>) => Pick<FusedCell<T>, 'kind' | 'biases' | 'resetAfter'>
  /** Each gate's pre-activation in its three parts; x is not projected. */
  contributions: <T>(call: CellCall<T>, x: T, states: readonly T[], gates: ByGate<T>) => Readonly<Record<string, Contribution<T>>>
}
