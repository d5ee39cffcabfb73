// node bench/json-in-exact.mjs [millions, 10]: random numbers in many spellings, each read as JSON.parse reads it, to the last bit, as a double and as a float32: by TypeScript, and
// by the native reader, which leaves some to it.

import { nativeReader } from '../dist/src/request/native/reader.js'
import { parseScanned } from '../dist/src/request/scan.js'

const millions = Number(process.argv[2] ?? 10)
const batch = 100000
const bits = new DataView(new ArrayBuffer(8))
const random = (n) => Math.floor(n * Math.random())

function anyFloat () {
  for (;;) {
    bits.setUint32(0, random(2 ** 32))
    const x = bits.getFloat32(0)
    if (Number.isFinite(x)) return x
  }
}
function anyDouble () {
  bits.setUint32(4, random(2 ** 32))
  bits.setUint32(0, random(2) * 2 ** 31 + (1023 - 70 + random(140)) * 2 ** 20 + random(2 ** 20))
  return bits.getFloat64(0)
}
const digits = (length) => Array.from({ length }, () => random(10)).join('')
const spellings = [
  () => String(anyFloat()),
  () => String(Math.fround(2 * Math.random() - 1)),
  () => String(2 * Math.random() - 1),
  () => String(anyDouble()),
  () => anyDouble().toPrecision(1 + random(21)),
  () => anyDouble().toExponential(random(21)),
  () => anyFloat().toPrecision(1 + random(12)),
  // Halfway between two float32, and beside it.
  () => String((anyFloat() || 1) * (1 + 2 ** -24 + (random(5) - 2) * 2 ** -52)),
  () => `${random(1000)}.${digits(1 + random(24))}`,
  () => `${random(2) * 2 ** 53 + random(100)}.${digits(1 + random(9))}e-${random(20)}`,
  () => `0.${'0'.repeat(random(20))}${digits(1 + random(20))}`,
  () => `${1 + random(9)}${digits(random(20))}`,
  () => `-${random(10)}.${digits(1 + random(18))}e${random(60) - 40}`
]

// The native reader leaves a list to TypeScript for one number: there each is by itself, some with room around it, some without.
const beside = ['', ' '.repeat(70)].map((blanks) => [Buffer.from(`[${blanks}`), Buffer.from(`${blanks}]`)])
function natively (spelling) {
  const [before, after] = beside[random(2)]
  const found = nativeReader?.(Buffer.concat([before, Buffer.from(spelling), after]), 0) ?? null
  return found === null ? null : { single: found.singles[0], double: found.doubles()[0] }
}

let [wrong, native] = [0, 0]
for (let done = 0; done < millions * 1e6; done += batch) {
  const numbers = Array.from({ length: batch }, () => {
    for (;;) {
      const spelling = spellings[random(spellings.length)]()
      if (Math.abs(Math.fround(Number(spelling))) < Infinity) return spelling
    }
  })
  const { inputs } = parseScanned(Buffer.from(`{"inputs":[${numbers.join()}]}`), (text) => JSON.parse(text), null)
  const doubles = inputs.doubles()
  for (let n = 0; n < batch; n++) {
    const x = Number(numbers[n])
    const own = natively(numbers[n])
    if (own !== null) native++
    for (const { single, double } of [{ single: inputs.singles[n], double: doubles[n] }, own ?? []].flat()) {
      if (Object.is(double, x) && Object.is(single, Math.fround(x))) continue
      wrong++
      console.log(`${numbers[n]}: ${double}, ${single}`)
    }
  }
}
console.log(`${millions} million numbers, ${(native / 1e6).toFixed(2)} million of them by the native reader too, ${wrong} wrong`)
if (wrong > 0) process.exitCode = 1
