import t from 'tap'
import fc from 'fast-check'
import { Fault } from '../../src/errors.ts'
import { decodeInference, decodeRaw, type Inference } from '../../src/request/v2.ts'
import { graphOf, layer, sequences, served } from './models.ts'

type Model = Parameters<typeof decodeInference>[2]
interface Tensor { name?: unknown, shape?: unknown, datatype?: unknown, data?: unknown, parameters?: unknown }

const open = sequences(null, 2)
const ids = served(graphOf({ ids: { shape: [null, null] } }, [[layer('embed', 'Embedding', { input_dim: 9 }), 'ids']]))
const two = served(graphOf({ a: { shape: [null, 2] }, b: { shape: [null, 2], dtype: 'int64' } }, [[layer('add', 'Add'), 'a', 'b']]))

const nothing: Uint8Array = new Uint8Array()
const bytesOf = (view: ArrayBufferView): Uint8Array => new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
const x = (more: Tensor): Tensor => ({ name: 'x', shape: [1, 2, 2], datatype: 'FP32', ...more })
const binary = (datatype: string, bytes: Uint8Array): Tensor => x({ datatype, parameters: { binary_data_size: bytes.length } })

function refusal (decode: () => Inference): [string, string, string | undefined] {
  try {
    decode()
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.message, error.pointer]
    throw error
  }
  return ['none', '', undefined]
}

const refused = (input: Tensor, bytes = nothing, model: Model = open): [string, string, string | undefined] => refusal(() => decodeInference({ inputs: [input] }, bytes, model))
const values = (input: Tensor, bytes = nothing, model: Model = open): number[] => [...Object.values(decodeInference({ inputs: [input] }, bytes, model).batch.inputs)[0].data]

t.test('every datatype in bytes: the numbers that were meant', async (t) => {
  const half = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff)
  const arrays: Record<string, [ArrayBufferView, number[]]> = {
    BOOL: [Uint8Array.of(0, 1, 1, 0), [0, 1, 1, 0]],
    UINT8: [Uint8Array.of(0, 1, 128, 255), [0, 1, 128, 255]],
    UINT16: [Uint16Array.of(0, 1, 256, 65535), [0, 1, 256, 65535]],
    UINT32: [Uint32Array.of(0, 1, 65536, 2 ** 31), [0, 1, 65536, 2 ** 31]],
    UINT64: [BigUint64Array.of(0n, 1n, 2n ** 32n, 2n ** 53n - 2n ** 30n), [0, 1, 2 ** 32, 2 ** 53 - 2 ** 30]],
    INT8: [Int8Array.of(0, -1, -128, 127), [0, -1, -128, 127]],
    INT16: [Int16Array.of(0, -1, -32768, 32767), [0, -1, -32768, 32767]],
    INT32: [Int32Array.of(0, -1, -(2 ** 31), 2 ** 24), [0, -1, -(2 ** 31), 2 ** 24]],
    INT64: [BigInt64Array.of(0n, -1n, -(2n ** 40n), 7n), [0, -1, -(2 ** 40), 7]],
    FP16: [half, [1, -2, 2 ** -24, 65504]],
    BF16: [Uint16Array.of(0x3f80, 0xc000, 0x0001, 0x7f7f), [1, -2, 2 ** -133, (2 - 2 ** -7) * 2 ** 127]],
    FP32: [Float32Array.of(1, -0, 2 ** -149, 3.4028234663852886e38), [1, -0, 2 ** -149, 3.4028234663852886e38]],
    FP64: [Float64Array.of(1, 0.1, -1e-3, 1e38), [1, Math.fround(0.1), Math.fround(-1e-3), Math.fround(1e38)]]
  }
  for (const [datatype, [array, expected]] of Object.entries(arrays)) t.same(values(binary(datatype, bytesOf(array)), bytesOf(array)), expected, datatype)
  const bytes = bytesOf(Float32Array.of(9, 1, 2, 3, 4)).slice(1)
  t.same(refused(binary('FP32', bytes), bytes)[0], 'malformed', 'part of a number')
})

t.test('float32 in bytes, wherever they begin: the same bits', async () => {
  fc.assert(fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 7 }), (floats, offset) => {
    const whole = new Uint8Array(16 + offset)
    whole.set(bytesOf(Float32Array.from(floats)), offset)
    const bytes = whole.subarray(offset)
    return values(binary('FP32', bytes), bytes).every((value, n) => Object.is(value, floats[n]))
  }))
})

