import { Fault } from '../errors.ts'

export type Dict = Readonly<Record<string, unknown>>

export const isDict = (value: unknown): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Deep enough for every real model; a file that nests deeper is not one. */
const deepest = 256

/** Python's JSON, which also knows NaN and Infinity. Throws `bad_file` where the text is none, or nests too deep. */
export function parseJson (text: string, what: string): unknown {
  const plain = scanned(text, what)
  try {
    return JSON.parse(plain)
  } catch (error) {
    throw new Fault('bad_file', `"${what}" is not JSON: ${(error as Error).message}`)
  }
}

/**
 * The text with infinities spelled as JSON can: 1e999. (NaN has no such spelling, and is in no config that could be computed with.) How deep it nests
 * is seen before anything is made of it.
 */
function scanned (text: string, what: string): string {
  const parts: string[] = []
  let [depth, from] = [0, 0]
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(text, at)
        break
      case 0x5b: // [
      case 0x7b: // {
        if (++depth > deepest) throw new Fault('bad_file', `"${what}" nests more than ${deepest} deep`)
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth--
        break
      case 0x49: // I
        if (!text.startsWith('Infinity', at)) break
        parts.push(text.slice(from, at), '1e999')
        from = at + 'Infinity'.length
        at = from - 1
    }
  }
  return parts.length === 0 ? text : parts.join('') + text.slice(from)
}

/** Where the string that begins at `at` has its last quote; the end of the text where it has none. */
function endOfString (text: string, at: number): number {
  for (;;) {
    const end = text.indexOf('"', at + 1)
    if (end < 0) return text.length
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++
    if (escapes % 2 === 0) return end
    at = end
  }
}

/**
 * Plain values in place of what Keras wraps: NumPy values and tensors (`__numpy__`, `__tensor__`), tuples (`__tuple__`, and the lists they
 * become). Objects of other kinds stay as they are.
 */
export function unwrap (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap)
  if (!isDict(value)) return value
  if (value.class_name === '__tuple__' && Array.isArray(value.items)) return value.items.map(unwrap)
  if ((value.class_name === '__numpy__' || value.class_name === '__tensor__') && isDict(value.config)) return unwrap(value.config.value)
  if (value.type === 'ndarray' || value.type === 'list') return unwrap(value.value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrap(inner)]))
}

export const string = (value: unknown): string | null => typeof value === 'string' ? value : null
