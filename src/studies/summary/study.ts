import type { StepChoice } from '../../request/probe.ts'
import type { Thresholds } from './moments.ts'

/** An input that a layer reads step by step: its last axis are features, or it is token ids. */
export interface Followed { readonly input: string, readonly tokens: number | null }

/** Statistics of the tensors of a plan, in place of the tensors. The plan is one of all steps: `steps` are chosen here. */
export interface SummaryStudy extends Thresholds {
  readonly kind: 'summary'
  readonly by: 'all' | 'step'
  readonly steps: StepChoice
  /** No sequence's states depend on the others of the batch: it may be run in parts. */
  readonly independent: boolean
  /** By layer key. */
  readonly followed: Readonly<Record<string, readonly Followed[]>>
}
