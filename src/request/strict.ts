import { Fault } from '../errors.ts'

/** Lists and objects within each other: more than any request has. */
const deepest = 100

/** An object of the text that is open at a place: its keys so far, the last of them, and the key that it stands at itself. */
interface Open { readonly keys: Set<string> | null, last: string, readonly at: string }

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

/** Why a text that is JSON is refused; null where it is not. The numbers of a list are passed over, and nothing is recursive. */
function whatIsRefused (text: string, fields: boolean): string | null {
  const open: Open[] = []
  const marks = /["[\]{}]/g
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    const [sign] = mark
    if (sign === ']' || sign === '}') {
      open.pop()
      continue
    }
    const holder = open.at(-1)
    if (sign !== '"') {
      if (open.length === deepest) return `Lists and objects nest more than ${deepest} deep: no field of a request does.`
      open.push({ keys: sign === '{' ? new Set() : null, last: '', at: holder?.last ?? '' })
      continue
    }
    const end = endOfString(text, mark.index)
    marks.lastIndex = end + 1
    // In a JSON text the string before a colon is a key, and no other.
    if (holder?.keys == null || !isColon(text, end + 1)) continue
    const raw = text.slice(mark.index + 1, end)
    const key = raw.includes('\\') ? JSON.parse(`"${raw}"`) as string : raw
    if (holder.keys.has(key)) return `The key ${shown(key)} stands twice in one object: say it once.`
    holder.keys.add(key)
    holder.last = key
    if (key === '__proto__' || (key === 'prototype' && holder.at === 'constructor') || (fields && open.length === 1 && key === 'constructor')) {
      return 'A key is "__proto__", or "constructor" with a "prototype" or as a field of its own: such keys are not taken.'
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
