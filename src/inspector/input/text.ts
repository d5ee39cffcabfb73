import type { TextInput } from '../api/wire.ts'
import { count, listed, Unreadable } from './reading.ts'

/** A text as a model reads it: the characters of its steps, with what was done to it. */
export interface Window {
  /** By step the character that the model reads; '' for a step of zeros that stands in place of none. */
  readonly characters: readonly string[]
  /** Characters that were left out at the start. */
  readonly cut: number
  /** Steps that were put before the text. */
  readonly padded: number
  /** Characters outside the alphabet, as they stand in the window: the model reads something else in their place. */
  readonly unknown: readonly string[]
}

/**
 * What a model reads of a text, by the rules of models/README.md: lower case, code points, the last `maxlen`, padding on the left. For the eye alone: the service reads the text itself.
 * @param steps of the model's input, null where it takes any number
 */
export function windowOf (text: string, { alphabet, lowercase, pad, unknown, maxlen }: TextInput, steps: number | null): Window {
  const all = [...lowercase === true ? text.toLowerCase() : text]
  const length = maxlen ?? steps
  const cut = length === null ? 0 : Math.max(0, all.length - length)
  const padded = length === null || pad === undefined ? 0 : Math.max(0, length - all.length)
  const own = all.slice(cut)
  return {
    characters: [...Array<string>(padded).fill(pad ?? ''), ...own.map((character) => alphabet.includes(character) || unknown === undefined ? character : unknown ?? '')],
    cut,
    padded,
    unknown: own.filter((character) => !alphabet.includes(character))
  }
}

/** What the model makes of these texts, in sentences: nothing where it reads them as they are. */
export function wordsOf (texts: readonly string[], coding: TextInput, steps: number | null): string[] {
  const windows = texts.map((text) => windowOf(text, coding, steps))
  const which = (n: number): string => texts.length === 1 ? 'the text' : `text ${n}`
  const each = (words: readonly string[]): string[] => words.length <= 3 ? [...words] : [...words.slice(0, 3), `The same kind of thing holds for ${count(words.length - 3, 'more text')}.`]
  return [
    ...coding.lowercase === true && texts.some((text) => text !== text.toLowerCase()) ? ['The model reads lower case.'] : [],
    ...each(windows.flatMap(({ cut, characters }, n) => cut === 0 ? [] : [`Of ${which(n)} the model reads the last ${characters.length} characters; ${count(cut, 'character')} before them ${cut === 1 ? 'is' : 'are'} not read.`])),
    ...each(windows.flatMap(({ padded }, n) => padded === 0 ? [] : [`In front of ${which(n)}: ${count(padded, 'step')} of ${coding.pad === null ? 'zeros' : JSON.stringify(coding.pad)}, as statescope.json says.`])),
    ...each(windows.flatMap(({ unknown }, n) => unknown.length === 0 || coding.unknown === undefined ? [] : [`Not in the alphabet, and read as ${coding.unknown === null ? 'a step of zeros' : JSON.stringify(coding.unknown)} in ${which(n)}: ${listed([...new Set(unknown)].map((character) => JSON.stringify(character)))}.`]))
  ]
}

/** The texts that a reader typed: each line one, but all of it one for a model that reads line ends. Throws Unreadable for an empty one. */
export function textsOf (typed: string, { alphabet }: TextInput): string[] {
  const text = typed.replaceAll('\r\n', '\n')
  const texts = alphabet.includes('\n') ? [text] : text.replace(/\n$/, '').split('\n')
  const empty = texts.indexOf('')
  if (empty >= 0) throw new Unreadable(texts.length === 1 ? 'There is no text.' : `Line ${empty + 1} is empty: each line is a text.`)
  return texts
}
