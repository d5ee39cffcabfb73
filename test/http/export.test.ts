import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { open } from '../export/reading.ts'
import { holdFiles } from './export-files.ts'
import { call } from './support.ts'

/** One of each kind of layer and mask; others are in export.slow.test.ts. */
const url = await holdFiles(t, [
  'any-length-k3-keras', 'bi-lstm-gru-k2-h5', 'bi-merges-masked-k3-keras', 'cells-masked-k3-keras', 'convlstm2d-stacked-k3-h5', 'embed-any-k3-keras', 'gru-options-k3-keras', 'input-as-output-k2-h5',
  'layers-conv-transpose-k2-keras', 'many-outputs-k3-h5', 'mask-lstm-k2-keras', 'names-k3-keras', 'shared-twice-k3-keras', 'state-from-input-k2-h5', 'td-masked-inner-k3-keras'
])

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
  t.same((await ask('any-length-k3-keras/export?version=one')).slice(0, 2), [404, 'unknown_model'])
})
