// node bench/inside/binary.mjs: what one float32 of an answer costs between the engine and the bytes of the answer, format by format.
// The same plan is run once for nothing but the check of the answer, which needs all the arithmetic, and once for everything: the difference is reading the
// arrays back, which the native engine writes where the answer is read. Encoding them comes on top.

import { encoders } from '../../dist/src/trace/encode.js'
import { giveBack } from '../../dist/src/trace/room.js'
import { inProcess } from './support/child.mjs'
import { batchOf, native, programs } from './support/engines.mjs'
import { lstmAndDense, modelOf } from './support/models.mjs'
import { alone, most } from './support/report.mjs'
import { interleaved, median } from './support/rounds.mjs'

export const title = 'A float32 from the engine into an answer'

const steps = 40
const batches = [1, 8, 32, 128]
const formats = ['safetensors', 'npz', 'v2', 'json']

export async function run ({ rounds = 9, milliseconds = 30 } = {}) {
  const found = await inProcess(import.meta.url, 'measure', { rounds, milliseconds })
  const json = found.filter(({ format }) => format === 'json').map(({ batch, bytes }) => ({ where: `B=${batch}`, value: bytes }))
  const large = found.filter(({ batch }) => batch >= 32).map(({ format, batch, total }) => ({ format, where: `${format}, B=${batch}`, value: total }))
  return {
    title,
    notes: [
      `All states and gates of an LSTM of 128 units over ${steps} steps, one thread, in CPU time. read back: from the end of the arithmetic to arrays in JavaScript; encode: from those to the bytes of the answer, as a worker sends them.`,
      'Reading back is a difference of two times that are both much longer: its error is a few hundredths of a nanosecond a float at B=128, more where there are few floats. At B=1 what is done once an answer (its JSON head, one buffer) weighs most.'
    ],
    columns: ['format', 'B', 'floats', 'bytes a float', 'read back ns', 'encode ns', 'together ns a float'],
    rows: found.map(({ format, batch, floats, bytes, back, encode, total }) => [format, String(batch), String(floats), bytes, back, encode, total]),
    targets: [
      most('binary, read back and encoded, B >= 32', 1, large.filter(({ format }) => format !== 'json'), ' ns a float'),
      most('JSON, read back and encoded, B >= 32', 15, large.filter(({ format }) => format === 'json'), ' ns a float'),
      most('JSON, with all that is around the numbers', 12, json, ' bytes a float')
    ]
  }
}

/** In a process of its own. */
export async function measure ({ rounds, milliseconds }) {
  const file = await modelOf(lstmAndDense())
  const { plan, run, unread } = programs(native(1), file, 'gates')
  const receipt = { engine: 'native', checked: ['gates and states'], maxDifference: 0, tolerance: 1e-4, sound: true }
  const head = { model: 'lstm', version: 1, digest: 'sha256:', outputs: null }
  const found = []
  for (const size of batches) {
    const batch = batchOf(size, steps)
    const trace = { ...await run(batch), receipt }
    const check = unread(batch)
    const floats = trace.layers.flatMap(({ tensors }) => Object.values(tensors)).reduce((sum, { data }) => sum + data.length, 0)
    const encode = Object.fromEntries(formats.map((format) => [format, async () => {
      // As a worker gets it back once the answer is sent.
      const { buffer } = encoders[format](head, trace, plan)
      if (buffer instanceof SharedArrayBuffer) giveBack([buffer])
    }]))
    const times = await interleaved({ check: async () => check(), all: async () => await run(batch), ...encode }, { rounds, milliseconds })
    const nanoseconds = (above, below) => median(times[above].cpu.map((time, round) => time - (below === undefined ? 0 : times[below].cpu[round]))) * 1e6 / floats
    const back = Math.max(0, nanoseconds('all', 'check'))
    for (const format of formats) {
      const own = nanoseconds(format)
      found.push({ format, batch: size, floats, bytes: encoders[format](head, trace, plan).length / floats, back, encode: own, total: back + own })
    }
  }
  return found
}

await alone(import.meta.url, run)
