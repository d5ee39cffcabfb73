import t from 'tap'
import { floats, readNpz, readSafetensors } from '../trace/readers.ts'
import { alike, call, inProject, serve, type Answer } from './support.ts'

const { url } = await serve(t, inProject('models'))
const { body: sample } = await call(`${url}/models/weather/sample`)
const forget = { layer: 'lstm', gate: 'forget', value: 1 }
const ask = async (body: object): Promise<Answer> => await call(`${url}/hidden-states`, { ...sample, tensors: ['cell', 'gates'], ...body })

t.test('what if it could not forget: both runs, side by side', async (t) => {
  const { status, body } = await ask({ intervene: [forget] })
  t.equal(status, 200)
  t.same(Object.keys(body), ['model', 'version', 'digest', 'batch', 'steps', 'layers', 'outputs', 'intervened', 'intervenedLayers', 'receipt'])
  const { body: without } = await ask({ outputs: true })
  t.ok(alike([body.layers, body.outputs], [without.layers, without.outputs]), 'the first run is as it was')
  t.notOk(alike(body.intervened, body.outputs))
  const { gates, cell, ...rest } = body.intervenedLayers.lstm
  t.ok((gates.forget as number[][][]).flat(2).every((value) => value === 1))
  // Nothing is forgotten: the cell state is the sum of what came in.
  let memory = cell[0][0].map(() => 0)
  for (const [step, state] of (cell[0] as number[][]).entries()) {
    memory = memory.map((value: number, unit: number) => value + gates.input[0][step][unit] * gates.candidate[0][step][unit])
    t.ok(memory.every((value: number, unit: number) => Math.abs(value - state[unit]) < 1e-5), `step ${step}`)
  }
  const { gates: _, cell: __, ...plain } = body.layers.lstm
  t.same(rest, plain)
  t.match(body.receipt, { sound: true })
  t.match(body.receipt.checked.at(-1), /^gates and states with what is kept, by (tfjs|wasm)$/)
})

t.test('each unit at a value of its own: held at what it was, nothing changes', async (t) => {
  const one = { ...sample, inputs: [sample.inputs[0]] }
  const { body } = await ask({ ...one, steps: [3] })
  const was = body.layers.lstm.gates.forget[0][0] as number[]
  const { body: same } = await ask({ ...one, intervene: [{ layer: 'lstm', gate: 'forget', steps: [3], value: was }] })
  // In mm and °C, which the model has scaled, and by another engine than the first run: to 1e-6 of the largest of them.
  const [kept, first] = [same.intervened.activation[0], same.outputs.activation[0]] as number[][]
  t.ok(kept.every((value, n) => Math.abs(value - first[n]) <= 1e-6 * Math.max(...first.map(Math.abs))), `${kept} where it was ${first}`)
  const { body: turned } = await ask({ ...one, intervene: [{ layer: 'lstm', gate: 'forget', steps: [3], unit: [5, 2], value: [0.25, 0.75] }] })
  const now = turned.intervenedLayers.lstm.gates.forget[0][3] as number[]
  t.same(now.flatMap((value, unit) => Math.abs(value - was[unit]) < 1e-5 ? [] : [[unit, value]]), [[2, 0.75], [5, 0.25]])
  const query = await call(`${url}/models/weather/hidden-states?tensors=cell&intervene=${encodeURIComponent(JSON.stringify([{ layer: 'lstm', gate: 'forget', value: was }]))}`, { inputs: one.inputs, raw: true })
  t.equal(query.status, 200)
})

