import { cpSync, existsSync, readFileSync } from 'node:fs'
import { request as open } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { Case } from '../support/cases.ts'
import { edges } from '../../src/studies/summary/moments.ts'
import { pearson, statistics, tensorsIn, valuesOf, type Known } from '../studies/summary/by-hand.ts'
import { call, inProject, serve } from './support.ts'

const goldens = ['mask-gru-k3-keras', 'bi-own-masked-k3-keras', 'cells-masked-k3-keras', 'td-document-k3-keras', 'td-masked-inner-k3-keras', 'convlstm1d-k2-keras', 'embed-backwards-k3-keras', 'any-length-k3-keras']
const folder = t.testdir()
for (const name of goldens) for (const end of ['keras', 'h5']) if (existsSync(inProject(`test/goldens/models/${name}.${end}`))) cpSync(inProject(`test/goldens/models/${name}.${end}`), join(folder, `${name}.${end}`))
for (const name of ['weather', 'weather-kind', 'chars', 'nextchar']) cpSync(inProject(`models/${name}`), join(folder, name), { recursive: true })
const { url } = await serve(t, folder)

type Any = any

const inputsOf = (id: string): Any => {
  const { inputs } = JSON.parse(readFileSync(inProject(`test/goldens/cases/${id}.json`), 'utf8')) as Case
  return Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs
}
const ask = async (body: object): Promise<Any> => {
  const answer = await call(`${url}/hidden-states`, body)
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
  return answer.body
}
const at = (layer: Any, path: string): Any => path.split('/').reduce((here, part) => here?.[part], layer)

/** Are two objects of statistics the same? Counts exactly; the rest to 1e-12, m2 also of what it is the difference of. */
function agree (found: Any, expected: Any): boolean {
  if (found === undefined || JSON.stringify(Object.keys(found)) !== JSON.stringify(Object.keys(expected))) return false
  const near = (a: number | null, b: number | null, scale = 0): boolean => a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-12 * Math.abs(b) + 1e-14 * scale)
  const largest = Math.max(Math.abs(expected.min ?? 0), Math.abs(expected.max ?? 0))
  return found.count === expected.count && found.min === expected.min && found.max === expected.max && near(found.low, expected.low) && near(found.high, expected.high) &&
    near(found.mean, expected.mean, largest) && near(found.m2, expected.m2, largest * Math.sqrt(expected.count * expected.m2)) && JSON.stringify(found.histogram) === JSON.stringify(expected.histogram)
}

/** Axes before the step: the batch, and one more inside each TimeDistributed. */
const depthIn = (axes: readonly string[]) => (): number => axes.indexOf('step')

/** The tensors of the whole trace as float32: an answer's decimals stand for one. */
const singles = (known: Known): number[][][] => valuesOf(known).map((units) => units.map((values) => values.map(Math.fround)))

t.test('each number of a summary is the one counted by hand from the whole trace', async (t) => {
  for (const model of [...goldens, 'weather-kind']) {
    const sample = model === 'weather-kind' ? (await call(`${url}/models/weather-kind/sample`)).body : { model, inputs: inputsOf(model) }
    const trace = await ask({ ...sample, tensors: ['hidden', 'cell', 'gates', 'preactivations'].slice(0, model === 'weather-kind' ? 3 : 4) })
    const kinds = Object.keys(trace.layers).length
    t.ok(kinds > 0, model)
    for (const summary of [{}, { by: 'step', low: -0.25, high: 0.75 }]) {
      const { low = 0.1, high = 0.9, by = 'all' } = summary as { low?: number, high?: number, by?: string }
      const tensors = model === 'weather-kind' ? {} : { tensors: ['hidden', 'cell', 'gates', 'preactivations'] }
      const answer = await ask({ ...sample, ...tensors, summary })
      t.same(answer.summary, { low, high, by, edges })
      t.equal(answer.batch, trace.batch)
      t.same(Object.keys(answer.layers), Object.keys(trace.layers))
      for (const [key, layer] of Object.entries<Any>(trace.layers)) {
        const own = answer.layers[key]
        t.match(own, { type: layer.type, units: layer.units, axes: by === 'all' ? ['unit'] : ['step', 'unit'] })
        for (const known of tensorsIn(layer, depthIn(layer.axes))) {
          const steps = singles(known)
          const units = steps.find((units) => units.length > 0)!.length
          const found = at(own, known.name)
          const expected = (by === 'all' ? [steps] : steps.map((step) => [step])).map((some) =>
            Array.from({ length: units }, (_, unit) => statistics(some.flatMap((step) => step[unit] ?? []), low, high)))
          const given = by === 'all' ? [found] : found
          t.equal(given.length, expected.length, `${model} ${key}/${known.name} by ${by}`)
          t.ok(expected.every((units, step) => units.length === given[step].length && units.every((one, unit) => agree(given[step][unit], one))), `${model} ${key}/${known.name} by ${by}`)
        }
      }
    }
  }
})

