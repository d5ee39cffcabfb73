import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { Plan } from '../../src/plan/plan.ts'
import { encoders } from '../../src/trace/encode.ts'
import { arraysOf, type NamedArray } from '../../src/trace/named.ts'
import { packNpz } from '../../src/trace/npz.ts'
import { giveBack } from '../../src/trace/room.ts'
import { packSafetensors } from '../../src/trace/safetensors.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { floats, readNpz, readSafetensors, type Found } from './readers.ts'

const receipt = { engine: 'tfjs', checked: ['gates'], maxDifference: 1e-7, tolerance: 1e-5, sound: true }
const head = { model: 'm', version: 3, digest: 'sha256:0' }
const mask = { shape: [1, 3], data: Float32Array.of(1, 0, 1) }
const odd = Float32Array.of(-0, NaN, Infinity, -Infinity, 1e-45, 3.4028235e38)

const plan: Plan = {
  nodes: [],
  steps: [0, 2, 1],
  layers: [
    { key: 'outer/lstm:0', node: 0, type: 'LSTM', units: 2, axes: ['batch', 'step', 'unit'], outputs: [], internals: [{ name: 'gates/forget', stepAxis: 1 }, { name: 'mask', stepAxis: 1 }] },
    { key: 'dense', node: 1, type: 'Dense', units: null, axes: null, outputs: [{ name: 'output', index: 0 }], internals: [] }
  ],
  outputs: [{ name: 'dense', node: 1, index: 0 }]
}
const trace: Trace = {
  batch: 1,
  steps: 9,
  layers: [
    { key: 'outer/lstm:0', tensors: { 'gates/forget': { shape: [1, 3, 2], data: odd }, mask }, stepIndices: [0, 2, 1] },
    { key: 'dense', tensors: { output: { shape: [1, 1], data: Float32Array.of(0.5) } } }
  ],
  outputs: [{ name: 'dense', values: { shape: [1, 1], data: Float32Array.of(0.25) } }],
  receipt
}
const names = ['outer/lstm:0/gates/forget', 'outer/lstm:0/mask', 'dense/output', 'outputs/dense']
const said = {
  ...head,
  batch: 1,
  steps: 3,
  layers: { 'outer/lstm:0': { type: 'LSTM', units: 2, axes: ['batch', 'step', 'unit'], stepIndices: [0, 2, 1] }, dense: { type: 'Dense' } },
  receipt
}

const bits = (values: Float32Array): Buffer => Buffer.from(values.buffer, values.byteOffset, values.byteLength)

t.test('npz: arrays by their names, the rest in __metadata__', async (t) => {
  const found = readNpz(encoders.npz(head, trace, plan))
  t.same([...found.keys()], ['__metadata__', ...names])
  t.same(JSON.parse(found.get('__metadata__')!.bytes.toString()), said)
  t.match(found.get(names[0]), { dtype: '<f4', shape: [1, 3, 2], bytes: bits(odd) })
  t.match(found.get(names[1]), { dtype: '|b1', shape: [1, 3], bytes: Buffer.of(1, 0, 1) })
  t.same(floats(found.get('outputs/dense')!), [0.25])
})

t.test('safetensors: the same arrays and metadata', async (t) => {
  const { metadata, arrays } = readSafetensors(encoders.safetensors(head, trace, plan))
  t.same([...arrays.keys()].sort(), [...names].sort())
  t.equal(metadata.model, 'm', 'texts are themselves')
  t.same(Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, typeof said[name as keyof typeof said] === 'string' ? text : JSON.parse(text)])), said)
  t.match(arrays.get(names[0]), { dtype: 'F32', shape: [1, 3, 2], bytes: bits(odd) })
  t.match(arrays.get(names[1]), { dtype: 'BOOL', shape: [1, 3], bytes: Buffer.of(1, 0, 1) })
})

t.test('a prediction says no more than its JSON', async (t) => {
  const found = readNpz(encoders.npz(head, { ...trace, layers: [] }, { ...plan, layers: [] }))
  t.same([...found.keys()], ['__metadata__', 'outputs/dense'])
  t.same(JSON.parse(found.get('__metadata__')!.bytes.toString()), { ...head, receipt })
})

t.test('two arrays of one name are refused', async (t) => {
  const values = { shape: [1, 1], data: Float32Array.of(1) }
  t.throws(() => arraysOf({ ...trace, layers: [{ key: 'outputs', tensors: { hidden: values } }], outputs: [{ name: 'hidden', values }] }), { code: 'invalid_value', pointer: '/layers' })
})

t.test('a mask is one wherever its layer stands', async (t) => {
  const kinds = arraysOf({ ...trace, layers: [{ key: 'td', tensors: { 'inner/mask': mask, 'inner/hidden': mask } }], outputs: [] }).map(({ boolean }) => boolean)
  t.same(kinds, [true, false])
})

const anArray = fc.record({
  name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map((name) => `a/${name}`),
  shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 5 }),
  offset: fc.integer({ min: 0, max: 3 }),
  boolean: fc.boolean(),
  seed: fc.integer({ min: 0, max: 0xffffffff })
})

