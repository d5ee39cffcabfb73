import t from 'tap'
import fc from 'fast-check'
import { longest, writeFloat32 } from '../../src/trace/float32.ts'

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)
const bytes = Buffer.alloc(longest + 8)

/** The text of the float32 with these bits. */
function textOf (pattern: number): string {
  bits[0] = pattern
  bytes.fill('#')
  const end = writeFloat32(bytes, 4, float[0], bits[0])
  if (bytes.toString('latin1', 0, 4) !== '####' || bytes.toString('latin1', end).replaceAll('#', '') !== '') throw new Error('wrote outside its place')
  if (end - 4 > longest) throw new Error('longer than promised')
  return bytes.toString('latin1', 4, end)
}

const digitsOf = (text: string): string => text.replace(/e.*/, '').replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')

/** The shortest by trying them all, with V8's exact conversions: also the neighbours of the nearest, for intervals that are not symmetric. */
function shortest (value: number): { digits: number, texts: string[] } {
  for (let p = 1; ; p++) {
    const [mantissa, exponent] = value.toExponential(p - 1).split('e')
    const n = Number(mantissa.replace('.', ''))
    const texts = [n, n + 1, n - 1].map((m) => `${m}e${Number(exponent) - p + 1}`).filter((text) => Math.fround(Number(text)) === value)
    if (texts.length > 0) return { digits: p, texts }
  }
}

/** What is wrong with the text of a finite pattern; '' if nothing. */
function fault (pattern: number): string {
  const text = textOf(pattern)
  const value = float[0]
  float[0] = Math.fround(JSON.parse(text) as number)
  if (bits[0] !== pattern) return `${text} is not ${value}`
  if (value === 0) return ''
  const best = shortest(Math.abs(value))
  if (digitsOf(text).length > best.digits) return `${text} is longer than ${best.texts[0]}`
  if (Math.abs(Number(text)) !== Number(best.texts[0])) return `${text} is not the nearest, ${best.texts[0]}`
  return ''
}

t.test('forms', async (t) => {
  const cases: [number, string][] = [
    [0, '0'], [-0, '-0.0'], [1, '1'], [-1, '-1'], [0.5, '0.5'], [0.1, '0.1'], [-0.25, '-0.25'], [100, '100'], [16777216, '16777216'],
    [123456.7, '123456.7'], [0.00123, '0.00123'], [0.000123, '1.23e-4'], [1e9, '1e9'], [1e8, '100000000'], [3.4028234663852886e38, '3.4028235e38'],
    [1.401298464324817e-45, '1e-45'], [-1.1754943508222875e-38, '-1.1754944e-38'], [8388608, '8388608'], [33554432, '33554432'], [9.999999e9, '9.999999e9']
  ]
  for (const [value, text] of cases) {
    float[0] = value
    t.equal(textOf(bits[0]), text)
  }
})

t.test('every exponent: both ends, the neighbours of the ends, random mantissas; both signs', async (t) => {
  const faults: string[] = []
  let random = 0x2545f491
  for (let e = 0; e < 255; e++) {
    const mantissas = [...Array(16).keys(), ...Array.from({ length: 16 }, (_, n) => 0x7fffff - n), ...Array.from({ length: 400 }, () => {
      random = (Math.imul(random, 1664525) + 1013904223) >>> 0
      return random >>> 9
    })]
    for (const mantissa of mantissas) {
      for (const sign of [0, 0x80000000]) {
        const found = fault((sign | (e << 23) | mantissa) >>> 0)
        if (found !== '') faults.push(found)
      }
    }
  }
  t.same(faults.slice(0, 10), [])
})

t.test('powers of ten, of two, and their neighbours', async (t) => {
  const faults: string[] = []
  for (let n = -45; n <= 38; n++) {
    for (const digits of [1, 2, 5, 7, 9.999999, 9.9999999, 1.0000001]) {
      float[0] = Number(`${digits}e${n}`)
      const at = bits[0]
      for (let step = -3; step <= 3; step++) {
        const pattern = at + step
        if (pattern < 0 || (pattern >>> 23) >= 255) continue
        const found = fault(pattern)
        if (found !== '') faults.push(found)
      }
    }
  }
  t.same(faults.slice(0, 10), [])
})

t.test('any float32', async () => {
  fc.assert(fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
    float[0] = value
    return fault(bits[0]) === ''
  }), { numRuns: 20000 })
})

t.test('whole numbers and short decimals stay as they are', async () => {
  fc.assert(fc.property(fc.integer({ min: -999999, max: 999999 }), fc.integer({ min: 0, max: 5 }), (n, places) => {
    float[0] = n / 10 ** places
    return n === 0 || Number(textOf(bits[0])) === n / 10 ** places
  }), { numRuns: 5000 })
})
