import { spawnSync } from 'node:child_process'
import t from 'tap'
import fc from 'fast-check'
import { Fault } from '../../src/errors.ts'
import type { Values } from '../../src/model.ts'
import { StoredArray } from '../../src/request/arrays.ts'
import { decodeRequest } from '../../src/request/decode.ts'
import { readNpz } from '../../src/request/npz.ts'
import { readSafetensors } from '../../src/request/safetensors.ts'
import type { Datatype } from '../../src/request/v2-datatypes.ts'
import type { Json } from '../../src/request/words.ts'
import { packNpz } from '../../src/trace/npz.ts'
import { packSafetensors } from '../../src/trace/safetensors.ts'
import { graphOf, layer, sequences, served } from './models.ts'
import { npy, npz, safetensors, zip, type Given } from './pack.ts'

type Model = Parameters<typeof decodeRequest>[1]

const limit = 2 ** 20
const array = (given: Partial<Given>): Given => ({ name: 'x', datatype: 'FP32', shape: [1, 2, 3], values: [1, 2, 3, 4, 5, 6], ...given })
const plain = ({ shape, data }: Values): { shape: readonly number[], data: number[] } => ({ shape, data: [...data] })
const batchOf = (body: Json, model: Model, more: object = {}): ReturnType<typeof decodeRequest>['batch'] => decodeRequest({ ...body, ...more }, model, 'predict').batch

/** Both formats, and npz in both ways. */
const formats: Readonly<Record<string, (arrays: readonly Given[]) => Promise<Json>>> = {
  npz: async (arrays) => await readNpz(npz(arrays), limit),
  'compressed npz': async (arrays) => await readNpz(npz(arrays, true), limit),
  safetensors: async (arrays) => readSafetensors(safetensors(arrays))
}

/** Code, pointer and text of what is thrown. */
async function refusal (run: () => unknown): Promise<[string, string | undefined, string]> {
  try {
    await run()
  } catch (error) {
    if (error instanceof Fault) return [error.code, error.pointer, error.message]
    throw error
  }
  return ['none', undefined, '']
}

const two = sequences(2, 3)
const open = sequences(null, 3)
const ids = served(graphOf({ ids: { shape: [null, null] } }, [[layer('embedding', 'Embedding', { input_dim: 10 }), 'ids'], [layer('lstm', 'LSTM', { units: 2 }), 'embedding']]))
const pair = served(graphOf({ 'a/b': { shape: [null, 2] }, c: { shape: [null, 1], dtype: 'bool' } }, [[layer('sum', 'Concatenate'), 'a/b', 'c']]))

