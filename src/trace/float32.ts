/**
 * float32 -> the shortest decimal that gives back the same float32 when it is read as a double and rounded (`JSON.parse` then
 * `Math.fround`; NumPy and R do the same), and of the shortest ones the nearest to the value.
 *
 * A float stands for every real number up to half way to its neighbours. In units of the power of ten that makes this interval 1 to 10 wide
 * there is always a whole number in it, and one multiple of ten at the most: that is the shortest where there is one, with its zeros taken off,
 * else the nearest whole number is. The interval is that of "How to print floating-point numbers accurately" (PLDI 1990), the choice of the
 * unit that of "The Schubfach way to render doubles" (R. Giulietti, 2020). Doubles have the 52 bits to decide it, except where an end, or the
 * middle between two whole numbers, is too `near`: a few in a million, and those from 2^24 to 2^27, whose ends are whole numbers. They go the slow way.
 */

/** No float32 takes more bytes: sign, nine digits, point, `e-38`. */
export const longest = 16

/** By biased exponent e of a normal float in [2^(e-127), 2^(e-126)): the power of ten that is the unit, and how many units it is to the next float, 1 to 10. */
export const units = new Int32Array(255)
export const widths = new Float64Array(255)
for (let e = 1; e < 255; e++) {
  const gap = 2 ** (e - 150)
  units[e] = powerBelow(gap)
  widths[e] = gap * Number(`1e${-units[e]}`)
}

/** The exponent of the largest power of ten that is no larger. */
export function powerBelow (value: number): number {
  // Near 10^k the logarithm may be off by its last bit.
  const power = Math.round(Math.log10(value))
  return Number(`1e${power}`) > value ? power - 1 : power
}

/** 0.5 to 2^24: multiples of 2^-16 units, and their ends odd multiples of half as much and never whole numbers. Doubles are exact, only middles are met. */
export const isExact = (e: number): boolean => e >= 126 && e <= 150

/** In units: well above the error of an end elsewhere, which is 2^-24 at the most (width, product, sum), and met by one float in a million. */
const near = 2 ** -21

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
  if (value < 0) bytes[at++] = minus
  const e = (bits >>> 23) & 255
  const mantissa = bits & 0x7fffff
  const exact = isExact(e)
  if (e === 0 || (mantissa === 0 && !exact)) return writeSlowly(bytes, at, Math.abs(value))

  const width = widths[e]
  const s = (mantissa + 0x800000) * width
  const high = s + width / 2
  // Below a power of two the floats lie twice as close.
  const low = s - (mantissa === 0 ? width / 4 : width / 2)
  const middle = s + 0.5
  if (!exact && (isNearWhole(high) || isNearWhole(low) || isNearWhole(middle))) return writeSlowly(bytes, at, Math.abs(value))

  const tens = Math.floor(high / 10) * 10
  let digits = tens > low ? tens : Math.floor(middle)
  let exponent = units[e]
  while (digits % 10 === 0) {
    digits = (digits / 10) | 0
    exponent++
  }
  return writeDecimal(bytes, at, digits, exponent)
}

const isNearWhole = (x: number): boolean => Math.abs(x - Math.round(x)) < near

/** Subnormals, powers of two, and floats that doubles cannot tell: a digit less as long as it reads back, by V8's exact conversions. */
function writeSlowly (bytes: Uint8Array, at: number, a: number): number {
  let shortest = 0
  let exponent = 0
  for (let digits = 9; digits > 0; digits--) {
    const [mantissa, power] = a.toExponential(digits - 1).split('e')
    const last = Number(power) - digits + 1
    const nearest = Number(mantissa.replace('.', ''))
    // Below a power of two the interval is narrower: the nearest decimal may fall out of it there while the next one above lies within.
    const found = [nearest, nearest + 1].find((n) => Math.fround(Number(`${n}e${last}`)) === a)
    if (found === undefined) break
    shortest = found
    exponent = last
  }
  return writeDecimal(bytes, at, shortest, exponent)
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
