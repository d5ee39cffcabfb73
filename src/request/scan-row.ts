/** Powers of ten as the nearest double and what is missing to the exact one: together good for 106 bits. Up to the 22nd the double is exact. */
const powers = Float64Array.from({ length: 65 }, (_, k) => Number(`1e${k}`))
const missing = powers.map((power, k) => Number(10n ** BigInt(k) - BigInt(power)))
const inverses = powers.map((power) => 1 / power)

/** Sums of whole numbers that come out below this are exact; at it they may have been rounded down to it. */
const exact = 2 ** 53
/** From here on a number is infinite as float32: half a step above the largest. */
const tooLarge = 2 ** 128 - 2 ** 103

/** Where reading stands: the next byte, and how many numbers there are. */
export interface Cursor { at: number, count: number }

/**
 * Reads a list of plain numbers, `1, -2.5e-3]`, from the byte after its bracket to the one after its end, into `into` from `cursor.count` up to, not including,
 * `limit`. Each number is bit for bit what JSON.parse gives. False for all else, be it wrong (RFC 8259), a list of something else, empty, or a number too large for
 * float32: whoever can say what is wrong reads it again then. The last byte must be one that no number, blank or list of numbers has: nothing looks beyond it.
 */
export function readRow (bytes: Buffer, view: DataView, cursor: Cursor, into: Float64Array, limit: number): boolean {
  const lastEight = bytes.length - 8
  let { at, count } = cursor
  for (;;) {
    let c = bytes[at]
    while (c === 32 || c === 10 || c === 13 || c === 9) c = bytes[++at]
    const start = at
    // Of what a number begins with only the minus is below 46. No branch, as signs cannot be foreseen.
    if (c < 45) return false
    const minus = (c - 46) >>> 31
    at += minus
    c = bytes[at]

    // The digits so far, exact below 2^53. Up to the last block of eight they also are before * 10^8 + block.
    let digits = 0
    if (c === 48) {
      c = bytes[++at]
    } else {
      // Of a digit this leaves its value, of any other byte more than 9.
      c ^= 48
      if (c > 9) return false
      do {
        digits = digits * 10 + c
        c = bytes[++at] ^ 48
      } while (c < 10)
      c ^= 48
      // Rounded already, so that all that is made of them is to be left to Number.
      if (digits >= exact) digits = Infinity
    }
    let before = 0
    let block = digits
    // The fraction's last digits, fewer than 8, and the digits without them.
    let few = 0
    let fewer = 0
    let rest = digits
    let scale = 0
    if (c === 46) {
      const point = ++at
      while (at <= lastEight) {
        const one = view.getInt32(at, true) ^ 0x30303030
        const two = view.getInt32(at + 4, true) ^ 0x30303030
        // Above 9 in any byte: that byte's highest bit is set, or will be when 0x76 is added.
        if ((((one + 0x76767676) | one | (two + 0x76767676) | two) & 0x80808080) !== 0) break
        // Bytes 0 and 2 of these hold two digits each.
        const pairs = Math.imul(one, 10) + (one >>> 8)
        const morePairs = Math.imul(two, 10) + (two >>> 8)
        before = digits
        block = Math.imul(Math.imul(pairs & 255, 100) + (pairs >>> 16 & 255), 10000) + Math.imul(morePairs & 255, 100) + (morePairs >>> 16 & 255)
        digits = before * 1e8 + block
        at += 8
      }
      rest = digits
      const from = at
      c = bytes[at] ^ 48
      while (c < 10) {
        few = Math.imul(few, 10) + c
        c = bytes[++at] ^ 48
      }
      c ^= 48
      scale = at - point
      if (scale === 0) return false
      fewer = at - from
      digits = digits * powers[fewer] + few
    }
    if (c === 101 || c === 69) {
      c = bytes[++at]
      const down = c === 45
      if (down || c === 43) c = bytes[++at]
      c ^= 48
      if (c > 9) return false
      let exponent = 0
      do {
        if (exponent < 10000) exponent = exponent * 10 + c
        c = bytes[++at] ^ 48
      } while (c < 10)
      c ^= 48
      scale = down ? scale + exponent : scale - exponent
    }

    let x = NaN
    if (digits < exact && scale <= 22 && scale >= -22) {
      // Both exact, so their quotient or product is rounded once (Clinger, How to Read Floating Point Numbers Accurately, 1990).
      x = scale >= 0 ? digits / powers[scale] : digits * powers[-scale]
    } else if (digits < 1e22 && scale >= 0 && scale <= 64) {
      if (fewer === 0) x = quotient(before, block, 8, scale)
      else if (rest < exact) x = quotient(rest, few, fewer, scale)
      else if (fewer <= 3) x = quotient(before, block * powers[fewer] + few, fewer + 8, scale)
    }
    if (Number.isNaN(x)) x = Math.abs(Number(bytes.toString('latin1', start, at)))
    if (x >= tooLarge || count === limit) return false
    into[count++] = x * (1 - 2 * minus)

    while (c === 32 || c === 10 || c === 13 || c === 9) c = bytes[++at]
    at++
    if (c === 93) {
      cursor.at = at
      cursor.count = count
      return true
    }
    if (c !== 44) return false
  }
}

/** For exact products of doubles, in two halves of 26 bits each (Veltkamp and Dekker, A Floating-Point Technique for Extending the Available Precision, 1971). */
const splitter = 2 ** 27 + 1

/**
 * (a * 10^m + b) / 10^k rounded once, in twice the precision of a double; NaN in the rare case that this is too little to know which way. For whole numbers a up to 2^53
 * and b < 10^m, m up to 11, so that half of a's bits times 5^m is exact, a * 10^m + b < 10^22, k up to 64.
 */
function quotient (a: number, b: number, m: number, k: number): number {
  const shift = powers[m]
  const spreadA = splitter * a
  const highA = spreadA - (spreadA - a)
  const product = a * shift
  const productError = (highA * shift - product) + (a - highA) * shift
  // a * 10^m + b = high + low.
  const high = product + b
  const added = high - product
  const low = ((product - (high - added)) + (b - added)) + productError

  const power = powers[k]
  const inverse = inverses[k]
  const q = high * inverse
  const spreadQ = splitter * q
  const highQ = spreadQ - (spreadQ - q)
  const lowQ = q - highQ
  const spreadPower = splitter * power
  const highPower = spreadPower - (spreadPower - power)
  const lowPower = power - highPower
  const back = q * power
  const backError = ((highQ * highPower - back) + highQ * lowPower + lowQ * highPower) + lowQ * lowPower
  const correction = (((high - back) - backError) + (low - q * missing[k])) * inverse
  // What is neglected, of the correction (below 2^-50 q) as of the power, is below 2^-101 q.
  const doubt = q * 2 ** -98
  const x = q + (correction - doubt)
  return x === q + (correction + doubt) ? x : NaN
}