for (const [format, read] of Object.entries(formats)) {
  t.test(`${format}: by name, or the one array there is`, async (t) => {
    for (const name of ['x', 'arr_0', '漢/字', '__proto__', 'data', 'shape', 'text']) {
      t.same(plain(batchOf(await read([array({ name })]), two).inputs.x), { shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] }, name)
    }
    const both = await read([array({ name: 'c', datatype: 'BOOL', shape: [2, 1], values: [1, 0] }), array({ name: 'a/b', shape: [2, 2], values: [1, 2, 3, 4] })])
    t.same(Object.entries(batchOf(both, pair).inputs).map(([name, values]) => [name, plain(values)]), [['a/b', { shape: [2, 2], data: [1, 2, 3, 4] }], ['c', { shape: [2, 1], data: [1, 0] }]])
  })

  t.test(`${format}: every kind of numbers, either order`, async (t) => {
    const values = [0, 1, 2, 3, 4, 5]
    for (const datatype of ['UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64'] as Datatype[]) {
      for (const columnMajor of format === 'safetensors' ? [false] : [false, true]) {
        t.same(plain(batchOf(await read([array({ datatype, values, columnMajor })]), two).inputs.x).data, values, `${datatype} ${columnMajor}`)
        t.same(plain(batchOf(await read([array({ name: 'ids', datatype, shape: [2, 3], values, columnMajor })]), ids).inputs.ids), { shape: [2, 3], data: values })
      }
    }
    if (format === 'safetensors') t.same(plain(batchOf(await read([array({ datatype: 'BF16', values })]), two).inputs.x).data, values)
    t.same([...batchOf(await read([array({ datatype: 'FP64', values: [0.1, -0, 1e-45, 16777217, 1 / 3, -3.4e38] })]), two).inputs.x.data], [0.1, -0, 1e-45, 16777216, 1 / 3, -3.4e38].map(Math.fround))
  })

  t.test(`${format}: states to start from`, async (t) => {
    const state = (name: string, values: number[]): Given => array({ name: `initialState/${name}`, shape: [1, 2], values })
    const batch = batchOf(await read([array({}), state('lstm/hidden', [1, 2]), state('lstm/cell', [3, 4])]), two)
    t.same(plain(batch.initial.lstm.hidden), { shape: [1, 2], data: [1, 2] })
    t.same(plain(batch.initial.lstm.cell).data, [3, 4])
    // As an answer calls them, and what it has beside them.
    const again = batchOf(await read([array({}), state('lstm/final/hidden', [1, 2]), state('lstm/final/cell', [3, 4]), state('lstm/gates/input', [9, 9])]), two)
    t.same(again.initial, batch.initial)
    // One key begins with the other, and both hold a stroke.
    const nested = served(graphOf({ x: { shape: [null, 2, 3] } }, [[layer('a', 'GRU', { units: 2, return_sequences: true }), 'x'], [layer('a/b', 'Bidirectional', {}, {
      children: { forward: layer('f', 'GRU', { units: 2 }), backward: layer('b', 'GRU', { units: 2 }) }
    }), 'a']]))
    const states = batchOf(await read([array({}), state('a/hidden', [1, 2]), state('a/b/forward/hidden', [3, 4]), state('a/b/backward/hidden', [5, 6])]), nested).initial
    t.same(Object.entries(states).map(([key, all]) => [key, Object.entries(all).map(([name, { data }]) => [name, [...data]])]),
      [['a', [['hidden', [1, 2]]]], ['a/b', [['forward/hidden', [3, 4]], ['backward/hidden', [5, 6]]]]])
    for (const [given, pointer, words] of [
      [[state('lstm/hidden', [1, 2])], '/initialState/lstm', /'cell' is missing/],
      [[state('lstm/hidden', [1, 2]), state('lstm/cell', [3, Infinity])], '/initialState/lstm/cell/0/1', /finite/],
      [[state('lstn/hidden', [1, 2])], '/initialState/lstn~1hidden', /no recurrent layer 'lstn\/hidden'; there are: lstm/],
      [[state('lstm/hidden', [1, 2]), state('lstm/hidden/x', [1, 2])], '/initialState/lstm/hidden', /arrays below it/],
      [[state('lstm', [1, 2])], '/initialState/lstm', /'hidden' is missing/],
      [[state('lstm/hidden', [1, 2]), array({ name: 'initialState/lstm/cell', shape: [1, 3], values: [1, 2, 3] })], '/initialState/lstm/cell', /got \[1, 3\]/]
    ] as const) {
      const [, place, text] = await refusal(async () => batchOf(await read([array({}), ...given]), two))
      t.equal(place, pointer)
      t.match(text, words)
    }
  })

  t.test(`${format}: what is wrong is named, with its place`, async (t) => {
    const refused = async (given: readonly Given[], model: Model, code: string, pointer: string | undefined, words: RegExp, more: object = {}): Promise<void> => {
      const [found, place, text] = await refusal(async () => batchOf(await read(given), model, more))
      t.equal(found, code, text)
      t.equal(place, pointer, text)
      t.match(text, words)
    }
    await refused([array({ values: [1, 2, 3, 4, NaN, 6] })], two, 'invalid_value', '/inputs/x/0/1/1', /finite number, got NaN: fill the gap/)
    await refused([array({ name: 'y', values: [1, 2, -Infinity, 4, 5, 6] })], two, 'invalid_value', '/inputs/y/0/0/2', /got -Infinity/)
    await refused([array({ datatype: 'FP64', values: [1, 2, 1e39, 4, 5, 6] })], two, 'invalid_value', '/inputs/x/0/0/2', /finite as float32/)
    await refused([array({ shape: [2, 3] })], two, 'wrong_shape', '/inputs/x', /expected \[batch, 2, 3\], got \[2, 3\]: .*without the batch axis/)
    await refused([array({ shape: [0, 2, 3], values: [] })], two, 'wrong_shape', '/inputs/x', /empty batch/)
    await refused([array({ shape: [], values: [1] })], two, 'wrong_shape', '/inputs/x', /got \[\]/)
    await refused([array({ datatype: 'BOOL', values: [1, 0, 1, 0, 1, 0] })], two, 'invalid_value', '/inputs/x', /true and false: convert/)
    await refused([array({ datatype: 'INT64', values: [2 ** 60, 0, 0, 0, 0, 0] })], two, 'invalid_value', '/inputs/x/0/0/0', /a whole number from/)
    await refused([array({ name: 'ids', shape: [2, 3], values: [1, 2, 3, 4, 10, 6] })], ids, 'invalid_value', '/inputs/ids/1/1', /id/)
    await refused([array({ name: 'ids', shape: [2, 3], values: [1, 2.5, 3, 4, 5, 6] })], ids, 'invalid_value', '/inputs/ids/0/1', /2\.5/)
    await refused([array({}), array({ name: 'y' })], two, 'unknown_name', '/inputs/y', /no input 'y'; expected .*x/)
    await refused([array({ name: 'c', datatype: 'BOOL', shape: [1, 1], values: [1] })], pair, 'unknown_name', '/inputs', /'a\/b' is missing/)
    await refused([], two, 'unknown_name', '/inputs', /'x' is missing/)
    await refused([array({ name: 'initialState/lstm/hidden', shape: [1, 2], values: [1, 2] })], two, 'unknown_name', '/inputs', /'x' is missing/)
    await refused([array({})], two, 'invalid_value', '/raw', /no scaler/, { raw: true })
    const scaled = sequences(2, 3, { scaler: { inputs: { mean: [1, 1, 1], scale: [2, 2, 2] } } } as never)
    t.same([...batchOf(await read([array({})]), scaled, { raw: true }).inputs.x.data], [0, 0.5, 1, 1.5, 2, 2.5])
  })
}

