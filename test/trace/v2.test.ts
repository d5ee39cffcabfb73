import t from 'tap'
import { Fault } from '../../src/errors.ts'
import type { Values } from '../../src/model.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { encodeV2, prefix, type V2Head } from '../../src/trace/v2.ts'

const plan: Plan = { nodes: [], steps: 'all', layers: [], outputs: [] }
const receipt = { engine: 'tfjs', checked: ['gates'], maxDifference: 1e-7, tolerance: 1e-5, sound: true }
const values = (shape: number[], ...data: number[]): Values => ({ shape, data: Float32Array.from(data) })

const trace: Trace = {
  batch: 1,
  steps: 2,
  layers: [{ key: 'lstm', tensors: { hidden: values([1, 2, 1], 0.5, -0), mask: values([1, 2], 1, 0), 'gates/forget': values([1, 2, 1], NaN, Infinity) } }],
  // An output of the model goes before an internal of its name.
  outputs: [{ name: 'out', values: values([1, 2], 0.1, 2) }, { name: 'lstm/hidden', values: values([1], 7) }],
  receipt
}

function read (outputs: V2Head['outputs'], more: Partial<V2Head> = {}): { json: any, length: number, text: string, tail: Uint8Array } {
  const bytes = encodeV2({ model: 'm', version: '3', digest: 'sha256:0', outputs, ...more }, trace, plan)
  t.equal(bytes.byteOffset, 0)
  t.equal(bytes.length, bytes.buffer.byteLength, 'the whole buffer, as it is moved')
  const length = new DataView(bytes.buffer).getUint32(0, true)
  const text = Buffer.from(bytes.buffer, prefix, length === 0 ? bytes.length - prefix : length).toString()
  return { json: JSON.parse(text), length, text, tail: bytes.subarray(prefix + Buffer.byteLength(text)) }
}

const floats = (bytes: Uint8Array): number[] => [...new Float32Array(bytes.slice().buffer)]

t.test('JSON alone: flat numbers, the receipt, an id', async (t) => {
  const { json, length, tail } = read([{ name: 'out', binary: false }, { name: 'lstm/mask', binary: false }], { id: 'é"1' })
  t.equal(length, 0)
  t.equal(tail.length, 0)
  t.same(json, {
    model_name: 'm',
    model_version: '3',
    id: 'é"1',
    parameters: { digest: 'sha256:0', engine: 'tfjs', checked: 'gates', max_difference: 1e-7, tolerance: 1e-5, sound: true },
    outputs: [{ name: 'out', datatype: 'FP32', shape: [1, 2], data: [0.1, 2] }, { name: 'lstm/mask', datatype: 'BOOL', shape: [1, 2], data: [true, false] }]
  })
})

t.test('bytes after the JSON, in its order, where they can be viewed', async (t) => {
  for (const id of ['', '1', '22', '333', '4444', '55555', '666666', '7777777']) {
    const { json, length, tail } = read([{ name: 'lstm/gates/forget', binary: true }, { name: 'out', binary: false }, { name: 'lstm/mask', binary: true }], { id })
    t.equal(length % 8, 0)
    t.same(json.outputs, [
      { name: 'lstm/gates/forget', datatype: 'FP32', shape: [1, 2, 1], parameters: { binary_data_size: 8 } },
      { name: 'out', datatype: 'FP32', shape: [1, 2], data: [0.1, 2] },
      { name: 'lstm/mask', datatype: 'BOOL', shape: [1, 2], parameters: { binary_data_size: 2 } }
    ])
    t.same(floats(tail.subarray(0, 8)), [NaN, Infinity])
    t.same([...tail.subarray(8)], [1, 0])
  }
})

t.test('everything there is', async (t) => {
  const { json, tail } = read(null)
  t.same(json.outputs.map(({ name }: { name: string }) => name), ['out', 'lstm/hidden', 'lstm/mask', 'lstm/gates/forget'])
  t.same(floats(tail.subarray(0, 12)), [Math.fround(0.1), 2, 7], 'the output lstm/hidden, not the internal')
})

t.test('what JSON cannot write is refused, and so is a mask that is not there', async (t) => {
  t.throws(() => read([{ name: 'lstm/gates/forget', binary: false }]), new Fault('not_acceptable', "output 'lstm/gates/forget' holds values that are not finite, which JSON cannot write: ask for it with \"binary_data\": true"))
  t.throws(() => read([{ name: 'gru/mask', binary: true }]), { code: 'unknown_name', message: /nothing masks/ })
})
