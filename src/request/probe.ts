import type { Values } from '../model.ts'

export const tensorKinds = ['hidden', 'cell', 'gates', 'final', 'output', 'preactivations', 'contributions'] as const
export type TensorKind = typeof tensorKinds[number]
export const defaultKinds: readonly TensorKind[] = ['hidden', 'cell', 'gates', 'final']

/** Which steps of per-step tensors: 0-based input steps, negatives from the end, `to` exclusive. */
export type StepChoice = 'all' | 'last' | readonly number[] | { readonly from?: number, readonly to?: number, readonly every?: number }

/** What a request asks for, before it is held against a model. */
export interface Probe {
  /** Layer keys; null: every recurrent layer. Empty: none (a prediction). */
  readonly layers: readonly string[] | null
  readonly tensors: readonly TensorKind[]
  readonly steps: StepChoice
  /** The prediction of the same run. */
  readonly outputs: boolean
  /** Undo the scaler of statescope.json on the outputs. */
  readonly raw: boolean
  /** What to keep at a value in a second run, whose outputs are given beside those of the first. */
  readonly intervene?: readonly Intervention[]
}

/** A gate or a state of a layer that is kept at a value. */
export interface Intervention {
  /** As the names of its tensors begin: `lstm`, `bi/forward`. */
  readonly layer: string
  readonly kind: 'gate' | 'state'
  readonly name: string
  /** null: all. */
  readonly units: readonly number[] | null
  readonly steps: Exclude<StepChoice, 'last'>
  /** One for all units, or one for each of `units`. */
  readonly value: number | readonly number[]
}

/** The numbers of a request, decoded and checked against the model's inputs. */
export interface Batch {
  /** By input name, `[batch, ...]`; every input of the model. */
  readonly inputs: Readonly<Record<string, Values>>
  /** By node key, then by state name relative to it (`hidden`, `forward/cell`), `[batch, unit]`. */
  readonly initial: Readonly<Record<string, Readonly<Record<string, Values>>>>
  readonly size: number
}