t.test('column-major: the place of a number that is wrong', async (t) => {
  const values = Array.from({ length: 24 }, (_, n) => n === 17 ? NaN : n)
  const body = await readNpz(npz([array({ shape: [2, 4, 3], values, columnMajor: true })]), limit)
  t.equal((await refusal(() => batchOf(body, open)))[1], '/inputs/x/1/1/2')
})

t.test('float32 stays where it lies, if it may lie there', async (t) => {
  for (const shift of [0, 1, 2, 3, 4]) {
    const file = safetensors([array({})])
    const room = new Uint8Array(file.length + 8)
    // The header has a length of its own: all places are met.
    room.set(file, shift)
    const { data } = batchOf(readSafetensors(room.subarray(shift, shift + file.length)), two).inputs.x
    const lies = (shift + file.length - 24) % 4 === 0
    t.equal(data.buffer === room.buffer, lies, String(shift))
    t.same([...data], [1, 2, 3, 4, 5, 6])
  }
})

t.test('npz: damaged, foreign and too large', async (t) => {
  const refused = async (bytes: Uint8Array, code: string, words: RegExp, pointer?: string): Promise<void> => {
    const [found, place, text] = await refusal(async () => await readNpz(bytes, limit))
    t.equal(found, code, text)
    t.equal(place, pointer)
    t.match(text, words)
  }
  const file = npz([array({})])
  await refused(Buffer.alloc(0), 'malformed', /no npz archive.*numpy\.savez/)
  await refused(Buffer.from('{"inputs": []}'), 'malformed', /no npz archive/)
  await refused(npy(array({})), 'malformed', /numpy\.save writes it.*numpy\.savez/)
  await refused(file.subarray(0, -1), 'malformed', /no npz archive/)
  await refused(Buffer.from(file.map((byte, n) => n === 150 ? byte ^ 1 : byte)), 'malformed', /checksum of 'x\.npy'/)
  await refused(zip([['x.txt', Buffer.from('1')]]), 'malformed', /no array: x\.txt/)
  await refused(zip([['x.npy', npy(array({}))], ['x.npy', npy(array({}))]]), 'invalid_value', /two arrays 'x'/, '/inputs/x')
  await refused(zip(Array.from({ length: 1001 }, (_, n) => [`${n}.npy`, Buffer.alloc(0)])), 'malformed', /1001 files/)
  // What it will be is added up before any of it is made.
  const bomb = Array.from({ length: 3 }, (_, n): [string, Buffer] => [`${n}.npy`, Buffer.alloc(2 ** 19)])
  await refused(zip(bomb, { deflated: true }), 'too_large', /1572864 bytes when they are decompressed, more than 1048576.*BODY_LIMIT_MB/)
  // Its sizes are no truth: no more is unpacked than they say.
  await refused(zip(bomb, { deflated: true, said: 100 }), 'malformed', /no npz archive/)
  await refused(zip(bomb, { said: 100 }), 'malformed', /no npz archive|has 524288 bytes where 100/)
  await refused(zip(bomb.slice(0, 1), { deflated: true, said: 2 ** 20 }), 'malformed', /has 524288 bytes where 1048576/)

  const one = (bytes: Buffer): Buffer => zip([['x.npy', bytes]])
  const described = (descr: string): Buffer => one(npy(array({}), { descr }))
  await refused(described('>f4'), 'invalid_value', /big-endian.*x\.astype\('<f4'\)/, '/inputs/x')
  for (const descr of ['|O', '<U3', '|S4', '<c8', '<f16', '<M8[s]', '=f4', '|f4', 'f4']) await refused(described(descr), 'invalid_value', /expected numbers.*astype\('float32'\)/, '/inputs/x')
  await refused(described('<f8'), 'malformed', /24 bytes where its shape needs 48/, '/inputs/x')
  const headed = (header: string): Buffer => one(npy(array({}), { header }))
  await refused(headed("{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (3,), }"), 'invalid_value', /expected numbers/, '/inputs/x')
  for (const header of ['', '{}', "{'descr': '<f4', 'fortran_order': False}", "{'descr': '<f4', 'fortran_order': 0, 'shape': (6,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'shape': (6,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'more': 1}", "{'descr': '<f4', 'fortran_order': False, 'shape': 6}",
    "{'descr': (6,), 'fortran_order': '<f4', 'shape': False}", "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}"]) {
    await refused(headed(header), 'malformed', /says no descr, fortran_order and shape/, '/inputs/x')
  }
  await refused(headed("{'descr': '<f4', 'fortran_order': False, 'shape': (9007199254740991, 9007199254740991)}"), 'malformed', /24 bytes where/, '/inputs/x')
  await refused(one(Buffer.from('\x93NUMPY\x04\x00\x00\x00\x00\x00', 'latin1')), 'malformed', /versions 1 to 3/, '/inputs/x')
  await refused(one(npy(array({})).subarray(0, 40)), 'malformed', /its header has/, '/inputs/x')
  for (const header of ["{'shape':(1,2,3),'descr':'<f4','fortran_order':False}", "{'fortran_order': False, 'shape': (1, 2, 3,), 'descr': '<f4',}  "]) {
    t.same([...batchOf(await readNpz(headed(header), limit), two).inputs.x.data], [1, 2, 3, 4, 5, 6])
  }
})

