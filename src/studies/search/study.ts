/** Where units are above a threshold as they are in a selection. The plan gives the one tensor searched, `[batch, step, unit]`, and the layer's mask. */
export interface SearchStudy {
  readonly kind: 'search'
  readonly threshold: number
  /** Null: those above the threshold throughout the span. */
  readonly units: readonly number[] | null
  /** Steps from `from` on and before `to`, negatives from the end; null: units alone are given. */
  readonly span: { readonly sequence: number, readonly from: number, readonly to: number | null } | null
  /** Matches, at most. */
  readonly limit: number
  /** No sequence's states depend on the others of the batch: it may be run in parts. */
  readonly independent: boolean
}
