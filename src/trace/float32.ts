/**
 * float32 -> the shortest decimal that gives back the same float32 when it is read as a double and rounded (`JSON.parse` then
 * `Math.fround`; NumPy and R do the same), and of the shortest ones the nearest to the value.
 *
 * A float stands for every real number up to half way to its neighbours. Scaled to nine digits before the point, that interval is
 * 6 to 120 wide: one 6-digit decimal (a multiple of 1000) at the most lies in it, else some of 7, 8 or always 9 digits. Whole numbers of
 * 2^-22 (`parts`) have the 52 bits to decide this, except when an end of the interval is within `near` of a whole number: those few floats
 * go the slow way. The interval is that of "How to print floating-point numbers accurately" (PLDI 1990); "Ryu: fast float-to-string
 * conversion" (PLDI 2018) decides it in whole numbers too, with a wider product in place of the slow way.
 */

/** No float32 takes more bytes: sign, nine digits, point, `e-38`. */
export const longest = 16

const parts = 2 ** 22
/** In parts: well above the error of an end, which is 2.5 at the most (scale, product, its rounding to parts, half gap), and met by a few floats in a million. */
const near = 8
/** Doubles from here on are whole numbers: adding it rounds to one. */
const wholeNumbers = 2 ** 52

/** By biased exponent e of a normal float in [2^(e-127), 2^(e-126)): the power of ten in the range, if any. Infinity where there is none. */
export const tenWithin = new Float64Array(255)
/** By 2e, and 2e + 1 for the values from that power of ten on, which have a digit more: what scales them to nine digits before the point, in parts. */
export const scales = new Float64Array(510)
/** By the same: half the gap to the next float above, scaled, in parts. */
export const halfGaps = new Float64Array(510)
/** By the same: how many digits stand before the point, less than 1 for a value below 0.1. */
export const wholes = new Int32Array(510)
for (let e = 1; e < 255; e++) {
  const low = 2 ** (e - 127)
  // Exact for powers of two, but near 10^k the logarithm may be off by its last bit.
  let magnitude = Math.round(Math.log10(low))
  if (Number(`1e${magnitude}`) > low) magnitude--
  const ten = Number(`1e${magnitude + 1}`)
  tenWithin[e] = ten < 2 * low ? ten : Infinity
  for (const more of [0, 1]) {
    const scale = Number(`1e${8 - magnitude - more}`)
    scales[2 * e + more] = scale * parts
    halfGaps[2 * e + more] = Math.round(2 ** (e - 151) * scale * parts)
    wholes[2 * e + more] = magnitude + 1 + more
  }
}

const zero = 48
const point = 46
const minus = 45
const letterE = 101

/** 00, 01, ... 99. */
const pairs = new Uint8Array(200)
for (let n = 0; n < 100; n++) {
  pairs[2 * n] = zero + Math.floor(n / 10)
  pairs[2 * n + 1] = zero + n % 10
}

/**
 * Writes a finite float32 at `at` (room for `longest` bytes is the caller's duty) and returns where the text ends.
 * `bits` are the same 32 bits as an unsigned integer. Negative zero is `-0.0`: Python reads `-0` as the integer 0.
 */