t.test('safetensors: damaged and foreign', async (t) => {
  const refused = async (bytes: Uint8Array, code: string, words: RegExp, pointer?: string): Promise<void> => {
    const [found, place, text] = await refusal(() => readSafetensors(bytes))
    t.equal(found, code, text)
    t.equal(place, pointer)
    t.match(text, words)
  }
  const file = safetensors([array({})])
  const headed = (header: string): Buffer => Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer), Buffer.from(header)])
  await refused(Buffer.alloc(0), 'malformed', /no safetensors file: it has 0 bytes.*safetensors\.numpy\.save/)
  await refused(Buffer.from('{"inputs": []}'), 'malformed', /first eight bytes/)
  await refused(file.subarray(0, -1), 'malformed', /'x' \(0 to 24\).* the end of all, 23/)
  await refused(Buffer.concat([file, Buffer.alloc(1)]), 'malformed', /1 bytes are left over/)
  await refused(headed('{'), 'malformed', /not JSON/)
  await refused(headed('[]'), 'malformed', /an empty list/)
  await refused(headed('{"x": 1}'), 'invalid_value', /F32/, '/inputs/x')
  await refused(headed('{"x": {"dtype": "F32"}}'), 'malformed', /no shape and place/)
  await refused(headed('{"x": {"dtype": "F32", "shape": [1e300], "data_offsets": [0, 1e300]}}'), 'malformed', /no shape and place/)
  for (const [entry, words] of [
    [{ dtype: 'F8_E4M3' }, /the string "F8_E4M3"/], [{ dtype: 'f32' }, /"f32"/]
  ] as const) await refused(safetensors([array({})], { x: entry }), 'invalid_value', words, '/inputs/x')
  for (const [entry, words] of [
    [{ shape: [2, 2, 3] }, /24 bytes where its shape needs 48/], [{ shape: [-1] }, /no shape/], [{ shape: ['6'] }, /no shape/], [{ shape: 6 }, /no shape/], [{ data_offsets: [4, 28] }, /do not follow/],
    [{ data_offsets: [0, 28] }, /28 bytes where/], [{ data_offsets: [24, 0] }, /-24 bytes/], [{ shape: [2 ** 52, 2 ** 52] }, /24 bytes where/]
  ] as const) await refused(safetensors([array({})], { x: entry }), 'malformed', words)
  await refused(safetensors([array({}), array({ name: 'y' })], { y: { data_offsets: [0, 24] } }), 'malformed', /do not follow/)
})

