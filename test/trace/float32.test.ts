import t from 'tap'
import fc from 'fast-check'
import { longest, writeFloat32 } from '../../src/trace/float32.ts'
import { faultOf } from './decimals.ts'

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

t.test('the middle between two decimals, or nearly so; an end that is a decimal as a double alone', async (t) => {
  const faults: string[] = []
  for (const pattern of [0x00dc6e8b, 0x15ae43fd, 0x15ae43fe, 0x201f93d2, 0x2280c0ec, 0x2420f127, 0x24f7c11f, 0x28c676f1, 0x2c4c0a99, 0x33df4014, 0x362fc14f, 0x39800000, 0x3e020000, 0x4980017a, 0x4a0000ff]) {
    for (let step = -2; step <= 2; step++) {
      const found = fault(pattern + step)
      if (found !== '') faults.push(found)
    }
  }
  t.same(faults, [])
  float[0] = 1048623.25
  t.equal(textOf(bits[0]), '1048623.3')
  bits[0] = 0x201f93d2
  t.equal(textOf(bits[0]), '1.3516733e-19', '1.351673349999998...e-19')
})

t.test('the judge of the compiled writer and of the sweep says the same, and what is wrong', async (t) => {
  const judge = (text: string, value: number): string => faultOf(Buffer.from(`[${text},`), 1, text.length + 1, Math.fround(value))
  t.equal(judge('0.1', 0.1), '')
  t.equal(judge('0.10000000', 0.1), '')
  t.equal(judge('0.10000001', 0.1), 'is another float')
  t.equal(judge('-0.1', 0.1), 'has another sign')
  t.equal(judge('0.1', -0.1), 'has another sign')
  t.equal(judge('0.100000001', 0.1), 'is not the shortest')
  t.equal(judge('1.4e-45', 2 ** -149), 'is not the shortest')
  t.equal(judge('0.29999999', 0.3), 'is another float')
  t.equal(judge('16777.004', 16777.00390625), '')
  t.equal(judge('16777.003', 16777.00390625), 'is not the nearest')
  t.equal(judge('10.0000107', 10.00001049041748), 'is not the nearest')
  t.equal(judge('1048623.3', 1048623.25), '')
  t.equal(judge('1048623.2', 1048623.25), 'is the lower of two as near')
  t.equal(judge('1.3516734e-19', 1.35167334999999873806745837729e-19), 'is not the nearest')
  let random = 0x9e3779b9
  let differ = 0
  for (let n = 0; n < 20000; n++) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    bits[0] = random
    if (!Number.isFinite(float[0])) continue
    const value = float[0]
    const text = Math.abs(value).toPrecision(9)
    for (const shorter of [text, Number(text).toPrecision(8), Number(text).toPrecision(7)].map((wanted) => Number(wanted))) {
      const best = shortest(Math.abs(value))
      const right = digitsOf(shorter.toExponential()).length === best.digits && shorter === Number(best.texts[0])
      if ((judge(shorter.toExponential().replace('+', ''), Math.abs(value)) === '') !== right) differ++
    }
  }
  t.equal(differ, 0)
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
