import type { ModelFile } from '../model.ts'
import type { Place } from './folders.ts'
import type { Meta } from './meta.ts'

/** What the self-check of a model at load, or of one answer, found. */
export interface Receipt {
  readonly engine: string
  /** What was compared, in words ('gates', 'states', 'float64', 'keras'). */
  readonly checked: readonly string[]
  readonly maxDifference: number
  readonly tolerance: number
  readonly sound: boolean
  /** Why the model is computed by a slower or less exact engine, where that is so. */
  readonly warning?: string
}

/** One version of one model as the registry knows it. */
export interface Entry {
  /** Under which the pool knows it: `<id>/<version>`, and something after it where it is not the first copy of that version. */
  readonly key: string
  readonly id: string
  readonly version: number
  /** `idle`: it can be asked, and is brought back onto the engines then. */
  status: 'ready' | 'loading' | 'refused' | 'unsound' | 'unloaded' | 'idle'
  /** Why it is not served, and what to do. */
  reason?: string
  /** `sha256:...` over the model's files; '' where they could not be read. */
  readonly digest: string
  readonly file: ModelFile | null
  readonly meta: Meta
  /** Where it lies; left out where it lies nowhere. */
  readonly place?: Place
  /** It was uploaded, and its files are those that were stored. */
  readonly stored?: boolean
  /** It was uploaded and has been damaged since: other versions of the model serve in its place. */
  readonly aside?: boolean
  receipt?: Receipt
}

/** One that can be asked. */
export interface Served extends Entry { readonly file: ModelFile }