t.test('masked steps are in no number', async (t) => {
  const { layers } = await ask({ model: 'mask-gru-k3-keras', inputs: inputsOf('mask-gru-k3-keras') })
  const mask = Object.values<Any>(layers)[0].mask.flat() as number[]
  const answer = await ask({ model: 'mask-gru-k3-keras', inputs: inputsOf('mask-gru-k3-keras'), summary: {} })
  t.ok(mask.includes(0) && mask.includes(1))
  for (const layer of Object.values<Any>(answer.layers)) for (const { count } of layer.hidden) t.equal(count, mask.filter((one) => one === 1).length)
})

t.test('steps, layers and tensors choose what is summarised', async (t) => {
  const { inputs } = (await call(`${url}/models/weather/sample`)).body
  const body = { model: 'weather', inputs, raw: true }
  // The same tensors: another graph would round otherwise.
  const trace = await ask({ ...body, tensors: 'hidden' })
  for (const [steps, chosen] of [['last', [6]], [[0, -1, 0], [0, 6]], [{ from: 1, to: 6, every: 2 }, [1, 3, 5]]] as const) {
    const cut = { values: trace.layers.lstm.hidden.map((sequence: Any) => chosen.map((step) => sequence[step])), mask: null, name: 'hidden', depth: 1 }
    const all = await ask({ ...body, steps, tensors: 'hidden', summary: {} })
    t.same(Object.keys(all.layers.lstm), ['type', 'units', 'axes', 'hidden', 'follows'])
    const expected = singles(cut)
    t.ok(all.layers.lstm.hidden.every((one: Any, unit: number) => agree(one, statistics(expected.flatMap((step) => step[unit]), 0.1, 0.9))))
    const by = await ask({ ...body, steps, tensors: 'hidden', summary: { by: 'step' } })
    t.same(by.layers.lstm.stepIndices, chosen)
    t.ok(expected.every((units, step) => units.every((values, unit) => agree(by.layers.lstm.hidden[step][unit], statistics(values, 0.1, 0.9)))))
  }
  const one = await ask({ model: 'weather-kind', inputs: (await call(`${url}/models/weather-kind/sample`)).body.inputs, layers: 'gru', summary: {} })
  t.same(Object.keys(one.layers), ['gru'])
})

t.test('half-lives and what is followed are those of the trace', async (t) => {
  const days = (await call(`${url}/models/weather-kind/sample`)).body.inputs as number[][][]
  const tensors = ['hidden', 'cell', 'gates']
  const trace = await ask({ model: 'weather-kind', inputs: days, tensors })
  const answer = await ask({ model: 'weather-kind', inputs: days, summary: {} })
  const features = (await call(`${url}/models/weather-kind`)).body.features as string[]
  const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length
  let compared = 0
  const [bi] = Object.keys(trace.layers)
  for (const [place, keep] of [[`${bi}/forward`, 'forget'], [`${bi}/backward`, 'forget'], ['gru', 'update']]) {
    const [layer, own] = [at(trace.layers, place), at(answer.layers, place)]
    for (const [unit, halfLife] of (own.halfLife as number[]).entries()) {
      const kept = mean(layer.gates[keep].flat().map((units: number[]) => Math.fround(units[unit])))
      t.ok(Math.abs(halfLife - Math.log(0.5) / Math.log(kept)) <= 1e-9 * halfLife, `${place} unit ${unit}`)
      const hidden = layer.hidden.flat().map((units: number[]) => Math.fround(units[unit]))
      const expected = features.map((feature, n) => ({ feature, correlation: pearson(days.flat().map((day) => Math.fround(day[n])), hidden) }))
        .filter(({ correlation }) => correlation !== null).sort((a, b) => Math.abs(b.correlation!) - Math.abs(a.correlation!)).slice(0, 3)
      t.same(own.follows[unit].map((one: Any) => one.feature), expected.map(({ feature }) => feature))
      t.ok(expected.every(({ correlation }, n) => Math.abs(own.follows[unit][n].correlation - correlation!) < 1e-6))
      compared++
    }
  }
  t.equal(compared, 48)
  const ids = inputsOf('embed-backwards-k3-keras') as number[][]
  const embedded = await ask({ model: 'embed-backwards-k3-keras', inputs: ids, tensors })
  const followed = await ask({ model: 'embed-backwards-k3-keras', inputs: ids, summary: {} })
  const { hidden, mask } = embedded.layers.first
  const seen = (mask as number[][]).flat().map((one) => one === 1)
  for (const { feature, correlation } of followed.layers.first.follows[0]) {
    const expected = pearson(ids.flat().map((id) => Number(id === feature)).filter((_, n) => seen[n]), hidden.flat().map((units: number[]) => units[0]).filter((_: number, n: number) => seen[n]))
    t.ok(Math.abs(correlation - expected!) < 1e-6, `id ${feature}`)
  }
  t.equal(followed.layers.second?.follows, undefined, 'its steps are those of a layer that reads backwards')
})

