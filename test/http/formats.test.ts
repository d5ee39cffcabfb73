import t, { type Test } from 'tap'
import { readNpz, readSafetensors, floats, type Found } from '../trace/readers.ts'
import { alike, call, inProject, serve } from './support.ts'

const { url } = await serve(t, inProject('models'))
const body = { model: 'chars', inputs: { text: ['abc', 'xyz'] }, outputs: true }

/** The arrays of an answer by name, and the rest of it. */
type Read = [arrays: Map<string, Found>, metadata: Record<string, any>]
const formats: Readonly<Record<string, (bytes: Uint8Array) => Read>> = {
  'application/x-npz': (bytes) => {
    const arrays = readNpz(bytes)
    const metadata = JSON.parse(arrays.get('__metadata__')!.bytes.toString()) as Record<string, any>
    arrays.delete('__metadata__')
    return [arrays, metadata]
  },
  'application/vnd.safetensors': (bytes) => {
    const { arrays, metadata } = readSafetensors(bytes)
    return [arrays, Object.fromEntries(Object.entries(metadata).map(([name, text]) => [name, /^[[{\d]/.test(text) ? JSON.parse(text) : text]))]
  }
}

async function ask (t: Test, path: string, type: string, body?: object): Promise<Read> {
  const response = await fetch(url + path, body === undefined
    ? { headers: { accept: type } }
    : { method: 'POST', headers: { accept: type, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  t.equal(response.status, 200, `${path} as ${type}`)
  t.equal(response.headers.get('content-type'), type)
  return formats[type](new Uint8Array(await response.arrayBuffer()))
}

/** What stands at an array's name in the JSON answer. */
const at = (json: Record<string, any>, name: string): unknown => name.split('/').reduce<any>((place, part) => place[part], { ...json.layers, outputs: json.outputs })
const shapeOf = (nested: unknown): number[] => Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : []
const agrees = (found: Found, nested: unknown): boolean => {
  const expected = [nested].flat(Infinity) as number[]
  return JSON.stringify(shapeOf(nested)) === JSON.stringify(found.shape) && floats(found).every((value, n) => Object.is(value, Math.fround(expected[n])))
}

for (const type of Object.keys(formats)) {
  t.test(`states and outputs as ${type}`, async (t) => {
    const json = (await call(`${url}/hidden-states`, body)).body
    const [arrays, metadata] = await ask(t, '/hidden-states', type, body)
    t.same([...arrays.keys()].sort().slice(0, 5), ['lstm/cell', 'lstm/final/cell', 'lstm/final/hidden', 'lstm/gates/candidate', 'lstm/gates/forget'])
    for (const [name, found] of arrays) t.ok(agrees(found, at(json, name)), name)
    const { type: className, units, axes } = json.layers.lstm
    const { layers, outputs, ...rest } = json
    t.ok(alike(metadata, { ...rest, layers: { lstm: { type: className, units, axes } } }), 'metadata')
  })

  t.test(`a prediction as ${type}`, async (t) => {
    const { outputs: _, ...predict } = body
    const json = (await call(`${url}/predict`, predict)).body
    const [arrays, metadata] = await ask(t, '/models/chars/predict', type, { inputs: body.inputs })
    t.same([...arrays.keys()], Object.keys(json.outputs).map((name) => `outputs/${name}`))
    for (const [name, found] of arrays) t.ok(agrees(found, at(json, name)), name)
    t.same(Object.keys(metadata), ['model', 'version', 'digest', 'receipt'])
  })

  t.test(`weights as ${type}`, async (t) => {
    for (const query of ['', '?layer=lstm']) {
      const { layers } = (await call(`${url}/models/chars/weights${query}`)).body
      const [arrays, metadata] = await ask(t, `/models/chars/weights${query}`, type)
      const expected = Object.entries(layers as Record<string, any>).flatMap(([key, { weights }]) => Object.entries(weights as Record<string, any>).map(([name, { data }]) => [`${key}/${name}`, data] as const))
      t.same([...arrays.keys()].sort(), expected.map(([name]) => name).sort())
      for (const [name, data] of expected) t.ok(agrees(arrays.get(name)!, data), name)
      t.same(metadata, (await call(`${url}/models/chars/weights?values=false${query.replace('?', '&')}`)).body)
    }
    const { weights } = (await call(`${url}/models/chars/weights?layout=keras`)).body
    const [arrays] = await ask(t, '/models/chars/weights?layout=keras', type)
    for (const { layer, name, data } of weights) t.ok(agrees(arrays.get(`${layer}/${name}`)!, data), name)
    t.equal(arrays.size, weights.length)
    t.equal((await ask(t, '/models/chars/weights?values=false', type))[0].size, 0)
  })

  t.test(`errors stay problems: ${type}`, async (t) => {
    const wrong = await call(`${url}/predict`, { model: 'chars', inputs: 1 }, { accept: type })
    t.equal(wrong.headers.get('content-type'), 'application/problem+json')
    t.equal(wrong.status, 422)
    const list = await call(`${url}/models`, undefined, { accept: type })
    t.match(list, { status: 406, body: { code: 'not_acceptable', detail: /Ask for application\/json\.$/ } })
  })
}
