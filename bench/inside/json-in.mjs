// node bench/inside/json-in.mjs: what one number of a JSON body costs until it is a float32, from the bytes to the array that an engine is given, beside JSON.parse and the lists
// it gives, and, where the rivals are set up, orjson and NumPy.

import { readNested } from '../../dist/src/request/nested.js'
import { parseScanned } from '../../dist/src/request/scan.js'
import { startOrjson } from './support/orjson.mjs'
import { alone, most, short } from './support/report.mjs'
import { timedWays } from './support/ways.mjs'

export const title = 'A number of a JSON body until it is a float32'

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

const own = 'statescope'
const ways = {
  [own]: (body) => readNested(parseScanned(body, (text) => JSON.parse(text)).inputs, rules, '/inputs').data.length,
  'statescope, doubles too (raw: true)': (body) => readNested(parseScanned(body, (text) => JSON.parse(text)).inputs, { ...rules, double: true }, '/inputs').data.length,
  'JSON.parse, then the lists': (body) => readNested(JSON.parse(body.toString()).inputs, rules, '/inputs').data.length
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

export async function run ({ rounds = 15 } = {}) {
  const orjson = await startOrjson(python)
  const found = []
  for (const [kind, draw] of Object.entries(kinds)) {
    const body = bodyOf(draw)
    for (const one of await timedWays(ways, orjson, { subject: body, bytes: body, items: size, rounds, orjsonDoes: ', then NumPy' })) {
      if (one.gave !== size) throw new Error(`${one.gave} numbers for ${size}`)
      found.push({ kind, perNumber: body.length / size, ...one })
    }
  }
  orjson?.end()
  return {
    title,
    notes: [
      `Bodies of ${size} numbers [${shape}], in nanoseconds of CPU time a number, from the bytes of the body to the Float32Array that an engine is given. All are the nearest float32, read to the last bit as JSON.parse reads them ("node bench/json-in-exact.mjs" holds 10 million against it).`
    ],
    columns: ['numbers', 'bytes a number', 'read by', 'ns a number', 'spread', 'of statescope\'s'],
    rows: found.map(({ kind, name, perNumber, time, spread, ofFirst }) => [kind, perNumber, name, time, spread.map(short).join(' to '), name === own ? '' : `${short(ofFirst)}x`]),
    targets: [most('from the bytes to a float32', 50, found.filter(({ name }) => name === own).map(({ kind, time }) => ({ where: kind, value: time })), ' ns a number')]
  }
}

function bodyOf (draw) {
  const list = ([size, ...sizes]) => `[${Array.from({ length: size }, () => sizes.length === 0 ? draw() : list(sizes)).join()}]`
  return Buffer.from(`{"model":"m","inputs":${list(shape)}}`)
}

await alone(import.meta.url, run)
