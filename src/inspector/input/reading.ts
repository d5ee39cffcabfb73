import type { Inputs, ModelAnswer } from '../api/wire.ts'

/** What was read of a file or of a typed text: inputs as a request has them, and what the reader shall know of how they came about. */
export interface Reading {
  readonly inputs: Inputs
  /** Whether they are in the data's own units, where the file says so. */
  readonly raw?: boolean
  readonly said: readonly string[]
}

/** What the readers of files need to know of a model. */
export type Takes = Pick<ModelAnswer, 'id' | 'version' | 'inputs' | 'features' | 'text'>

/** Something that cannot be read as inputs. The message is for the reader: the place, and what to do. */
export class Unreadable extends Error {}

/** `1 row`, `7 rows`. */
export const count = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`

/** Names for a sentence; a long list is cut, and says so. */
export const listed = (names: readonly string[]): string => names.slice(0, 12).join(', ') + (names.length > 12 ? ` and ${names.length - 12} more` : '')