t.test('numbers in JSON, flat or nested', async (t) => {
  t.same(values(x({ data: [1, 2, 3, 4] })), [1, 2, 3, 4])
  t.same(values(x({ data: [[[1, 2], [3, 4]]] })), [1, 2, 3, 4])
  t.same(values(x({ datatype: 'INT64', data: [1, 2, 3, 4] })), [1, 2, 3, 4])
  t.same(values(x({ datatype: 'BOOL', data: [true, false, 1, 0] })), [1, 0, 1, 0])
  t.match(refused(x({ data: [1, 2, 3] })), ['wrong_shape', /4 numbers/, '/inputs/0/data'])
  t.match(refused(x({ data: [[[1, 2], [3]]] })), ['wrong_shape', /ragged/, '/inputs/0/data/0/1'])
  t.match(refused(x({ data: [1, 2, null, 4] })), ['invalid_value', /null/, '/inputs/0/data/2'])
  t.match(refused(x({ data: [1, 2, true, 4] })), ['invalid_value', /got true/, '/inputs/0/data/2'])
  t.match(refused(x({ data: 'AACAPw==' })), ['invalid_value', /list of numbers/, '/inputs/0/data'])
  t.match(refused(x({})), ['invalid_value', /got nothing/, '/inputs/0/data'])
})

t.test('out of range is refused, with the place', async (t) => {
  const cases: [string, number[], RegExp, number][] = [
    ['INT8', [1, 2, 128, 4], /from -128 to 127 \(INT8\), got the number 128/, 2], ['UINT8', [-1, 2, 3, 4], /from 0 to 255/, 0],
    ['BOOL', [0, 1, 2, 0], /from 0 to 1/, 2], ['INT64', [0, 2 ** 53, 0, 0], /INT64/, 1], ['INT32', [0, 0.5, 0, 0], /whole number/, 1], ['FP64', [0, 0, 0, 1e39], /finite as float32/, 3]
  ]
  for (const [datatype, data, words, place] of cases) t.match(refused(x({ datatype, data })), ['invalid_value', words, `/inputs/0/data/${place}`], datatype)
  const bytes: [string, ArrayBufferView, RegExp, number][] = [
    ['BOOL', Uint8Array.of(0, 1, 2, 0), /from 0 to 1/, 2], ['FP64', Float64Array.of(0, 1e39, 0, 0), /finite as float32/, 1], ['FP32', Float32Array.of(0, 0, 0, NaN), /NaN/, 3],
    ['FP16', Uint16Array.of(0x7c00, 0, 0, 0), /Infinity/, 0], ['INT64', BigInt64Array.of(0n, 2n ** 53n, 0n, 0n), /INT64/, 1], ['UINT64', BigUint64Array.of(2n ** 63n, 0n, 0n, 0n), /UINT64/, 0]
  ]
  for (const [datatype, array, words, place] of bytes) t.match(refused(binary(datatype, bytesOf(array)), bytesOf(array)), ['invalid_value', words, `/inputs/0/data/${place}`], datatype)
})

t.test('token ids and whole numbers are checked before they become float32', async (t) => {
  const token = (datatype: string, data: number[]): Tensor => ({ name: 'ids', shape: [1, data.length], datatype, data })
  t.same(values(token('INT64', [0, 8]), nothing, ids), [0, 8])
  t.same(values(token('FP32', [0, 8]), nothing, ids), [0, 8])
  t.match(refused(token('INT64', [0, 9]), nothing, ids), ['invalid_value', /id from 0 to 8, got 9/, '/inputs/0/data/1'])
  const bytes = bytesOf(BigInt64Array.of(1n, -1n))
  t.match(refused({ name: 'ids', shape: [1, 2], datatype: 'INT64', parameters: { binary_data_size: 16 } }, bytes, ids), ['invalid_value', /got -1/, '/inputs/0/data/1'])
  t.match(refused({ name: 'ids', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }, bytesOf(Float32Array.of(1, 1.5)), ids), ['invalid_value', /1.5/, '/inputs/0/data/1'])
})

t.test('several inputs, in any order, their bytes in the order of the JSON', async (t) => {
  const bytes = Uint8Array.from([...bytesOf(BigInt64Array.of(3n, 4n)), ...bytesOf(Float32Array.of(1, 2))])
  const a = { name: 'a', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }
  const b = { name: 'b', shape: [1, 2], datatype: 'INT64', parameters: { binary_data_size: 16 } }
  const { batch } = decodeInference({ inputs: [b, a] }, bytes, two)
  t.same([[...batch.inputs.a.data], [...batch.inputs.b.data], batch.size], [[1, 2], [3, 4], 1])
  const wrong = (inputs: unknown, rest = bytes): [string, string, string | undefined] => refusal(() => decodeInference({ inputs }, rest, two))
  t.match(wrong([b, a], bytes.subarray(0, 23)), ['malformed', /ends too early: input 'a' has 8 bytes, and 7 are left/, '/inputs/1'])
  t.match(wrong([b, a], Uint8Array.from([...bytes, 0])), ['malformed', /1 bytes are left over/, undefined])
  t.match(wrong([b], bytes.subarray(0, 16)), ['unknown_name', /'a' is missing/, '/inputs'])
  t.match(wrong([b, b]), ['invalid_value', /given twice/, '/inputs/1/name'])
  t.match(wrong([{ ...a, name: 'c' }]), ['unknown_name', /takes a, b/, '/inputs/0/name'])
  t.match(wrong([a, { name: 'b', shape: [2, 2], datatype: 'INT64', data: [1, 2, 3, 4] }], bytes.subarray(16)), ['wrong_shape', /different batch sizes/, '/inputs/1/shape'])
  t.match(wrong([{ ...a, parameters: { binary_data_size: 12 } }, b]), ['malformed', /8 bytes \(2 of FP32\), the binary_data_size is 12/, '/inputs/0/parameters/binary_data_size'])
})

