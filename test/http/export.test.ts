import { cpSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import type { Values } from '../../src/model.ts'
import { open } from '../export/reading.ts'
import { flatten, readCases, shapeOf, type Case } from '../support/cases.ts'
import { call, inProject, serve } from './support.ts'

/** One of each kind of layer, mask, direction, nesting and shape, of both Kerases and of older ones. */
const chosen = [
  'act-mixed-k2-keras', 'any-length-k3-keras', 'bi-initial-masked-k2-h5', 'bi-lstm-gru-k2-h5', 'bi-merges-masked-k3-keras', 'bi-turned-k2-h5', 'cells-masked-k3-keras', 'cells-two-layers-k2-keras',
  'convlstm1d-k2-keras', 'convlstm2d-stacked-k3-h5', 'dict-inputs-k3-keras', 'embed-any-k3-keras', 'embed-backwards-k2-h5', 'gru-before-k2-keras', 'gru-options-k3-keras', 'input-as-output-k2-h5',
  'layers-attention-masked-k3-keras', 'layers-conv-transpose-k2-keras', 'layers-conv1d-any-length-k2-h5', 'layers-multi-head-masked-k3-keras', 'layers-operations-k3-keras', 'layers-scaling-k2-h5',
  'many-inputs-k2-keras', 'many-outputs-k3-h5', 'mask-gru-k3-keras', 'mask-initial-then-k3-keras', 'mask-lstm-k2-keras', 'mixed-lstm-k2-h5', 'names-k2-h5', 'names-k3-keras', 'nest-states-k3-keras',
  'nest-two-deep-k2-keras', 'rnn-options-k2-keras', 'same-output-twice-k2-keras', 'shared-twice-k3-keras', 'state-from-input-k2-h5', 'state-outputs-all-k3-h5', 'stateful-lstm-k2-keras',
  'td-document-k2-h5', 'td-fixed-batch-k2-keras', 'td-masked-inner-k3-keras', 'td-model-k3-h5', 'time-major-k2-keras', 'translate-gru-k2-h5', 'translate-lstm-masked-k3-keras'
]

const cases = readCases(inProject('test/goldens/cases')).filter(({ id }) => chosen.includes(id))
const folder = t.testdir({})
for (const { id } of cases) for (const ending of ['h5', 'keras']) if (id.endsWith(ending)) cpSync(inProject(`test/goldens/models/${id}.${ending}`), `${folder}/${id}.${ending}`)
const { url } = await serve(t, folder)

const kinds = ['hidden', 'cell', 'gates', 'final', 'output', 'preactivations', 'contributions']

interface Described { inputs: { name: string, shape: (number | null)[] }[], outputs: { name: string }[], layers: { type: string, keys: string[] }[] }

/** The inputs of a golden for another number of sequences, and where a second axis is open of another length. */
function inputsFor ({ inputs }: Case, { inputs: slots }: Described, size: number, length: number | null): Record<string, unknown> {
  return Object.fromEntries(slots.map(({ name, shape }, n) => {
    const all = (inputs[name] ?? Object.values(inputs)[n]) as unknown[][]
    const rows = Array.from({ length: size }, (_, row) => all[row % all.length])
    return [name, length === null || shape[1] !== null ? rows : rows.map((row) => Array.from({ length }, (_, step) => row[step % row.length]))]
  }))
}

const arrayOf = (nested: unknown): Values => ({ shape: shapeOf(nested), data: Float32Array.from((nested as number[]).flat(Infinity) as number[], Number) })

/** Relative to max(1, |value|), as float32 is written in JSON; what is not finite is null there. */
function distance (own: Values, expected: unknown): number {
  const { shape, data } = arrayOf(expected)
  if (shape.join() !== own.shape.join()) return Infinity
  return data.reduce((worst, value, n) => Math.max(worst, Number.isFinite(own.data[n]) ? Math.abs(own.data[n] - value) / Math.max(1, Math.abs(value)) : 0), 0)
}

t.equal(cases.length, chosen.length)

for (const one of cases) {
  t.test(`${one.id}: the file gives what /hidden-states answers`, async (t) => {
    const { body: model } = await call<Described>(`${url}/models/${one.id}`)
    const layers = model.layers.filter(({ type }) => type !== 'InputLayer' && !type.startsWith('ops.')).flatMap(({ keys }) => keys)
    const response = await fetch(`${url}/models/${one.id}/export?format=onnx&outputs=${encodeURIComponent(JSON.stringify(layers))}`)
    t.equal(response.status, 200)
    const file = await open(new Uint8Array(await response.arrayBuffer()))
    const lengths = model.inputs.some(({ shape }) => shape[1] === null) ? [null, 1, 7] : [null]
    for (const size of [1, 2, 5]) {
      for (const length of lengths) {
        const inputs = inputsFor(one, model, size, length)
        const { status, body } = await call(`${url}/hidden-states`, { model: one.id, inputs: model.inputs.length === 1 ? Object.values(inputs)[0] : inputs, layers, tensors: kinds, outputs: true })
        t.equal(status, 200)
        const expected = new Map([...Object.entries(flatten(body.layers)).filter(([, value]) => Array.isArray(value) && typeof value[0] === 'object'), ...Object.entries(body.outputs as object)])
        const given = await file.run(Object.fromEntries(Object.entries(inputs).map(([name, nested]) => [name, arrayOf(nested)])))
        const far = [...given].map(([name, values]): [string, number] => [name, distance(values, expected.get(expected.has(name) ? name : name.replace(/\/output$/, '')))])
        t.same(far.filter(([, distance]) => !(distance <= 1e-6)), [], `batch ${size}, ${length ?? 'its own'} steps`)
        t.same([...expected.keys()].filter((name) => !given.has(name) && !given.has(`${name}/output`)), [], 'nothing is left out')
      }
    }
    await file.close()
  })
}

t.test('how the file is sent', async (t) => {
  const address = `${url}/models/any-length-k3-keras/export`
  const plain = await fetch(address, { headers: { 'accept-encoding': 'identity', accept: 'application/octet-stream' } })
  t.same(['content-type', 'content-disposition'].map((name) => plain.headers.get(name)), ['application/octet-stream', 'attachment; filename="any-length-k3-keras-1.onnx"'])
  const bytes = Buffer.from(await plain.arrayBuffer())
  t.equal(Number(plain.headers.get('content-length')), bytes.length)
  const head = await fetch(address, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } })
  t.same([head.status, head.headers.get('content-length')], [200, String(bytes.length)])
  const packed = await fetch(address, { headers: { 'accept-encoding': 'gzip' } })
  t.equal(packed.headers.get('content-encoding'), 'gzip')
  t.ok(bytes.equals(Buffer.from(await packed.arrayBuffer())), 'unpacked it is the same')
  t.ok(bytes.equals(Buffer.from(await (await fetch(`${address}?format=onnx&version=1`)).arrayBuffer())), 'and the same each time')
  t.throws(() => gunzipSync(bytes))
})

