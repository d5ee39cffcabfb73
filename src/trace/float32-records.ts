import { layout } from './float32-rows.ts'
import { isExact, longest, powerBelow, units, widths, writeFloat32 } from './float32.ts'

/**
 * What the compiled writer knows by a float's sign, exponent and decade. Two records for each of the 512 signs and exponents, the second for the
 * bits above a boundary. Where a power of ten lies within the range, that is the first float with a digit more; everywhere else the power of two
 * itself is alone in the first record, because its interval is not symmetric: it stands with its digits, which `writeFloat32` chose.
 */

/** Where things lie in a record of 64 bytes. */
export const record = {
  /** f64, in parts of 2^-20 units: from one float to the next. 0 makes an end a whole number, which is left to `other`. */
  width: 0,
  /** i64, in 2^-32 units: half of it. */
  half: 8,
  /** 16 times u8: which of the 16 digits of two floats stands there; `none` for none. */
  from: 16,
  /** 16 times u8: the text, with the character 0 for every digit. */
  text: 32,
  /** u8: what follows the digits: an exponent and the comma. The eighth is 32 and their number. */
  tail: 48,
  /** i32, one bit of 16: the text does not end before this place. */
  least: 56,
  /** i32, in the first of two: floats of more bits have the second. */
  boundary: 60
} as const

const none = 255

/** `buffer` is all zeros there. */
export function fillRecords (buffer: ArrayBuffer): void {
  for (const sign of [0, 1]) {
    const at = (e: number): number => layout.records + 128 * (256 * sign + e)
    const zero = new DataView(buffer, at(0), 64)
    setAlone(zero, 0)
    setFormat(zero, 1, 1, sign)
    if (sign === 1) {
      Buffer.from(buffer, at(0)).write('-0.0', record.text)
      zero.setInt32(record.least, 1 << 3, true)
    }
    zero.setInt32(record.boundary, sign << 31, true)
    // Subnormals, NaN and the infinities stay zeros.
    for (let e = 1; e < 255; e++) setExponent(new DataView(buffer, at(e), 64), new DataView(buffer, at(e) + 64, 64), e, sign)
  }
}

const power = Buffer.alloc(longest)
const float = new DataView(new ArrayBuffer(4))

function setExponent (first: DataView, second: DataView, e: number, sign: number): void {
  const low = 2 ** (e - 127)
  const unit = units[e]
  const whole = powerBelow(low) + 1
  const ten = Number(`1e${whole}`)
  const end = writeFloat32(power, 0, low, e << 23)
  const digits = Number(power.toString('latin1', 0, end)) / Number(`1e${unit}`)
  float.setInt32(0, e << 23)
  if (ten < 2 * low) {
    // The float nearest to it is the only one that can be written as it.
    float.setFloat32(0, ten)
    float.setInt32(0, float.getInt32(0) - 1)
    setFormat(first, whole - unit, whole, sign)
    setFormat(second, whole + 1 - unit, whole + 1, sign)
    if (isSymmetric(e, digits)) setInterval(first, e)
  } else {
    setFormat(first, whole - unit, whole, sign)
    setFormat(second, whole - unit, whole, sign)
    setAlone(first, Math.round(digits))
  }
  setInterval(second, e)
  first.setInt32(record.boundary, sign << 31 | float.getInt32(0), true)
}

/** Whether a power of two, whose digits in units are these, would come out right as if its interval were symmetric. */
function isSymmetric (e: number, digits: number): boolean {
  const s = 2 ** 23 * widths[e]
  const tens = Math.floor((s + widths[e] / 2) / 10) * 10
  const chosen = tens > s - widths[e] / 2 ? tens : Math.round(s)
  return Math.abs(chosen - digits) < 0.01
}

function setInterval (view: DataView, e: number): void {
  // Two to four parts more where all is exact: a middle then counts as above itself, and as told.
  view.setFloat64(record.width, widths[e] * 2 ** 20 + (isExact(e) ? 2 ** -22 : 0), true)
  view.setBigInt64(record.half, BigInt(Math.round(widths[e] * 2 ** 31)), true)
}

/** Of the mantissa 2^23 and an interval of a half around it, these digits come. */
function setAlone (view: DataView, digits: number): void {
  view.setFloat64(record.width, (digits + 1 / 8) / 2 ** 3, true)
  view.setBigInt64(record.half, 2n ** 30n, true)
}

/** For so many digits, so many of them before the point; the last eight of them end at the eighth of the digits that are made. */
function setFormat (view: DataView, count: number, whole: number, sign: number): void {
  const froms: number[] = []
  let text = ''
  const put = (letter: string, from = none): void => {
    text += letter
    froms.push(from)
  }
  const fixed = whole > -3 && whole <= 9
  const point = fixed ? whole : 1
  if (sign === 1) put('-')
  if (point <= 0) {
    for (const letter of '0.'.padEnd(2 - point, '0')) put(letter)
  }
  let least = text.length
  for (let n = 0; n < Math.max(count, point); n++) {
    if (n > 0 && n === point) put('.')
    if (n < point) least = text.length
    if (n >= count) put('0')
    else if (n === 0 && count === 9) put('1')
    else put('0', n + 8 - count)
  }
  const tail = fixed ? ',' : `e${whole - 1},`
  const bytes = Buffer.from(view.buffer, view.byteOffset)
  bytes.fill(none, record.from, record.from + 16).set(froms, record.from)
  bytes.write(text.padEnd(16, '0'), record.text)
  bytes.write(tail, record.tail)
  bytes[record.tail + 7] = 32 + tail.length
  view.setInt32(record.least, 1 << least, true)
}
