/**
 * An exact judge of a float32's decimal, which knows nothing of how it was made: it looks at the decimals beside it. Powers of ten to 10^22 and
 * whole numbers below 2^53 are exact doubles, so that one division or product of them is rounded as the text is when it is read.
 */

const powers = Float64Array.from({ length: 100 }, (_, n) => Number(`1e${n - 50}`))
const powerOfTen = (exponent: number): number => powers[exponent + 50]

const numberOf = (digits: number, exponent: number): number => Math.abs(exponent) > 22
  ? Number(`${digits}e${exponent}`)
  : exponent < 0 ? digits / powerOfTen(-exponent) : digits * powerOfTen(exponent)

/** What is wrong with a text, between two places, for a finite float32 that is not 0; '' if nothing. That it is JSON is for `JSON.parse` to tell. */
export function faultOf (text: Uint8Array, from: number, to: number, value: number): string {
  const a = Math.abs(value)
  let digits = 0
  let exponent = 0
  let power = 0
  let powerSign = 0
  let afterPoint = false
  let at = from
  if (text[at] === 45) at++
  if ((at > from) !== (value < 0)) return 'has another sign'
  for (; at < to; at++) {
    const letter = text[at]
    if (letter === 46) {
      afterPoint = true
    } else if (letter === 101) {
      powerSign = 1
    } else if (letter === 45) {
      powerSign = -1
    } else if (powerSign !== 0) {
      power = 10 * power + letter - 48
    } else {
      digits = 10 * digits + letter - 48
      if (afterPoint) exponent--
    }
  }
  exponent += powerSign * power
  while (digits > 0 && digits % 10 === 0) {
    digits /= 10
    exponent++
  }
  const readsBack = (n: number, e: number): boolean => Math.fround(numberOf(n, e)) === a
  if (!readsBack(digits, exponent)) return 'is another float'
  // What reads back lies together: if anything shorter does, it is the nearest below or above.
  const shorter = Math.floor(digits / 10)
  if (digits >= 10 && (readsBack(shorter, exponent + 1) || readsBack(shorter + 1, exponent + 1))) return 'is not the shortest'
  const away = a * powerOfTen(-exponent) - digits
  const step = Math.sign(away)
  if (Math.abs(away) > 0.499 && readsBack(digits + step, exponent)) {
    const side = sideOfMiddle(a, Math.min(digits, digits + step), exponent)
    if (side === step) return 'is not the nearest'
    if (side === 0 && step > 0) return 'is the lower of two as near'
  }
  return ''
}

/** Below 0, 0 or above: where a float lies from the middle between `digits` and the next, exactly. */
function sideOfMiddle (a: number, digits: number, exponent: number): number {
  // Every float32 is a multiple of 2^-149.
  const float = BigInt(a * 2 ** 150) * (exponent < 0 ? 10n ** BigInt(-exponent) : 1n)
  const middle = BigInt(2 * digits + 1) * 2n ** 149n * (exponent > 0 ? 10n ** BigInt(exponent) : 1n)
  return float < middle ? -1 : float > middle ? 1 : 0
}