t.test('names in an address: with commas, repeated, as a JSON list', async (t) => {
  const outputs = async (query: string): Promise<readonly string[]> => {
    const file = await open(new Uint8Array(await (await fetch(`${url}/models/any-length-k3-keras/export?${query}`)).arrayBuffer()))
    await file.close()
    return file.outputs.slice().sort()
  }
  const both = await outputs('outputs=lstm/hidden,lstm/cell')
  t.same(await outputs('outputs=lstm/hidden&outputs=lstm/cell'), both)
  t.same(await outputs(`outputs=${encodeURIComponent('["lstm/hidden","lstm/cell"]')}`), both)
  t.ok(both.includes('lstm/hidden') && both.includes('lstm/cell'))
})

t.test('what is refused', async (t) => {
  const ask = async (path: string): Promise<[number, string, string | undefined]> => {
    const { status, body } = await call(`${url}/models/${path}`)
    return [status, body.code, body.pointer]
  }
  t.same(await ask('nothing/export'), [404, 'unknown_model', '/model'])
  t.same(await ask('any-length-k3-keras/export?version=2'), [404, 'unknown_model', '/version'])
  t.same(await ask('any-length-k3-keras/export?outputs=lstm/hidden,lstm/hiden'), [422, 'unknown_name', '/outputs/1'])
  for (const name of ['', '__proto__', 'constructor', '[', '[1]', '["lstm/hidden"', '%00', 'a'.repeat(5000)]) t.same((await ask(`any-length-k3-keras/export?outputs=${encodeURIComponent(name)}`)).slice(0, 2), [422, 'unknown_name'], name.slice(0, 20))
  t.same((await ask('any-length-k3-keras/export?format=tflite')).slice(0, 2), [422, 'invalid_value'])
  t.same((await ask('any-length-k3-keras/export?output=lstm/hidden')).slice(0, 2), [422, 'invalid_value'])
  t.same((await ask('any-length-k3-keras/export?version=one')).slice(0, 2), [422, 'invalid_value'])
})
