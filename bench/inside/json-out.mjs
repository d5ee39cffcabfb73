// node bench/inside/json-out.mjs: what one float32 costs as JSON text, beside JSON.stringify and, where $BENCH_PYTHON has it, orjson on a NumPy array.

import { JsonWriter, jsonSize } from '../../dist/src/trace/json-writer.js'
import { nestedWriter, plainRows } from '../../dist/src/trace/float32-rows.js'
import { compiledRows } from '../../dist/src/trace/float32-wasm.js'
import { startOrjson } from '../orjson.mjs'
import { alone, most, short } from './support/report.mjs'
import { median, ratio } from './support/rounds.mjs'

export const title = 'A float32 as JSON text'

const shape = [16, 100, 128]
const size = shape.reduce((a, b) => a * b, 1)
/** Rounds that warm up. */
const first = 3

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

const own = 'statescope'
const plain = nestedWriter(plainRows)
const compiled = nestedWriter(compiledRows)
const answer = new Uint8Array(17 * size)
const ways = {
  [own] (data) {
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

export async function run ({ rounds = 15 } = {}) {
  const orjson = await startOrjson(python)
  const names = [...Object.keys(ways), ...(orjson === null ? [] : [`orjson ${orjson.version} on NumPy`])]
  const found = []
  for (const [kind, draw] of Object.entries(kinds)) {
    const data = Float32Array.from({ length: size }, draw)
    const times = Object.fromEntries(names.map((name) => [name, []]))
    const lengths = {}
    for (let round = -first; round < rounds; round++) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const [time, bytes] = name in ways ? timed(ways[name], data) : await orjson.run(Buffer.from(data.buffer))
        lengths[name] = bytes / size
        if (round >= 0) times[name].push(time / size)
      }
    }
    for (const name of names) {
      found.push({ kind, name, bytes: lengths[name], time: median(times[name]), spread: [Math.min(...times[name]), Math.max(...times[name])], ofOwn: ratio(times[name], times[own]) })
    }
  }
  orjson?.end()
  const ours = found.filter(({ name }) => name === own).map(({ kind, time }) => ({ where: kind, value: time }))
  return {
    title,
    notes: [`${size} floats [${shape}], in nanoseconds of CPU time a float. Each text is the shortest that reads as the same float32 again (test/trace/float32.test.ts, and 100 million of them in float32.slow.test.ts), whichever magnitudes there are: spread evenly from 1e-6 to 1 they take more than those of states and gates do.`],
    columns: ['floats', 'written by', 'ns a float', 'spread', 'bytes a float', 'of statescope\'s'],
    rows: found.map(({ kind, name, time, spread, bytes, ofOwn }) => [kind, name, time, spread.map(short).join(' to '), bytes, name === own ? '' : `${short(ofOwn)}x`]),
    targets: [most('into text', 15, ours, ' ns a float')]
  }
}

function timed (way, data) {
  const before = process.cpuUsage()
  const bytes = way(data)
  const { user, system } = process.cpuUsage(before)
  return [1000 * (user + system), bytes]
}

await alone(import.meta.url, run)
