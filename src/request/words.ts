import { Fault } from '../errors.ts'
import { ScannedList } from './scanned.ts'

/** A JSON pointer (RFC 6901) to a member of what `pointer` points to. */
export const at = (pointer: string, ...parts: readonly (string | number)[]): string =>
  pointer + parts.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

export type Json = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !isList(value)

/** A list of a body, as JSON.parse or as the scanner gives it. */
export const isList = (value: unknown): value is readonly unknown[] | ScannedList => Array.isArray(value) || value instanceof ScannedList

/** What a reader gets to see of a value that should not be there. */
export function got (value: unknown): string {
  if (isList(value)) return Array.isArray(value) && value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'string') return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)}`
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return value === undefined ? 'nothing' : String(value)
}

/** Names for a message; a long list is cut. */
export const list = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.slice(0, 50).join(', ') + (names.length > 50 ? ` and ${names.length - 50} more` : '')

export const invalid = (expected: string, value: unknown, pointer: string): Fault => new Fault('invalid_value', `expected ${expected}, got ${got(value)}`, pointer)

/** Refuses members that have no meaning, rather than ignore what may be a misspelt wish. */
export function onlyMembers (value: Json, known: readonly string[], pointer: string, what: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Fault('invalid_value', `${what} has no member '${unknown}'; there are: ${list(known)}`, at(pointer, unknown))
}
