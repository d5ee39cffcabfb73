/** Places of a distribution, the likeliest first; of equals the first. */
export const ranked = (probabilities: readonly number[]): number[] => probabilities.map((_, n) => n).sort((a, b) => probabilities[b] - probabilities[a] || a - b)

/**
 * A place drawn from a distribution, in double precision: each probability to the power of 1 / temperature, by logarithms; of them the `topK` likeliest; the first, from the
 * likeliest down, whose cumulated share is above the random number from [0, 1). Temperature 0 is the limit: the likeliest, and no number is drawn.
 */
export function draw (probabilities: readonly number[], { temperature, topK }: { readonly temperature: number, readonly topK: number }, random: () => number): number {
  const kept = ranked(probabilities).slice(0, topK)
  const [best] = kept
  if (temperature === 0) return best
  // Relative to the likeliest, so that nothing but what is nearly impossible becomes 0.
  const weights = kept.map((n) => Math.exp((Math.log(probabilities[n]) - Math.log(probabilities[best])) / temperature))
  const aim = random() * weights.reduce((a, b) => a + b)
  let sum = 0
  const found = weights.findIndex((weight) => {
    sum += weight
    return sum > aim
  })
  return kept[found]
}
