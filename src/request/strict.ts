import { Fault } from '../errors.ts'

/** Lists and objects within each other: more than any request has. */
const deepest = 100

/**
 * What `JSON.parse` gives, of a text that means one thing only: a key that stands twice, of which it would take the last, is refused, as are keys that reach into
 * prototypes and what nests too deep. With `fields` the keys of the whole are fields of a request, of which none is "constructor".
 * @throws SyntaxError where the text is not JSON; Fault `malformed` where it is and is refused
 */
export function strictJson (text: string, fields = false): unknown {
  const value: unknown = JSON.parse(text)
  const refusal = whatIsRefused(text, fields)
  if (refusal !== null) throw new Fault('malformed', refusal)
  return value
}

/** Why a text that is JSON is refused; null where it is not. Once over its characters, with what is open kept by its depth. */
function whatIsRefused (text: string, fields: boolean): string | null {
  /** Of each object that is open the keys so far, and the last of them; none of a list. */
  const keys: (Set<string> | null)[] = []
  const last: string[] = []
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 93 || c === 125) { // ] }
      depth--
    } else if (c === 91 || c === 123) { // [ {
      if (depth === deepest) return `Lists and objects nest more than ${deepest} deep: no field of a request does.`
      keys[depth] = c === 123 ? new Set() : null
      last[depth] = ''
      depth++
    } else if (c === 34) { // "
      const from = at + 1
      at = endOfString(text, at)
      const known = keys[depth - 1]
      // In a JSON text the string before a colon is a key, and no other.
      if (depth === 0 || known === null || !isColon(text, at + 1)) continue
      const raw = text.slice(from, at)
      const key = raw.includes('\\') ? JSON.parse(`"${raw}"`) as string : raw
      if (known.has(key)) return `The key ${shown(key)} stands twice in one object: say it once.`
      known.add(key)
      last[depth - 1] = key
      if (key === '__proto__' || (key === 'prototype' && last[depth - 2] === 'constructor') || (fields && depth === 1 && key === 'constructor')) {
        return 'A key is "__proto__", or "constructor" with a "prototype" or as a field of its own: such keys are not taken.'
      }
    }
  }
  return null
}

const shown = (key: string): string => JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}...` : key)

/** Where the string that begins at `at` has its last quote. */
function endOfString (text: string, at: number): number {
  for (;;) {
    at = text.indexOf('"', at + 1)
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === 92) escapes++
    if (escapes % 2 === 0) return at
  }
}

function isColon (text: string, at: number): boolean {
  while (' \t\n\r'.includes(text[at])) at++
  return text[at] === ':'
}
