// node bench/json-in.mjs: what one number of a JSON body costs until it is a float32, beside JSON.parse and the lists it gives, and, where $BENCH_PYTHON has
// them, orjson and NumPy. Rounds are interleaved; each number is a median, in nanoseconds of CPU time, and its spread from the lowest to the highest.

import { readNested } from '../dist/src/request/nested.js'
import { parseScanned } from '../dist/src/request/scan.js'
import { startOrjson } from './orjson.mjs'

const rounds = Number(process.env.ROUNDS ?? 15)
const shape = [32, 40, 60]
const size = shape.reduce((a, b) => a * b, 1)
const rules = { expected: [null, null, 60], double: false }

const single = () => Math.fround(Math.tanh(2 * (Math.random() + Math.random() + Math.random() - 1.5)))
const kinds = {
  'float32 printed as doubles (17 digits)': () => String(single()),
  'the same below 1e-6 too': () => String(Math.fround((Math.random() < 0.5 ? -1 : 1) * 10 ** (-8 * Math.random()))),
  'float32 as short as they go': () => shortest(single()),
  'two decimals': () => (200 * (Math.random() - 0.5)).toFixed(2),
  'token ids': () => String(Math.floor(10000 * Math.random()))
}

function shortest (x) {
  for (let digits = 6; ; digits++) {
    const text = String(Number(x.toPrecision(digits)))
    if (Math.fround(Number(text)) === x) return text
  }
}

const ways = {
  statescope: (body) => readNested(parseScanned(body, (text) => JSON.parse(text)).inputs, rules, '/inputs').data,
  'statescope, doubles too (raw: true)': (body) => readNested(parseScanned(body, (text) => JSON.parse(text)).inputs, { ...rules, double: true }, '/inputs').data,
  'JSON.parse, then the lists': (body) => readNested(JSON.parse(body.toString()).inputs, rules, '/inputs').data
}

const python = `
import base64, sys, time
import numpy, orjson
print('ready', orjson.__version__, flush=True)
for line in sys.stdin:
    body = base64.b64decode(line)
    start = time.process_time_ns()
    data = numpy.asarray(orjson.loads(body)['inputs'], numpy.float32)
    print(time.process_time_ns() - start, data.size, flush=True)
`

function timed (way, body) {
  const before = process.cpuUsage()
  const data = way(body)
  const { user, system } = process.cpuUsage(before)
  if (data.length !== size) throw new Error(`${data.length} numbers for ${size}`)
  return 1000 * (user + system)
}

function bodyOf (draw) {
  const list = ([size, ...sizes]) => `[${Array.from({ length: size }, () => sizes.length === 0 ? draw() : list(sizes)).join()}]`
  return Buffer.from(`{"model":"m","inputs":${list(shape)}}`)
}

const orjson = await startOrjson(python)
const names = [...Object.keys(ways), ...(orjson === null ? [] : [`orjson ${orjson.version}, then NumPy`])]
console.log(`${size} numbers [${shape}], ${rounds} rounds, Node.js ${process.version}${orjson === null ? ', no orjson ($BENCH_PYTHON)' : ''}`)
for (const [kind, draw] of Object.entries(kinds)) {
  const body = bodyOf(draw)
  const found = names.map(() => [])
  for (let round = -3; round < rounds; round++) {
    for (let n = 0; n < names.length; n++) {
      const way = ways[names[n]]
      const time = way === undefined ? (await orjson.run(body))[0] : timed(way, body)
      // The first three warm up.
      if (round >= 0) found[n].push(time / size)
    }
  }
  const sorted = found.map((times) => times.sort((a, b) => a - b))
  const median = (times) => times[times.length >> 1]
  console.log(`\n${kind}, ${(body.length / size).toFixed(1)} bytes a number`)
  for (const [n, name] of names.entries()) {
    const times = sorted[n]
    console.log(`${name.padEnd(36)} ${median(times).toFixed(1).padStart(6)} ns (${times[0].toFixed(1)}-${times.at(-1).toFixed(1)})  ${(median(times) / median(sorted[0])).toFixed(2).padStart(6)} x`)
  }
}
orjson?.end()
