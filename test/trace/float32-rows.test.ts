import t from 'tap'
import { execFileSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { nestedWriter, plainRows } from '../../src/trace/float32-rows.ts'
import { compiledRows } from '../../src/trace/float32-wasm.ts'
import { longest, writeFloat32 } from '../../src/trace/float32.ts'
import { assemble } from '../../src/trace/wasm-text.ts'
import { faultOf } from './decimals.ts'

const writers = { compiled: nestedWriter(compiledRows), plain: nestedWriter(plainRows) }

function textBy (writer: keyof typeof writers, shape: readonly number[], data: Float32Array): { text: string, nonFinite: number } {
  const pieces: Buffer[] = []
  const nonFinite = writers[writer](shape, data, (piece) => { pieces.push(Buffer.from(piece)) })
  return { text: Buffer.concat(pieces).toString('latin1'), nonFinite }
}

/** One float at a time by `writeFloat32`, whose own exactness float32.test.ts proves. */
function each (patterns: Uint32Array): string[] {
  const values = new Float32Array(patterns.buffer)
  const bytes = Buffer.alloc(longest)
  return Array.from(values, (value, n) => Number.isFinite(value) ? bytes.toString('latin1', 0, writeFloat32(bytes, 0, value, patterns[n])) : 'null')
}

const expected = (patterns: Uint32Array): string => `[${each(patterns).join()}]`

let random = 0x2545f491
function nextRandom (): number {
  random = (Math.imul(random, 1664525) + 1013904223) >>> 0
  return random
}

t.test('every exponent, both signs: the ends, the neighbours of the ends, random mantissas; the same bytes as one by one', async (t) => {
  for (const writer of ['compiled', 'plain'] as const) {
    let wrong = 0
    for (let e = 0; e < 256; e++) {
      const mantissas = [...Array(64).keys(), ...Array.from({ length: 64 }, (_, n) => 0x7fffff - n), ...Array.from({ length: 1500 }, () => nextRandom() >>> 9)]
      const patterns = Uint32Array.from(mantissas.flatMap((mantissa) => [(e << 23) | mantissa, 0x80000000 | (e << 23) | mantissa]))
      const { text, nonFinite } = textBy(writer, [patterns.length], new Float32Array(patterns.buffer))
      if (text !== expected(patterns) || nonFinite !== (e === 255 ? patterns.length : 0)) wrong++
    }
    t.equal(wrong, 0, writer)
  }
})

t.test('every exponent, as the judge sees it: one bit set, one not, few digits, random mantissas', async (t) => {
  const faults: string[] = []
  for (let e = 0; e < 255; e++) {
    const mantissas = [
      0, ...Array.from({ length: 23 }, (_, n) => 1 << n), ...Array.from({ length: 23 }, (_, n) => 0x7fffff ^ (1 << n)), ...Array.from({ length: 23 }, (_, n) => 0x7fffff >> n),
      ...Array.from({ length: 600 }, () => nextRandom() >>> 9), ...Array.from({ length: 100 }, () => (nextRandom() >>> 24) << 15)
    ]
    const patterns = Uint32Array.from(mantissas, (mantissa) => ((nextRandom() & 0x80000000) | (e << 23) | mantissa) >>> 0)
    const values = new Float32Array(patterns.buffer)
    const { text } = textBy('compiled', [values.length], values)
    const texts = text.slice(1, -1).split(',')
    for (const [n, value] of values.entries()) {
      if (!Object.is(Math.fround(JSON.parse(texts[n]) as number), value)) faults.push(`${texts[n]} is not ${value}`)
      const fault = value === 0 ? '' : faultOf(Buffer.from(texts[n]), 0, texts[n].length, value)
      if (fault !== '') faults.push(`${texts[n]} for ${value} ${fault}`)
    }
  }
  t.same(faults.slice(0, 10), [])
})

t.test('rows of every length, with what is rare at every place of them', async (t) => {
  const rare = [0x7fc00000, 0xff800000, 0x80000000, 0, 1, 0x807fffff, 0x3f800000, 0xbf000000, 0x201f93d2, 0x4b800001, 0x00800000]
  for (const writer of ['compiled', 'plain'] as const) {
    const wrong: number[] = []
    for (let size = 1; size <= 13; size++) {
      const patterns = Uint32Array.from({ length: 600 * size }, () => nextRandom() >>> 29 === 0 ? rare[nextRandom() % rare.length] : 0x30000000 + (nextRandom() & 0x8fffffff))
      const texts = each(patterns)
      const rows = Array.from({ length: 600 }, (_, n) => `[${texts.slice(n * size, (n + 1) * size).join()}]`)
      if (textBy(writer, [600, size], new Float32Array(patterns.buffer)).text !== `[${rows.join()}]`) wrong.push(size)
    }
    t.same(wrong, [], writer)
  }
})

t.test('powers of ten and short decimals, with their neighbours', async (t) => {
  const floats: number[] = []
  for (let n = -45; n <= 38; n++) {
    for (let digits = 1; digits < 1000; digits++) floats.push(Number(`${digits}e${n - 2}`))
  }
  const middle = new Uint32Array(Float32Array.from(floats).buffer)
  const patterns = Uint32Array.from([...middle].flatMap((bits) => [-2, -1, 0, 1, 2].map((step) => Math.max(0, bits + step))))
  t.ok(textBy('compiled', [patterns.length], new Float32Array(patterns.buffer)).text === expected(patterns))
})

t.test('activations: two million in (-1, 1), as they come in rows', async (t) => {
  const values = Float32Array.from({ length: 1 << 21 }, () => nextRandom() / 2 ** 31 - 1)
  const { text } = textBy('compiled', [64, 256, 128], values)
  t.ok(text === textBy('plain', [64, 256, 128], values).text)
  const read = Float32Array.from((JSON.parse(text) as number[][][]).flat(2))
  t.ok(Buffer.from(read.buffer).equals(Buffer.from(values.buffer)), 'each reads back as itself')
  t.ok(text.length <= 12 * values.length)
})

t.test('nested by the shape', async (t) => {
  const shapes = [[], [1], [5], [2, 3], [3, 1], [1, 1, 1], [2, 3, 4, 5], [3, 5000], [20000, 1], [2, 2, 4096], [7, 1000], [1, 1, 1, 1, 1, 1, 9], [0], [2, 0], [0, 3], [2, 3, 0]]
  for (const shape of shapes) {
    const size = shape.reduce((a, b) => a * b, 1)
    const values = Float32Array.from({ length: size }, (_, n) => n % 3 - 1)
    const tree = (axis: number, from: number, length: number): unknown => axis === shape.length
      ? values[from]
      : Array.from({ length: shape[axis] }, (_, n) => tree(axis + 1, from + n * length / shape[axis], length / shape[axis]))
    const wanted = JSON.stringify(tree(0, 0, size))
    for (const writer of ['compiled', 'plain'] as const) t.ok(textBy(writer, shape, values).text === wanted, `[${shape.join()}] ${writer}`)
  }
})

t.test('a part of a larger buffer; the longest texts; every piece full of them', async (t) => {
  const values = new Float32Array(10000).fill(-1.1754945e-38)
  const part = values.subarray(3, 9003)
  const { text } = textBy('compiled', [9, 1000], part)
  t.equal(text, `[${Array(9).fill(`[${Array(1000).fill('-1.1754945e-38').join()}]`).join()}]`)
})

const json = new URL('../../src/trace/json-writer.js', import.meta.url)
const script = `
import { JsonWriter } from ${JSON.stringify(json.href)}
const json = new JsonWriter()
json.values({ shape: [2, 2], data: Float32Array.of(0.1, -2.5, NaN, 1e-7) })
`

t.test('inside a worker thread', async (t) => {
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(`import { parentPort } from 'node:worker_threads'${script}
parentPort.postMessage(Buffer.from(json.finish()).toString())`)}`))
  t.equal(await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject)), '[[0.1,-2.5],[null,1e-7]]')
})

t.test('without WebAssembly the same', async (t) => {
  const program = `${script}console.log(typeof WebAssembly, Buffer.from(json.finish()).toString(), json.nonFinite)`
  const run = (...flags: string[]): string => execFileSync(process.execPath, [...flags, '--input-type=module', '-e', program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env.PATH } }).trim()
  t.equal(run('--jitless'), 'undefined [[0.1,-2.5],[null,1e-7]] 1')
  t.equal(run(), 'object [[0.1,-2.5],[null,1e-7]] 1')
})

t.test('text that the assembler does not know is an error', async (t) => {
  for (const text of ['(func)', '(module', '(module (table 1))', '(module (func $f (i32.popcnt)))', '(module (func $f (local.get $x)))', '(module (func $f (br $x)))', '(module (func $f (v128.const i32x4 1 2 3)))', '(module (func $f (v128.const f32x4 1 2 3 4)))', '(module (func $f (i8x16.shuffle 0 1 (local.get $x))))', '(module $name)']) {
    t.throws(() => assemble(text), SyntaxError, text)
  }
})
