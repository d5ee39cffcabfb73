import type { Values } from '../../model.ts'

/** The methods that an answer can be asked for, in the order in which they are told. */
export const methods = ['insertion', 'occlusion'] as const
export type Method = typeof methods[number]

/** "How much does the net take from t-1, t-2, ...?", of the first output of the plan. */
export interface Relevance {
  readonly kind: 'relevance'
  readonly methods: readonly Method[]
  /** How many steps, counted from the last one, stand for themselves. */
  readonly window: number
  /** By name of the inputs whose steps are explained, `[1 | batch, step, ...]`: what stands in for a step that is not there. Other inputs stay as they are. */
  readonly baseline: Readonly<Record<string, Values>>
  /** `[batch, step]`, 0 where the model masks a step: it stays as it is, and has no relevance. Null: every step counts. */
  readonly counts: Uint8Array | null
  /** The entry of the output's last axis; of the last step where it has steps. */
  readonly index: number
}