const type = 'application/x-ndjson'
async function lines (path: string, body: string, headers: Record<string, string> = {}): Promise<Any> {
  const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': type, ...headers }, body })
  return { status: response.status, type: response.headers.get('content-type'), body: await response.json() }
}
/** Sequences of a model of two features, of many lengths. */
const sequences = Array.from({ length: 700 }, (_, n) => Array.from({ length: 1 + (n * 7) % 23 }, (_, step) => [0, 1, 2].map((feature) => Math.round(Math.sin(n + step * 3 + feature) * 1e4) / 1e4)))

t.test('lines of any lengths are one summary, that of all of them', async (t) => {
  const { inputs: [{ shape }] } = (await call(`${url}/models/any-length-k3-keras`)).body
  const own = sequences.map((sequence) => sequence.map((step) => Array.from({ length: shape[2] }, (_, n) => step[n % 3])))
  for (const by of ['all', 'step']) {
    const { status, type, body } = await lines(`/models/any-length-k3-keras/hidden-states?summary=${by}`, own.map((inputs, id) => JSON.stringify({ id, inputs })).join('\n'))
    t.match({ status, type }, { status: 200, type: /^application\/json/ })
    t.match(body, { model: 'any-length-k3-keras', batch: 700, steps: 23, receipt: { sound: true } })
    t.equal(body.failed, undefined)
    const traces = new Map<number, Any>()
    for (const length of new Set(own.map(({ length }) => length))) traces.set(length, await ask({ model: 'any-length-k3-keras', inputs: own.filter((one) => one.length === length) }))
    for (const [key, layer] of Object.entries<Any>(body.layers)) {
      const parts = [...traces.values()].map(({ layers }) => tensorsIn(layers[key], depthIn(layers[key].axes)).map((known) => ({ name: known.name, steps: singles(known) })))
      for (const [n, { name, steps: [first] }] of parts[0].entries()) {
        const of = (step: number | null, unit: number): number[] => parts.flatMap((tensors) => tensors[n].steps.flatMap((units, at) => step === null || step === at ? units[unit] : []))
        const rows = by === 'all' ? [null] : Array.from({ length: 23 }, (_, step) => step)
        const found = by === 'all' ? [at(layer, name)] : at(layer, name)
        t.ok(rows.every((step, row) => first.every((_, unit) => {
          // Sequences of one length ran in other company: the last bits of their states are their own.
          const [one, other] = [found[row][unit], statistics(of(step, unit), 0.1, 0.9) as Any]
          return one.count === other.count && Math.abs(one.mean - other.mean) < 1e-6 && Math.abs(one.m2 - other.m2) < 1e-5 * other.count && Math.abs(one.min - other.min) < 1e-6 && Math.abs(one.max - other.max) < 1e-6
        })), `${key}/${name} by ${by}`)
      }
    }
  }
})

