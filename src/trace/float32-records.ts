import { layout } from './float32-rows.ts'
import { isExact, powerBelow, units, widths } from './float32.ts'

/**
 * What the compiled writer knows by a float's sign, exponent and decade. Two records for each of the 512 signs and exponents, the second for the
 * bits above a boundary. Where a power of ten lies within the range, that is the first float with a digit more; everywhere else the power of two
 * itself is alone in the first record, because its interval is not symmetric: it stands there with its digits.
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
const zero = 48
const a = 97

/** `buffer` is all zeros there. */
export function fillRecords (buffer: ArrayBuffer): void {
  const recordsOf = (sign: number, e: number): [DataView, DataView] => {
    const at = layout.records + 128 * (256 * sign + e)
    return [new DataView(buffer, at, 64), new DataView(buffer, at + 64, 64)]
  }
  for (const sign of [0, 1]) {
    const [first] = recordsOf(sign, 0)
    setAlone(first, 0)
    setFormat(first, 1, 1, sign)
    if (sign === 1) {
      bytesOf(first).write('-0.0', record.text)
      first.setInt32(record.least, 1 << 3, true)
    }
    first.setInt32(record.boundary, sign << 31, true)
  }
  // Subnormals, NaN and the infinities stay zeros.
  for (let e = 1; e < 255; e++) setExponent(recordsOf(0, e), recordsOf(1, e), e)
}

const bytesOf = (view: DataView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength)

const float = new DataView(new ArrayBuffer(4))

function setExponent (positive: [DataView, DataView], negative: [DataView, DataView], e: number): void {
  const power = 2 ** (e - 127)
  const whole = powerBelow(power) + 1
  const ten = Number(`1e${whole}`)
  const more = ten < 2 * power ? 1 : 0
  // The float nearest to the power of ten is the only one that can be written as it.
  if (more === 1) float.setFloat32(0, ten)
  const boundary = more === 1 ? float.getInt32(0) - 1 : e << 23
  const digits = digitsOfPower(e, widths[e] / 4)
  const symmetric = digitsOfPower(e, widths[e] / 2)
  for (const [sign, [first, second]] of [positive, negative].entries()) {
    setFormat(first, whole - units[e], whole, sign)
    setFormat(second, whole + more - units[e], whole + more, sign)
    if (more === 1 && digits === symmetric) setInterval(first, e)
    if (more === 0 && digits !== undefined) setAlone(first, digits)
    setInterval(second, e)
    first.setInt32(record.boundary, sign << 31 | boundary, true)
  }
}

/** What is written, in units, for a power of two that stands for so much below itself; undefined where more digits, or not the nearest ones, would be. */
function digitsOfPower (e: number, below: number): number | undefined {
  const s = 2 ** 23 * widths[e]
  const tens = Math.floor((s + widths[e] / 2) / 10) * 10
  return [tens, Math.floor(s + 0.5)].find((digits) => digits > s - below)
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

/** For so many digits, so many of them before the point. */
function setFormat (view: DataView, count: number, whole: number, sign: number): void {
  const fixed = whole > -3 && whole <= 9
  const point = fixed ? whole : 1
  // The digits that are made are a to h: of nine the first can only be 1.
  const digits = `${count === 9 ? '1' : ''}${'abcdefgh'.slice(Math.max(0, 8 - count))}`.padEnd(point, '0')
  const picture = point > 0 ? `${digits.slice(0, point)}.${digits.slice(point)}` : `0.${'0'.repeat(-point)}${digits}`
  const signed = `${sign === 1 ? '-' : ''}${picture}`.padEnd(16, '0')
  const bytes = bytesOf(view)
  for (let n = 0; n < 16; n++) {
    const letter = signed.charCodeAt(n)
    bytes[record.from + n] = letter < a ? none : letter - a
    bytes[record.text + n] = letter < a ? letter : zero
  }
  const tail = fixed ? ',' : `e${whole - 1},`
  bytes.write(tail, record.tail)
  bytes[record.tail + 7] = 32 + tail.length
  view.setInt32(record.least, 1 << sign + (point > 0 ? point - 1 : 2 - point), true)
}