const anyArrays = fc.uniqueArray(anArray, { maxLength: 6, selector: ({ name }) => name }).map((all) => all.map(({ name, shape, offset, boolean, seed }): NamedArray => {
  const size = shape.reduce((a, b) => a * b, 1)
  // A view into a larger buffer, of any bits at all.
  const data = new Float32Array(size + offset).subarray(offset)
  const raw = new Uint32Array(data.buffer, data.byteOffset, size)
  for (let n = 0; n < size; n++) raw[n] = boolean ? (seed >>> n & 1) * 0x3f800000 : Math.imul(seed + n, 0x9e3779b1) >>> 0
  return { name, shape, data, boolean }
}))

const same = ({ shape, data, boolean }: NamedArray, found: Found | undefined): boolean => found !== undefined && found.shape.length === shape.length &&
  found.shape.every((size, axis) => size === shape[axis]) &&
  (boolean === true ? data.every((value, n) => value === found.bytes[n]) : bits(data).equals(found.bytes))

t.test('any arrays of any shape and name: the same bits', async () => {
  fc.assert(fc.property(anyArrays, fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string()), (arrays, words) => {
    const npz = readNpz(packNpz(words, arrays))
    const { arrays: safe, metadata } = readSafetensors(packSafetensors(words, arrays))
    return npz.size === arrays.length + 1 && safe.size === arrays.length && arrays.every((array) => same(array, npz.get(array.name)) && same(array, safe.get(array.name))) &&
      npz.get('__metadata__')!.bytes.toString() === JSON.stringify(words) && JSON.stringify(metadata) === JSON.stringify(words)
  }), { numRuns: 300 })
})

t.test('more than an archive can hold is refused before room is made for it', async (t) => {
  // Never written to, so it takes no memory.
  const data = new Float32Array(2 ** 28)
  const parts = (count: number): NamedArray[] => Array.from({ length: count }, (_, n) => ({ name: `a/${n}`, shape: [2 ** 28], data }))
  t.throws(() => packNpz({}, parts(4)), { code: 'too_large' })
  t.throws(() => packNpz({}, Array.from({ length: 65_535 }, (_, n) => ({ name: `a/${n}`, shape: [0], data: data.subarray(0, 0) }))), { code: 'too_large' })
  t.throws(() => packSafetensors({}, Array.from({ length: 2 ** 16 }, (_, n) => ({ name: `a/${n}`, shape: [2 ** 40], data: { byteLength: 2 ** 40 } as Float32Array }))), { code: 'too_large' })
})

// Any Python that has NumPy: the first one on the PATH, or the one that the client of test/http/v2 lives in.
const python = ['python3', process.env.TRITON_PYTHON ?? ''].find((one) => one !== '' && spawnSync(one, ['-c', 'import numpy'], { stdio: 'ignore', timeout: 30_000 }).status === 0)

t.test('numpy.load opens it', { skip: python === undefined ? 'python3 with numpy is not installed' : false }, async (t) => {
  const path = join(t.testdir(), 'answer.npz')
  const arrays: NamedArray[] = [{ name: 'scalar', shape: [], data: Float32Array.of(7) }, { name: 'été/漢', shape: [2, 0], data: Float32Array.of() }, ...arraysOf(trace)]
  writeFileSync(path, packNpz(said, arrays))
  const program = `
import json, sys, zipfile, numpy
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
archive = numpy.load(sys.argv[1])
words = json.loads(archive['__metadata__'].tobytes())
print(json.dumps({'words': words, 'arrays': [[name, str(archive[name].dtype), archive[name].shape, archive[name].tobytes().hex()] for name in archive.files]}))`
  const { stdout, stderr, status } = spawnSync(python!, ['-c', program, path], { encoding: 'utf8', timeout: 60_000 })
  t.equal(status, 0, stderr)
  const read = JSON.parse(stdout) as { words: unknown, arrays: unknown[] }
  t.same(read.words, said)
  t.same(read.arrays.slice(1), arrays.map(({ name, shape, data, boolean }) =>
    [name, boolean === true ? 'bool' : 'float32', shape, (boolean === true ? Buffer.from(data) : bits(data)).toString('hex')]))
})

t.test('in memory that held another answer, every byte is as in new memory', async (t) => {
  const arrays: NamedArray[] = Array.from({ length: 3 }, (_, n) => ({ name: `a${n}`, shape: [10_000], data: Float32Array.from({ length: 10_000 }, (_, k) => k * n) }))
  for (const pack of [packNpz, packSafetensors]) {
    const clean = pack({ model: 'm' }, arrays)
    const used = new SharedArrayBuffer(clean.length + 1000)
    new Uint8Array(used).fill(0xaa)
    giveBack([used])
    const again = pack({ model: 'm' }, arrays)
    t.equal(again.buffer, used, 'it is used again')
    t.ok(Buffer.from(clean).equals(Buffer.from(again)), pack.name)
  }
})
