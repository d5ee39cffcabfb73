import type { Receipt } from '../../api/wire.ts'

/** What POST /relevance knows to do, in the order of the page. */
export const methods = ['shapley', 'insertion', 'integrated-gradients', 'occlusion', 'memory'] as const
export type Method = typeof methods[number]

export type ByLag<T> = Readonly<Record<string, T>>

export interface Told {
  readonly lags: ByLag<readonly number[]>
  readonly residual?: number
  readonly steps?: readonly (readonly number[])[]
  /** `[batch][step][feature]`; by input name where several are explained. */
  readonly features?: unknown
  readonly meaning?: string
  readonly layer?: string
  readonly initial?: readonly number[]
}

export interface LagSummary { readonly meanAbs: number | null, readonly share: number | null, readonly q05: number | null, readonly q95: number | null, readonly count: number }

/** What the page reads of an answer of POST /relevance. */
export interface RelevanceAnswer {
  readonly output: { readonly name: string, readonly index: number, readonly label?: string, readonly of: 'value' | 'logit' }
  readonly window: number
  readonly stepInputs: readonly string[]
  readonly lastStep?: readonly number[]
  readonly value: readonly number[]
  readonly baselineValue: readonly number[]
  readonly baseline: string
  readonly methods: Readonly<Record<string, Told>>
  readonly summary: ByLag<LagSummary>
  readonly receipt: Receipt
}

/** The lags that are steps of any of the sequences, in the order of time: `older`, ..., `t-2`, `t-1`. */
export const lagsInTime = ({ summary }: RelevanceAnswer): string[] => Object.keys(summary).filter((lag) => summary[lag].count > 0).reverse()
