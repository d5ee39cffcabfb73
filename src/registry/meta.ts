/** `statescope.json`: what a model's numbers mean. Every key is optional; models/README.md has the exact semantics. */
export interface Meta {
  readonly description?: string
  /** Names of the last input axis. */
  readonly features?: readonly string[]
  /** Names of the output's last axis, or by output name. */
  readonly outputLabels?: readonly string[] | Readonly<Record<string, readonly string[]>>
  /** `raw` inputs become (x - mean) / scale; outputs go back as y * scale + mean. */
  readonly scaler?: { readonly inputs?: Scaler, readonly outputs?: Scaler }
  readonly trainingMean?: unknown
  readonly text?: TextCoding
  readonly sample?: { readonly inputs: unknown, readonly raw?: boolean }
  /** Outputs that Keras itself recorded, checked when the model is loaded. */
  readonly expected?: { readonly inputs: unknown, readonly outputs: Readonly<Record<string, unknown>>, readonly tolerance?: number }
}

export interface Scaler { readonly mean: readonly number[], readonly scale: readonly number[] }

export interface TextCoding {
  readonly alphabet: readonly string[]
  readonly encoding: 'one-hot' | 'ids'
  readonly lowercase?: boolean
  /** The character that one outside the alphabet becomes; null: a step of zeros; absent: refused. */
  readonly unknown?: string | null
  /** The character put on the left of a text shorter than maxlen; null: steps of zeros; absent: refused. */
  readonly pad?: string | null
  readonly maxlen: number
}