t.test('what is wrong in the JSON', async (t) => {
  const request = (body: unknown): [string, string, string | undefined] => refusal(() => decodeInference(body, nothing, open))
  const good = x({ data: [1, 2, 3, 4] })
  t.match(request([]), ['invalid_value', /an object/, ''])
  t.match(request({ inputs: {} }), ['invalid_value', /list of inputs \(x\)/, '/inputs'])
  t.match(request({ inputs: [good], input: 1 }), ['invalid_value', /no member 'input'/, '/input'])
  t.match(request({ inputs: [good], id: 7 }), ['invalid_value', /a string/, '/id'])
  t.match(request({ inputs: [good], parameters: { sequence_id: 4 } }), ['invalid_value', /nothing survives/, '/parameters/sequence_id'])
  t.match(request({ inputs: [good], parameters: { binary_data_output: 1 } }), ['invalid_value', /true or false/, '/parameters/binary_data_output'])
  t.match(refused({ ...good, datatype: 'BYTES' }), ['invalid_value', /one of BOOL/, '/inputs/0/datatype'])
  t.match(refused({ ...good, shape: [1, 2, 3] }), ['wrong_shape', /\[batch, step, 2\]/, '/inputs/0/shape'])
  t.match(refused({ ...good, shape: [1, -2, 2] }), ['invalid_value', /whole number/, '/inputs/0/shape/1'])
  t.match(refused({ ...good, parameters: { shared_memory_region: 'r' } }), ['invalid_value', /shared memory/, '/inputs/0/parameters/shared_memory_region'])
  t.match(refused({ ...good, parameters: { binary_data_size: 0 } }), ['invalid_value', /not both/, '/inputs/0/data'])
  t.match(refused({ ...good, parameters: { binary_data_size: -1 } }), ['invalid_value', /number of bytes/, '/inputs/0/parameters/binary_data_size'])
  const wished = (outputs: unknown): [string, string, string | undefined] => request({ inputs: [good], outputs })
  t.match(wished({}), ['invalid_value', /list of outputs/, '/outputs'])
  t.match(wished([{ name: 1 }]), ['invalid_value', /a string/, '/outputs/0/name'])
  t.match(wished([{ name: 'lstm' }, { name: 'lstm' }]), ['invalid_value', /twice/, '/outputs/1/name'])
  t.match(wished([{ name: 'lstm', parameters: { classification: 3 } }]), ['invalid_value', /classification/, '/outputs/0/parameters/classification'])
})

t.test('which outputs, and which of them in bytes', async (t) => {
  const wished = (body: object): Inference['outputs'] => decodeInference({ inputs: [x({ data: [1, 2, 3, 4] })], ...body }, nothing, open).outputs
  t.same(wished({}), [{ name: 'lstm', binary: false }], 'none named: the model\'s own')
  t.same(wished({ outputs: [], parameters: { binary_data_output: true } }), [{ name: 'lstm', binary: true }])
  t.same(wished({ outputs: [{ name: 'lstm/cell', parameters: { binary_data: false } }, { name: 'lstm/hidden' }], parameters: { binary_data_output: true } }),
    [{ name: 'lstm/cell', binary: false }, { name: 'lstm/hidden', binary: true }], 'in the order asked, each by its own word first')
  t.equal(decodeInference({ id: 'mine', inputs: [x({ data: [1, 2, 3, 4] })] }, nothing, open).id, 'mine')
})

t.test('a body without JSON', async (t) => {
  const { batch, outputs } = decodeRaw(bytesOf(Float32Array.of(1, 2, 3, 4)), open)
  t.same([batch.inputs.x.shape, [...batch.inputs.x.data], batch.size], [[1, 2, 2], [1, 2, 3, 4], 1], 'the open step')
  t.same(outputs, [{ name: 'lstm', binary: true }])
  const fixed = decodeRaw(bytesOf(Float32Array.of(1, 2, 3, 4)), sequences(1, 2)).batch
  t.same([fixed.inputs.x.shape, fixed.size], [[2, 1, 2], 2], 'the batch, where nothing else is open')
  t.same([...decodeRaw(bytesOf(BigInt64Array.of(3n, 4n)), ids).batch.inputs.ids.data], [3, 4], 'ids as INT64')
  t.match(refusal(() => decodeRaw(new Uint8Array(12), open)), ['malformed', /multiple of 8, got 12/, undefined])
  t.match(refusal(() => decodeRaw(nothing, open)), ['malformed', /got 0/, undefined])
  t.match(refusal(() => decodeRaw(new Uint8Array(8), two)), ['malformed', /models of one input/, undefined])
  const wide = served(graphOf({ x: { shape: [null, null, null] } }, [[layer('lstm', 'LSTM', { units: 2 }), 'x']]))
  t.match(refusal(() => decodeRaw(new Uint8Array(8), wide)), ['malformed', /one size alone/, undefined])
})
