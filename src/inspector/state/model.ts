import { signal } from '@preact/signals'
import type { Inputs, ModelAnswer, ModelLine } from '../api/wire.ts'

/** What the service serves, as GET /models says it; null before it answered. */
export const models = signal<readonly ModelLine[] | null>(null)

/** Does the service take uploads? */
export const uploads = signal(false)

/** The model that is looked at; null while there is none. */
export const model = signal<ModelAnswer | null>(null)

/** Sequences for the model: its sample, or what the reader gave. */
export interface Given {
  /** As POST /predict takes it. */
  readonly inputs: Inputs
  readonly raw: boolean
  /** What these are, for the reader: `its sample`, `days.csv`. */
  readonly name: string
  readonly source: 'sample' | 'given'
}

/** What every view computes with; null while there is none. */
export const given = signal<Given | null>(null)

/** The part of a request's body that says which model and which inputs. */
export function bodyOf (model: ModelAnswer, given: Given): { model: string, version: number, inputs: Inputs, raw?: true } {
  return { model: model.id, version: model.version, inputs: given.inputs, ...given.raw ? { raw: true as const } : {} }
}
