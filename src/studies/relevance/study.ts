import type { Values } from '../../model.ts'
import type { MemoryPlan } from '../../plan/memory.ts'
import type { StepInput } from '../../plan/step-inputs.ts'
import type { Target } from '../../plan/target.ts'
import type { Scaler } from '../../registry/meta.ts'

/** The methods that an answer can be asked for. */
export const methods = ['shapley', 'insertion', 'integrated-gradients', 'occlusion', 'memory'] as const
export type Method = typeof methods[number]

/** "How much does the net take from t-1, t-2, ...?" of the one output of the plan. */
export interface Relevance {
  readonly kind: 'relevance'
  readonly methods: readonly Method[]
  /** How many steps, counted from the last one, stand for themselves. */
  readonly window: number
  /** The inputs whose steps are explained, all of as many steps; the others stay as they are. */
  readonly inputs: readonly StepInput[]
  /** By name of these inputs, `[1 | batch, step, ...]`: what stands in for a step that is not there. */
  readonly baseline: { readonly kind: 'mean' | 'zeros' | 'masked' | 'given', readonly values: Readonly<Record<string, Values>> }
  readonly target: Target
  /** The steps of the output, where it has any, are those of the inputs: it is explained at t-1. Else it is at its own last step. */
  readonly stepwise: boolean
  /** The units of the data, where the request speaks in them. */
  readonly scaler: { readonly inputs?: Scaler, readonly outputs?: Scaler } | null
  /** For `memory`. */
  readonly memory: MemoryPlan | null
}

/** Runs of single sequences that one request may take, steps in all of them, and steps that gradients may go back through: seconds, for most models. */
export const limits = { rows: 2 ** 16, steps: 2 ** 22, gradientSteps: 2 ** 17 } as const

/** Points on the way from the baseline to the input at which integrated gradients begin. */
export const fewestNodes = 16

/** How many runs a set of methods takes: `players` steps of each of `batch` sequences may be there or not. */
export function rowsOf (asked: readonly Method[], players: number, batch: number): number {
  const subsets = asked.includes('shapley') ? 2 ** players : 0
  const few = asked.includes('insertion') || asked.includes('occlusion') ? 2 * players + 2 : 0
  return batch * (2 + Math.max(subsets, few))
}
