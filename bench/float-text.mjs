// node bench/float-text.mjs: what one float32 costs as JSON text, beside JSON.stringify and, where $BENCH_PYTHON has it, orjson on a NumPy array.
// Rounds are interleaved; each number is a median, in nanoseconds of CPU time, and its spread from the lowest to the highest.

import { JsonWriter, jsonSize } from '../dist/src/trace/json-writer.js'
import { nestedWriter, plainRows } from '../dist/src/trace/float32-rows.js'
import { compiledRows } from '../dist/src/trace/float32-wasm.js'
import { startOrjson } from './orjson.mjs'

const rounds = Number(process.env.ROUNDS ?? 15)
const shape = [16, 100, 128]
const size = shape.reduce((a, b) => a * b, 1)

const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
const kinds = {
  'sigmoid of normal values': () => 1 / (1 + Math.exp(-2 * normal())),
  'tanh of normal values': () => Math.tanh(normal()),
  'uniform in (-1, 1)': () => 2 * Math.random() - 1,
  'normal values': normal,
  'hard_sigmoid, a fifth of them 0 or 1': () => Math.min(1, Math.max(0, 0.5 + 0.4 * normal())),
  'any bits of an activation, 1e-6 to 1': () => (Math.random() < 0.5 ? -1 : 1) * 10 ** (-6 * Math.random()),
  'relu, half of them 0': () => Math.max(0, 4 * (Math.random() - 0.5))
}

const plain = nestedWriter(plainRows)
const compiled = nestedWriter(compiledRows)
const answer = new Uint8Array(17 * size)
const ways = {
  statescope (data) {
    let at = 0
    compiled(shape, data, (piece) => {
      answer.set(piece, at)
      at += piece.length
    })
    return at
  },
  'statescope, into a new buffer' (data) {
    const json = new JsonWriter(jsonSize({ shape, data }))
    json.values({ shape, data })
    return json.finish().length
  },
  'statescope, without WebAssembly' (data) {
    let bytes = 0
    plain(shape, data, (piece) => { bytes += piece.length })
    return bytes
  },
  'JSON.stringify(Array.from(data))': (data) => Buffer.from(JSON.stringify(Array.from(data))).length
}

const python = `
import base64, sys, time
import numpy, orjson
print('ready', orjson.__version__, flush=True)
for line in sys.stdin:
    data = numpy.frombuffer(base64.b64decode(line), numpy.float32).reshape(${shape})
    start = time.process_time_ns()
    text = orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)
    print(time.process_time_ns() - start, len(text), flush=True)
`

async function byOrjson (data) {
  const [time, bytes] = await orjson.run(Buffer.from(data.buffer))
  return { time, bytes }
}

function timed (way, data) {
  const before = process.cpuUsage()
  const bytes = way(data)
  const { user, system } = process.cpuUsage(before)
  return { time: 1000 * (user + system), bytes }
}

const orjson = await startOrjson(python)
const names = [...Object.keys(ways), ...(orjson === null ? [] : [`orjson ${orjson.version} on NumPy`])]
console.log(`${size} floats [${shape}], ${rounds} rounds, Node.js ${process.version}${orjson === null ? ', no orjson ($BENCH_PYTHON)' : ''}`)
for (const [kind, draw] of Object.entries(kinds)) {
  const data = Float32Array.from({ length: size }, draw)
  const found = names.map(() => [])
  for (let round = -2; round < rounds; round++) {
    for (let n = 0; n < names.length; n++) {
      const way = ways[names[n]]
      const result = way === undefined ? await byOrjson(data) : timed(way, data)
      // The first two warm up.
      if (round >= 0) found[n].push(result)
    }
  }
  const sorted = found.map((results) => results.map(({ time }) => time / size).sort((a, b) => a - b))
  const median = (times) => times[times.length >> 1]
  console.log(`\n${kind}`)
  for (const [n, name] of names.entries()) {
    const times = sorted[n]
    console.log(`${name.padEnd(34)} ${median(times).toFixed(1).padStart(6)} ns (${times[0].toFixed(1)}-${times.at(-1).toFixed(1)})  ${(found[n][0].bytes / size).toFixed(2).padStart(6)} bytes  ${(median(times) / median(sorted[0])).toFixed(2).padStart(6)} x`)
  }
}
orjson?.end()
