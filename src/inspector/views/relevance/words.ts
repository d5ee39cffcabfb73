import { lagsInTime, type Method, type RelevanceAnswer } from './answer.ts'

/** A number for a sentence: three significant digits, in the form 1e-7 only where zeros would be in its place. */
export function short (value: number, digits = 3): string {
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(1)
  return String(Number(value.toPrecision(size >= 100 ? digits + 1 : digits)))
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

/** `a, b and c`. */
export const listed = (items: readonly string[]): string => items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

/**
 * "How much does it take from t-1, t-2, ...? Is t-5 irrelevant?", answered from the numbers of one method: the share of each lag, and what the first and the last of the
 * window are in numbers. `output` is what the reader calls it, `unit` what its numbers are in.
 */
export function answerInWords (method: Method, answer: RelevanceAnswer, output: string, unit: string): string {
  const lags = lagsInTime(answer).reverse()
  const { summary, value } = answer
  const shares = lags.flatMap((lag) => summary[lag].share === null ? [] : [`${lag === 'older' ? 'the steps before these' : lag} ${percent(summary[lag].share)}`])
  if (shares.length === 0) return `By ${method} no step changes ${output} at all.`
  const what = method === 'memory' ? 'Of the memory that is there after the last step, by the step that wrote it' : `Of what ${output} takes from the steps`
  const over = value.length > 1 ? `, on average over ${value.length} sequences` : ''
  const named = lags.filter((lag) => lag !== 'older')
  const ends = [...new Set([named[0], named.at(-1)!])]
  const sizes = method === 'memory'
    ? ''
    : ` In numbers, ${listed(ends.map((lag) => `${lag} moves it by ${short(summary[lag].meanAbs ?? 0)}`))} (${unit})${over}.`
  return `${what}${method === 'memory' ? over : ''}: ${listed(shares)}.${sizes}`
}
