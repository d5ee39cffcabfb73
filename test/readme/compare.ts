/** A number, a left-out part, or one character that is not white space. */
const token = /(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])|\.\.\.|\S/gi

const tokensOf = (text: string): string[] => text.match(token) ?? []

/** Decimals may differ by the tolerance, relative to max(1, |value|); whole numbers and everything else may not. */
function same (shown: string, given: string, tolerance: number): boolean {
  if (shown === given) return true
  const decimal = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i
  if (!decimal.test(shown) || !decimal.test(given) || !/[.e]/i.test(shown + given)) return false
  return Math.abs(Number(shown) - Number(given)) <= tolerance * Math.max(1, Math.abs(Number(shown)))
}

/**
 * Whether an answer is the one shown, white space aside; `...` stands for anything. Null where it is; else the part of what was shown that
 * is not found, and where it was looked for.
 */
export function difference (shown: string, given: string, tolerance: number): { expected: string, got: string } | null {
  const tokens = tokensOf(given)
  const parts: string[][] = [[]]
  for (const one of tokensOf(shown)) {
    if (one === '...') parts.push([])
    else parts[parts.length - 1].push(one)
  }
  const fits = (part: readonly string[], at: number): boolean => at >= 0 && at + part.length <= tokens.length && part.every((one, n) => same(one, tokens[at + n], tolerance))
  let from = 0
  for (const [n, part] of parts.entries()) {
    const last = n === parts.length - 1
    // The first part stands at the beginning, the last at the end; those between as early as they can.
    const places = n === 0 ? [0] : last ? [Math.max(from, tokens.length - part.length)] : Array.from({ length: tokens.length - from }, (_, i) => from + i)
    const at = places.find((place) => fits(part, place))
    if (at === undefined || (last && at + part.length !== tokens.length)) return { expected: part.join(''), got: tokens.slice(from).join('').slice(0, 2000) }
    from = at + part.length
  }
  return null
}