t.test('a line that is wrong is counted and told; an address that is wrong, or nothing right, is the answer', async (t) => {
  const good = (n: number): string => JSON.stringify({ id: n, inputs: { text: ['and', 'the', 'God'][n % 3] } })
  const bad = ['{"inputs": [1', '{"id": "two", "inputs": {"text": ["a", "b"]}}', '[1]', '{"inputs": {"text": "a"}, "layers": "lstm"}', '{"id": "x", "inputs": {"text": 3}}']
  const body = [...bad.slice(0, 2), ...Array.from({ length: 300 }, (_, n) => good(n)), ...bad.slice(2), ...Array.from({ length: 8 }, () => '{}')].join('\n')
  const answer = (await lines('/models/chars/hidden-states?summary=all&steps=-1', body)).body
  t.equal(answer.batch, 300)
  t.equal(answer.layers.lstm.hidden[0].count, 300)
  t.equal(answer.failed.lines, 13)
  t.equal(answer.failed.problems.length, 10)
  t.match(answer.failed.problems.slice(0, 5), [{ line: 1, code: 'malformed' }, { line: 2, id: 'two', code: 'wrong_shape' }, { line: 303, code: 'invalid_value' }, { line: 304, pointer: '/layers' }, { line: 305, id: 'x' }])
  t.match(await lines('/models/any-length-k3-keras/hidden-states?summary=all&steps=5', sequences.slice(0, 3).map((inputs) => JSON.stringify({ inputs })).join('\n')), { body: { batch: 2, failed: { lines: 1, problems: [{ line: 1, code: 'invalid_value', pointer: '/steps/0' }] } } })
  const refused: [path: string, body: string, expected: object][] = [
    ['/models/chars/hidden-states?summary=all', '', { status: 422, body: { code: 'invalid_value', detail: /no line/ } }],
    ['/models/chars/hidden-states?summary=all', '{"inputs": 1}\n{}', { status: 422, body: { detail: /none of 2 lines.*line 1/i, pointer: '/inputs' } }],
    ['/models/chars/hidden-states?summary=week', good(0), { status: 422, body: { detail: /^The parameter "summary" is not JSON/ } }],
    ['/models/chars/hidden-states?summary={"by":"week"}', good(0), { status: 422, body: { pointer: '/summary/by' } }],
    ['/models/chars/hidden-states?summary=all&layers=nope', good(0), { status: 422, body: { code: 'unknown_name', pointer: '/layers/0' } }],
    ['/models/chars/hidden-states?summary=all&layers=dense', good(0), { status: 422, body: { code: 'invalid_value', pointer: '/layers' } }],
    ['/models/chars/hidden-states?summary=all&tensors=final', good(0), { status: 422, body: { code: 'invalid_value', pointer: '/tensors' } }],
    ['/models/chars/hidden-states?summary=all&outputs=true', good(0), { status: 422, body: { code: 'invalid_value', pointer: '/outputs' } }],
    ['/models/nope/hidden-states?summary=all', good(0), { status: 404 }],
    ['/models/chars/predict?summary=all', good(0), { status: 422 }]
  ]
  for (const [path, body, expected] of refused) t.match(await lines(path, body), { type: 'application/problem+json', ...expected }, path)
  t.match(await lines('/models/chars/hidden-states?summary=all', good(0), { accept: type }), { status: 406 })
  t.match(await lines('/models/chars/hidden-states', '{"inputs": {"text": "a"}, "summary": {}}'), { body: { pointer: '/summary', line: 1 } })
})

t.test('who goes away leaves the service as it was', async (t) => {
  const request = open(`${url}/models/chars/hidden-states?summary=all`, { method: 'POST', headers: { 'content-type': type } }).on('error', () => {})
  await new Promise((resolve) => request.write('{"inputs": {"text": "a"}}\n'.repeat(1000), resolve))
  await wait(50)
  request.destroy()
  t.match(await lines('/models/chars/hidden-states?summary=all', '{"inputs": {"text": "a"}}'), { status: 200, body: { batch: 1 } })
})

t.test('what a summary cannot be is refused with its place', async (t) => {
  const inputs = { text: ['and god said'] }
  const cases: [fields: object, expected: object][] = [
    [{ summary: 1 }, { pointer: '/summary' }],
    [{ summary: null }, { pointer: '/summary' }],
    [{ summary: [] }, { pointer: '/summary' }],
    [{ summary: { lo: 1 } }, { pointer: '/summary/lo' }],
    [{ summary: { low: '0.1' } }, { pointer: '/summary/low' }],
    [{ summary: { low: 0.95 } }, { pointer: '/summary/low' }],
    [{ summary: { by: 'unit' } }, { pointer: '/summary/by' }],
    [{ summary: {}, tensors: 'output' }, { pointer: '/tensors' }],
    [{ summary: {}, outputs: true }, { pointer: '/outputs' }],
    [{ summary: {}, intervene: [{ layer: 'lstm', gate: 'forget', value: 0 }] }, { pointer: '/intervene' }],
    [{ summary: {}, layers: 'dense' }, { pointer: '/layers' }],
    [{ summary: {}, steps: [40] }, { pointer: '/steps/0' }]
  ]
  for (const [fields, expected] of cases) t.match(await call(`${url}/hidden-states`, { model: 'chars', inputs, ...fields }), { status: 422, body: expected }, JSON.stringify(fields))
  t.match(await call(`${url}/predict`, { model: 'chars', inputs, summary: {} }), { status: 422 })
  t.match(await call(`${url}/hidden-states`, { model: 'chars', inputs, summary: {} }, { accept: 'application/x-npz' }), { status: 406 })
  const { inputs: [{ shape }] } = (await call(`${url}/models/any-length-k3-keras`)).body
  const long = { shape: [1, 12000, shape[2]], data: Array(12000 * shape[2]).fill(0.5) }
  t.match(await call(`${url}/hidden-states`, { model: 'any-length-k3-keras', inputs: long, summary: { by: 'step' } }), { status: 413, body: { code: 'too_large', pointer: '/summary' } })
  t.match(await call(`${url}/hidden-states`, { model: 'any-length-k3-keras', inputs: long, summary: { by: 'step' }, steps: [0, -1] }), { status: 200, body: { steps: 12000 } })
})