export function writeFloat32 (bytes: Uint8Array, at: number, value: number, bits: number): number {
  if (value === 0) {
    if (bits !== 0) {
      bytes[at++] = minus
      bytes[at++] = zero
      bytes[at++] = point
    }
    bytes[at] = zero
    return at + 1
  }
  let a = value
  if (a < 0) {
    a = -a
    bytes[at++] = minus
  }
  const e = (bits >>> 23) & 255
  if (e === 0) return writeSlowly(bytes, at, a)

  const at2e = 2 * e + (a >= tenWithin[e] ? 1 : 0)
  let exponent = wholes[at2e] - 9
  const inParts = a * scales[at2e] + wholeNumbers - wholeNumbers
  const half = halfGaps[at2e]
  const high = inParts + half
  // Below a power of two the floats lie twice as close.
  const low = inParts - ((bits & 0x7fffff) === 0 ? Math.floor(half / 2) : half)
  const s = inParts / parts
  const top = (high / parts) | 0
  const bottom = ((low / parts) | 0) + 1
  const over = high - top * parts
  const under = bottom * parts - low
  // The same floats as the compiled writer leaves: in [0, near) or from parts - near on.
  if (over < near || over >= parts - near || under <= near || under > parts - near) return writeSlowly(bytes, at, a)

  let digits = top - top % 1000
  if (digits >= bottom) {
    digits = (digits / 1000) | 0
    exponent += 3
    while (digits % 10 === 0) {
      digits = (digits / 10) | 0
      exponent++
    }
    return writeDecimal(bytes, at, digits, exponent)
  }
  if (top - top % 100 >= bottom) {
    digits = (s + 50) | 0
    digits -= digits % 100
    if (digits < bottom) digits += 100
    else if (digits > top) digits -= 100
    return writeDecimal(bytes, at, (digits / 100) | 0, exponent + 2)
  }
  if (top - top % 10 >= bottom) {
    digits = (s + 5) | 0
    digits -= digits % 10
    if (digits < bottom) digits += 10
    else if (digits > top) digits -= 10
    return writeDecimal(bytes, at, (digits / 10) | 0, exponent + 1)
  }
  return writeDecimal(bytes, at, (s + 0.5) | 0, exponent)
}

/** Subnormals, and floats whose interval ends too near a decimal for doubles to tell: tried digit by digit, by V8's exact conversions. */
function writeSlowly (bytes: Uint8Array, at: number, a: number): number {
  for (let digits = 1; ; digits++) {
    const [mantissa, exponent] = a.toExponential(digits - 1).split('e')
    const last = Number(exponent) - digits + 1
    const nearest = Number(mantissa.replace('.', ''))
    // Below a power of two the interval is narrower: the nearest decimal may fall out of it there while the next one above lies within.
    for (let n = nearest; n <= nearest + 1; n++) {
      if (Math.fround(Number(`${n}e${last}`)) === a) return writeDecimal(bytes, at, n, last)
    }
  }
}

/** digits * 10^exponent, with a point where that is no longer than an exponent. */
function writeDecimal (bytes: Uint8Array, at: number, digits: number, exponent: number): number {
  const count = countDigits(digits)
  const whole = count + exponent
  if (whole > 0 && whole < count) {
    // One place to the right, then the whole part moves back over the point's place.
    writeDigits(bytes, at + 1, digits, count)
    for (let n = 0; n < whole; n++) bytes[at + n] = bytes[at + n + 1]
    bytes[at + whole] = point
    return at + count + 1
  }
  if (whole <= 0 && whole > -3) {
    bytes[at++] = zero
    bytes[at++] = point
    for (let n = whole; n < 0; n++) bytes[at++] = zero
    writeDigits(bytes, at, digits, count)
    return at + count
  }
  if (whole >= count && whole <= 9) {
    writeDigits(bytes, at, digits, count)
    for (let n = count; n < whole; n++) bytes[at + n] = zero
    return at + whole
  }
  if (count === 1) {
    bytes[at++] = zero + digits
  } else {
    writeDigits(bytes, at + 1, digits, count)
    bytes[at] = bytes[at + 1]
    bytes[at + 1] = point
    at += count + 1
  }
  bytes[at++] = letterE
  let power = whole - 1
  if (power < 0) {
    bytes[at++] = minus
    power = -power
  }
  if (power >= 10) bytes[at++] = pairs[2 * power]
  bytes[at++] = pairs[2 * power + 1]
  return at
}

function writeDigits (bytes: Uint8Array, at: number, digits: number, count: number): void {
  let end = at + count
  while (digits >= 10) {
    const rest = (digits / 100) | 0
    const pair = 2 * (digits - 100 * rest)
    bytes[--end] = pairs[pair + 1]
    bytes[--end] = pairs[pair]
    digits = rest
  }
  if (end > at) bytes[at] = zero + digits
}

function countDigits (n: number): number {
  if (n >= 1e6) return n >= 1e8 ? 9 : n >= 1e7 ? 8 : 7
  if (n >= 1e3) return n >= 1e5 ? 6 : n >= 1e4 ? 5 : 4
  return n >= 100 ? 3 : n >= 10 ? 2 : 1
}
