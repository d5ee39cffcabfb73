const most = 6

/**
 * The error function, to about 2e-16. Up to 3 the series of DLMF 7.6.2, whose terms are all of one sign:
 * erf(x) = 2 / sqrt(pi) * exp(-x^2) * sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)); beyond it 1 - erfc(x) by the continued fraction of
 * DLMF 7.9.1: sqrt(pi) * exp(x^2) * erfc(x) = 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))); beyond 6 it is 1.
 */
export function erf (x: number): number {
  const size = Math.abs(x)
  if (Number.isNaN(x)) return NaN
  if (size > most) return Math.sign(x)
  const scale = Math.exp(-x * x) / Math.sqrt(Math.PI)
  if (size > 3) {
    let rest = size
    for (let k = 60; k > 0; k--) rest = size + k / 2 / rest
    return Math.sign(x) * (1 - scale / rest)
  }
  let [term, sum] = [x, x]
  for (let n = 1; Math.abs(term) > Math.abs(sum) * Number.EPSILON / 4; n++) {
    term *= 2 * x * x / (2 * n + 1)
    sum += term
  }
  return 2 * scale * sum
}
