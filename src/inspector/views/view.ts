import type { ComponentType } from 'preact'
import type { ModelAnswer } from '../api/wire.ts'
import type { Given } from '../state/model.ts'

/** One way to look at a model. */
export interface View {
  /** Stands in the address: `?view=states`. */
  readonly id: string
  readonly title: string
  /** What it answers, in the reader's words. */
  readonly question: string
  /** Whether it means anything for `model`; the others are not offered. */
  readonly fits: (model: ModelAnswer) => boolean
  readonly Component: ComponentType<ViewProps>
}

export interface ViewProps { readonly model: ModelAnswer, readonly given: Given }
