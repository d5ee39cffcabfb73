// node bench/inside/json-out.mjs: what one float32 costs as JSON text, beside JSON.stringify and, where the rivals are set up, orjson on a NumPy array.

import { JsonWriter, jsonSize } from '../../dist/src/trace/json-writer.js'
import { nestedWriter, plainRows } from '../../dist/src/trace/float32-rows.js'
import { compiledRows } from '../../dist/src/trace/float32-wasm.js'
import { startOrjson } from './support/orjson.mjs'
import { alone, most, short } from './support/report.mjs'
import { timedWays } from './support/ways.mjs'

export const title = 'A float32 as JSON text'

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
  const found = []
  for (const [kind, draw] of Object.entries(kinds)) {
    const data = Float32Array.from({ length: size }, draw)
    for (const one of await timedWays(ways, orjson, { subject: data, bytes: Buffer.from(data.buffer), items: size, rounds, orjsonDoes: ' on NumPy' })) found.push({ kind, ...one })
  }
  orjson?.end()
  const ours = found.filter(({ name }) => name === own).map(({ kind, time }) => ({ where: kind, value: time }))
  return {
    title,
    notes: [`${size} floats [${shape}], in nanoseconds of CPU time a float. Each text is the shortest that reads as the same float32 again (test/trace/float32.test.ts, and 100 million of them in float32.slow.test.ts), whichever magnitudes there are: spread evenly from 1e-6 to 1 they take more than those of states and gates do.`],
    columns: ['floats', 'written by', 'ns a float', 'spread', 'bytes a float', 'of statescope\'s'],
    rows: found.map(({ kind, name, time, spread, gave, ofFirst }) => [kind, name, time, spread.map(short).join(' to '), gave / size, name === own ? '' : `${short(ofFirst)}x`]),
    targets: [most('into text', 15, ours, ' ns a float')]
  }
}

await alone(import.meta.url, run)
