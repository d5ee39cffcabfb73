import { Fault } from '../errors.ts'
import type { TextCoding } from '../registry/meta.ts'
import { readNested, type Numbers } from './nested.ts'
import { isTyped, readTyped } from './typed.ts'
import { shapeWords, type Expected } from './shape.ts'
import { at, invalid, isObject, list } from './words.ts'

/** `{"oneHot": ids}`: each id becomes a row of the input's last axis, 1 at its place. */
export function readOneHot (value: unknown, expected: Expected, pointer: string): Numbers {
  const depth = expected[expected.length - 1]
  if (depth === null || depth === undefined || expected.length < 2) {
    throw new Fault('invalid_value', `oneHot needs an input whose last axis has a fixed size; this one takes ${shapeWords(expected)}`, pointer)
  }
  const rules = { expected: expected.slice(0, -1), double: true }
  const ids = isObject(value) && isTyped(value) ? readTyped(value, rules, pointer) : readNested(value, rules, pointer)
  const data = new Float32Array(ids.data.length * depth)
  for (const [n, id] of ids.data.entries()) {
    checkId(id, depth, ids.where(n))
    data[n * depth + id] = 1
  }
  return { shape: [...ids.shape, depth], data, where: (n) => ids.where(Math.floor(n / depth)) }
}

export function checkId (id: number, count: number, pointer: string): void {
  if (!Number.isInteger(id)) throw invalid('a whole number (an id)', id, pointer)
  if (id < 0 || id >= count) throw new Fault('invalid_value', `expected an id from 0 to ${count - 1}, got ${id}`, pointer)
}

/** `{"text": [...]}`: a sequence each, by `text` of statescope.json; models/README.md has the rules, in the same order. */
export function readText (value: unknown, coding: TextCoding | undefined, expected: Expected, pointer: string): Numbers {
  const own = codingOf(coding, expected, pointer)
  const texts = typeof value === 'string' ? [value] : value
  if (!Array.isArray(texts) || texts.length === 0) throw invalid('a text, or a list of texts with at least one', value, pointer)
  const places = texts.map((_, n) => typeof value === 'string' ? pointer : at(pointer, n))
  for (const [n, text] of texts.entries()) if (typeof text !== 'string') throw invalid('a text', text, places[n])

  const sequences = (texts as string[]).map((text, n) => windowOf(text, own, expected, places[n]))
  const steps = sequences[0].length
  const other = sequences.findIndex((sequence) => sequence.length !== steps)
  if (other >= 0) throw new Fault('wrong_shape', `the texts of one request need one length: the first has ${steps} characters, this one ${sequences[other].length}`, places[other])
  if (steps === 0) throw new Fault('wrong_shape', 'expected a text of at least one character', places[0])

  const { shape, data } = encoded(sequences, own)
  return { shape, data, where: (n) => places[Math.floor(n / (data.length / texts.length))] }
}

/** The model's text coding; throws invalid_value where it has none, or one that is wrong. */
export function codingOf (coding: TextCoding | undefined, expected: Expected, pointer: string): TextCoding {
  if (coding === undefined) throw new Fault('invalid_value', "this model takes no text: its statescope.json says nothing under 'text'", pointer)
  const mistake = mistakeIn(coding, expected)
  if (mistake !== null) throw new Fault('invalid_value', `this model takes no text until its statescope.json is put right: ${mistake}`, pointer)
  return coding
}

/** Texts of one length, by their indices, as the model's input: `[batch, step, character]`, or `[batch, step]` of ids. */
export function encoded (sequences: readonly (readonly number[])[], { alphabet, encoding }: TextCoding): { readonly shape: readonly number[], readonly data: Float32Array } {
  const oneHot = encoding === 'one-hot'
  const depth = oneHot ? alphabet.length : 1
  const [{ length: steps }] = sequences
  const data = new Float32Array(sequences.length * steps * depth)
  for (const [n, id] of sequences.flat().entries()) {
    if (!oneHot) data[n] = id
    else if (id >= 0) data[n * depth + id] = 1
  }
  return { shape: oneHot ? [sequences.length, steps, depth] : [sequences.length, steps], data }
}

/** What a model reads of a text: indices into the alphabet, -1 for a step of zeros; the last `maxlen` of them, filled up on the left. */
export function windowOf (text: string, coding: TextCoding, expected: Expected, pointer: string): number[] {
  const index = new Map(coding.alphabet.map((character, n) => [character, n]))
  const length = coding.maxlen ?? expected[1]
  const characters = [...(coding.lowercase === true ? text.toLowerCase() : text)]
  const cut = length === null ? 0 : Math.max(0, characters.length - length)
  const indices = characters.slice(cut).map((character, n) => {
    const found = index.get(character)
    if (found !== undefined) return found
    if (coding.unknown === undefined) throw new Fault('invalid_value', `the character ${JSON.stringify(character)} at place ${cut + n} (counted from 0) is not in the model's alphabet`, pointer)
    return coding.unknown === null ? -1 : index.get(coding.unknown)!
  })
  if (length === null || indices.length === length) return indices
  if (coding.pad === undefined) throw new Fault('wrong_shape', `expected a text of at least ${length} characters, got ${indices.length}`, pointer)
  const pad = coding.pad === null ? -1 : index.get(coding.pad)!
  return [...Array<number>(length - indices.length).fill(pad), ...indices]
}

/** What is wrong in `text` of statescope.json for an input of this shape; null if nothing. */
function mistakeIn ({ alphabet, encoding, unknown, pad, maxlen }: TextCoding, expected: Expected): string | null {
  const oneHot = encoding === 'one-hot'
  const twice = alphabet.find((character, n) => alphabet.indexOf(character) !== n)
  if (twice !== undefined) return `${JSON.stringify(twice)} stands twice in alphabet`
  for (const [key, character] of Object.entries({ unknown, pad })) {
    if (typeof character === 'string' && !alphabet.includes(character)) return `${key} ${JSON.stringify(character)} is not in alphabet`
    if (character === null && !oneHot) return `${key} null is possible with "one-hot" only`
  }
  const shape = oneHot ? [null, maxlen ?? null, alphabet.length] : [null, maxlen ?? null]
  const differs = shape.length !== expected.length || shape.some((size, axis) => size !== null && expected[axis] !== null && size !== expected[axis])
  return differs ? `${encoding} with ${list([`maxlen ${maxlen ?? 'open'}`, `${alphabet.length} characters`])} does not fit an input of ${shapeWords(expected)}` : null
}