/** Anything that both formats have, with numbers that every kind has exactly. */
const anyArray = fc.record({
  name: fc.string({ unit: 'grapheme', minLength: 1 }),
  datatype: fc.constantFrom<Datatype>('UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64'),
  shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
  columnMajor: fc.boolean(),
  seed: fc.integer({ min: 0, max: 1e6 })
}).map(({ seed, ...rest }): Given => ({ ...rest, values: Array.from({ length: rest.shape.reduce((a, b) => a * b, 1) }, (_, n) => (seed + 7 * n) % 128) }))
// A zip archive has no such names.
const anyArrays = fc.uniqueArray(anyArray.filter(({ name }) => !/^initialState|^__metadata__|^\/|\\|\0|^[a-z]:|(^|\/)\.\.?(\/|$)/i.test(name)), { selector: ({ name }) => name, maxLength: 4 })

const numbersOf = (body: Json): Map<string, number[]> => new Map(Object.entries(body.inputs as Record<string, StoredArray>).map(([name, stored]) => {
  // Any shape is expected: the axes are taken from what is found wrong with an empty expectation.
  const rank = Number(/: 0 axes are needed, there are (\d+)/.exec(shapeFault(stored))?.[1] ?? 0)
  return [name, [...stored.numbers({ expected: Array<null>(rank).fill(null), double: true, booleans: true }, '').data]]
}))
const shapeFault = (stored: StoredArray): string => {
  try {
    stored.numbers({ expected: [], double: true }, '')
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

t.test('any arrays are read as they were written', async () => {
  await fc.assert(fc.asyncProperty(anyArrays, async (arrays) => {
    const files = [await readNpz(npz(arrays), limit), await readNpz(npz(arrays, true), limit), readSafetensors(safetensors(arrays.map((each) => ({ ...each, columnMajor: false }))))]
    return files.every((body) => {
      const found = numbersOf(body)
      return found.size === arrays.length && arrays.every(({ name, values }) => JSON.stringify(found.get(name)) === JSON.stringify(values))
    })
  }), { numRuns: 300 })
})

t.test('what the answers are packed with is read, bit for bit', async () => {
  const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 })
  await fc.assert(fc.asyncProperty(floats, async (values) => {
    const given = [{ name: 'x', shape: [values.length], data: Float32Array.from(values) }, { name: 'mask', shape: [2], data: Float32Array.of(1, 0), boolean: true }]
    const bodies = [await readNpz(packNpz({ model: 'm' }, given), limit), readSafetensors(packSafetensors({ model: 'm' }, given))]
    return bodies.every((body) => {
      const found = numbersOf(body)
      return found.size === 2 && found.get('x')!.every((value, n) => Object.is(value, values[n])) && String(found.get('mask')) === '1,0'
    })
  }), { numRuns: 200 })
})