t.test('the same in every format, from the query, and line by line', async (t) => {
  const { body } = await ask({ intervene: [forget] })
  const expected = [body.intervened.activation, body.intervenedLayers.lstm.cell].flat(Infinity) as number[]
  const send = async (accept: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(`${url}/models/weather/hidden-states?tensors=cell&intervene=${encodeURIComponent(JSON.stringify([forget]))}`, {
    method: 'POST', headers: { accept, 'content-type': 'application/json' }, body: JSON.stringify({ inputs: sample.inputs, raw: sample.raw })
  })).arrayBuffer())
  for (const arrays of [readNpz(await send('application/x-npz')), readSafetensors(await send('application/vnd.safetensors')).arrays]) {
    const found = ['intervened/activation', 'intervenedLayers/lstm/cell'].flatMap((name) => [...floats(arrays.get(name)!)])
    t.ok(alike(found, expected))
  }
  const lines = await fetch(`${url}/hidden-states`, {
    method: 'POST', headers: { accept: 'application/x-ndjson', 'content-type': 'application/json' }, body: JSON.stringify({ ...sample, intervene: [forget], inputs: [...sample.inputs, ...sample.inputs] })
  })
  const all = (await lines.text()).trimEnd().split('\n').map((line) => JSON.parse(line))
  for (const [n, line] of all.entries()) t.ok(alike(line.intervened.activation, [body.intervened.activation[n % sample.inputs.length]]))
  t.equal(all.length, 2 * sample.inputs.length)
})

t.test('what is wrong is refused where it stands', async (t) => {
  const wrong: [intervene: unknown, pointer: string][] = [
    [[], '/intervene'], [{}, '/intervene'], ['lstm', '/intervene'], [Array(101).fill(forget), '/intervene'], [[null], '/intervene/0'], [[{ layer: 'lstm', value: 1 }], '/intervene/0'],
    [[{ ...forget, state: 'cell' }], '/intervene/0'], [[{ gate: 'forget', value: 1 }], '/intervene/0/layer'], [[{ ...forget, value: null }], '/intervene/0/value'],
    [[{ ...forget, value: 1e39 }], '/intervene/0/value'], [[{ ...forget, value: '1' }], '/intervene/0/value'], [[{ ...forget, value: [] }], '/intervene/0/value'], [[{ ...forget, value: Array(33).fill(1) }], '/intervene/0/value'],
    [[{ ...forget, unit: [1, 2], value: [1] }], '/intervene/0/value'], [[{ ...forget, unit: 1, value: [null] }], '/intervene/0/value'], [[{ ...forget, unit: [1, 2], value: [1, 1e39] }], '/intervene/0/value'], [[{ layer: 'lstm', gate: 'forget' }], '/intervene/0/value'],
    [[{ ...forget, unit: -1 }], '/intervene/0/unit'], [[{ ...forget, unit: 0.5 }], '/intervene/0/unit'], [[{ ...forget, unit: [] }], '/intervene/0/unit'], [[{ ...forget, unit: [0, 'a'] }], '/intervene/0/unit'],
    [[{ ...forget, unit: 32 }], '/intervene/0/unit'], [[forget, { ...forget, gate: 'reset' }], '/intervene/1/gate'], [[{ ...forget, layer: 'dense' }], '/intervene/0/layer'],
    [[{ ...forget, layer: 'constructor' }], '/intervene/0/layer'], [[{ ...forget, gate: 'toString' }], '/intervene/0/gate'], [[{ ...forget, steps: 'first' }], '/intervene/0/steps'],
    [[{ ...forget, steps: [] }], '/intervene/0/steps'], [[{ ...forget, steps: [7] }], '/intervene/0/steps/0'], [[{ ...forget, steps: { from: 9 } }], '/intervene/0/steps'],
    [[{ ...forget, steps: { from: 0, every: 0 } }], '/intervene/0/steps'], [[{ ...forget, units: [1] }], '/intervene/0/units']
  ]
  for (const [intervene, pointer] of wrong) {
    const { status, body } = await ask({ intervene })
    t.equal(status, 422, JSON.stringify(body))
    t.ok(body.pointer.startsWith(pointer), `${JSON.stringify(intervene).slice(0, 80)}: ${body.pointer}, ${body.detail}`)
  }
  t.match(await ask({ tensors: 'cell', summary: {}, intervene: [forget] }), { status: 422, body: { pointer: '/intervene' } })
  t.match(await call(`${url}/predict`, { ...sample, intervene: [forget] }), { status: 422, body: { pointer: '/intervene' } })
  t.match(await call(`${url}/models/weather/hidden-states?intervene=%7B`, { inputs: sample.inputs }), { status: 422 })
})
