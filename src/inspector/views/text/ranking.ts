/** Kinds of characters that a unit may track: whether each character of a text is one. */
export const kinds: Readonly<Record<string, (text: readonly string[]) => boolean[]>> = {
  spaces: each(/^\s$/u),
  'starts of words': (text) => text.map((character, n) => /^[\p{L}\p{N}]$/u.test(character) && !/^[\p{L}\p{N}']$/u.test(text[n - 1] ?? '')),
  vowels: each(/^[aeiou]$/iu),
  capitals: each(/^\p{Lu}$/u),
  digits: each(/^\p{N}$/u),
  punctuation: each(/^[\p{P}\p{S}]$/u),
  'text inside quotes': between(/^["“”]$/u, /^["“”]$/u),
  'text inside brackets': between(/^[([{]$/u, /^[)\]}]$/u)
}

function each (pattern: RegExp): (text: readonly string[]) => boolean[] {
  return (text) => text.map((character) => pattern.test(character))
}

/** Characters after an opening sign and before the closing one; neither sign is counted. */
function between (open: RegExp, close: RegExp): (text: readonly string[]) => boolean[] {
  return (text) => {
    let inside = false
    return text.map((character) => {
      if (inside ? close.test(character) : open.test(character)) {
        inside = !inside
        return false
      }
      return inside
    })
  }
}

/** The standard deviation of numbers, over all of them. */
export function deviation (values: ArrayLike<number>): number {
  let sum = 0
  for (let n = 0; n < values.length; n++) sum += values[n]
  const mean = sum / values.length
  let squares = 0
  for (let n = 0; n < values.length; n++) squares += (values[n] - mean) ** 2
  return Math.sqrt(squares / values.length)
}

/**
 * In what share of the pairs of one number inside a class and one outside the one inside is greater; equal ones count half. 1/2: the numbers do not tell the class. Null where one
 * of the two is empty. The area under the ROC curve, by ranks (Mann and Whitney 1947).
 */
export function separation (values: ArrayLike<number>, inside: readonly boolean[]): number | null {
  const order = Array.from(inside, (_, n) => n).sort((a, b) => values[a] - values[b])
  const within = inside.filter(Boolean).length
  const without = inside.length - within
  if (within === 0 || without === 0) return null
  let ranks = 0
  for (let from = 0; from < order.length;) {
    let to = from
    while (to < order.length && values[order[to]] === values[order[from]]) to++
    // Equal numbers share the middle of their ranks.
    for (let n = from; n < to; n++) if (inside[order[n]]) ranks += (from + 1 + to) / 2
    from = to
  }
  return (ranks - within * (within + 1) / 2) / (within * without)
}