t.test('files with changed bytes: the right numbers, or a fault', async (t) => {
  const arrays = [array({ shape: [2, 3], columnMajor: true }), array({ name: 'initialState/lstm/hidden', datatype: 'INT16', shape: [1, 2], values: [7, 8] }), array({ name: 'y', datatype: 'FP64', shape: [2], values: [0.5, -3] })]
  const right = new Set(arrays.map(({ values }) => values.join()))
  const changes = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 })
  let [read, refused] = [0, 0]
  for (const deflated of [false, true]) {
    const file = npz(arrays, deflated)
    await fc.assert(fc.asyncProperty(changes, async (all) => {
      const bytes = Buffer.from(file)
      for (const [place, value] of all) bytes[Math.floor(place * bytes.length)] = value
      const [code] = await refusal(async () => {
        // A name has no checksum; all else has.
        for (const [name, values] of numbersOf(await readNpz(bytes, limit))) if (!right.has(values.join())) throw new Error(`${name}: ${values.join()}`)
        read++
      })
      if (code !== 'none') refused++
      return ['none', 'malformed', 'invalid_value', 'too_large'].includes(code)
    }), { numRuns: 1500 })
  }
  t.ok(read > 0 && refused > 1000, `${read} read, ${refused} refused`)
})

t.test('safetensors with changed headers: what the header says, or a fault', async () => {
  const arrays = [array({ shape: [2, 3] }), array({ name: 'y', datatype: 'UINT8', shape: [4], values: [1, 2, 3, 4] })]
  const file = safetensors(arrays)
  const header = 8 + Number(file.readBigUInt64LE(0))
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 8, max: header - 1 }), fc.constantFrom(...Buffer.from('0123456789,:[]{}" F3216UIxy'))), { minLength: 1, maxLength: 3 }), async (all) => {
    const bytes = Buffer.from(file)
    for (const [place, value] of all) bytes[place] = value
    const [code] = await refusal(() => {
      const numbers = numbersOf(readSafetensors(bytes))
      const said = JSON.parse(bytes.toString('latin1', 8, header)) as Record<string, { dtype: string, data_offsets: [number, number] }>
      for (const [name, values] of numbers) {
        const { dtype, data_offsets: [from, to] } = said[name]
        const size = (to - from) / values.length
        if (!dtype.endsWith(String(8 * size)) || (dtype === 'F32' && values.some((x, n) => x !== bytes.readFloatLE(header + from + 4 * n)))) throw new Error(`${name} as ${dtype}`)
      }
    })
    return ['none', 'malformed', 'invalid_value'].includes(code)
  }), { numRuns: 2000 })
})

t.test('a bomb of an archive takes no room', { skip: process.platform !== 'linux' && 'memory is read as Linux counts it' }, async (t) => {
  // Half a gibibyte in half a mebibyte; beside this process, so that nothing else counts.
  const script = `
    import { readNpz } from ${JSON.stringify(new URL('../../src/request/npz.js', import.meta.url).href)}
    import { zip } from ${JSON.stringify(new URL('./pack.js', import.meta.url).href)}
    const bomb = zip(Array.from({ length: 4 }, (_, n) => [n + '.npy', Buffer.alloc(2 ** 26)]), { deflated: true, said: 2 ** 20 })
    const before = process.memoryUsage().external
    let code = ''
    await readNpz(bomb, 2 ** 23).catch((error) => { code = error.code })
    console.log(JSON.stringify({ code, grown: process.memoryUsage().external - before }))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 60_000 })
  t.equal(stderr, '')
  const { code, grown } = JSON.parse(stdout) as { code: string, grown: number }
  t.equal(code, 'malformed')
  t.ok(grown < 2 ** 23, `${grown} bytes`)
})
