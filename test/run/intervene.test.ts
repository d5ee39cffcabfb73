import t from 'tap'
import { loadCheck } from '../../src/load-check.ts'
import type { Layer, ModelFile, Values } from '../../src/model.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { loadOnnx } from '../../src/ops/onnx/runtime.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { independent } from '../../src/plan/independent.ts'
import type { Plan } from '../../src/plan/plan.ts'
import type { Served } from '../../src/registry/entry.ts'
import { readModel } from '../../src/registry/read.ts'
import type { Batch, Intervention, StepChoice } from '../../src/request/probe.ts'
import { runTogether } from '../../src/run/company.ts'
import { byOnnx } from '../../src/run/compiled.ts'
import { extract, type Traced } from '../../src/run/extract.ts'
import { host, type Hosted } from '../../src/run/hosted.ts'
import { plainRuntime } from '../../src/run/plain-runtime.ts'
import { arrayDifference, recheck, tolerance } from '../../src/run/receipt.ts'
import { takeSteps } from '../../src/run/steps.ts'
import { numbers } from '../cells/support.ts'
import { maskedLstm } from '../support/models.ts'
import { byHand, dense, type ByHand, type Keep, type Rows } from './by-hand.ts'

const engine = await loadEngine('auto')
const onnx = await loadOnnx(2)
const golden = async (name: string): Promise<ModelFile> => await readModel({ main: `test/goldens/models/${name}`, weights: null })
const tensors = ['hidden', 'cell', 'gates', 'final', 'preactivations', 'contributions', 'output'] as const

const planOf = (file: ModelFile, intervene: readonly Intervention[], steps: StepChoice = 'all'): Plan =>
  buildPlan(file, { layers: null, tensors, steps, outputs: true, raw: false, intervene }, {})

async function hosted (t: { teardown: (close: () => Promise<void>) => void }, file: ModelFile): Promise<Hosted> {
  const check = loadCheck({ key: 'm', id: 'm', version: 1, status: 'loading', digest: '', file, meta: {} } as Served)
  const { model, reason } = await host(engine, 'reason' in onnx ? [] : [byOnnx(onnx)], file, check)
  if (model === null) throw new Error(reason)
  t.teardown(model.dispose)
  return model
}

/** One run by the service's own engines, one in float64. */
async function runs (model: Hosted, file: ModelFile, plan: Plan, batch: Batch): Promise<{ by: string, traced: Pick<Traced, 'layers' | 'outputs'>, tolerance: number }[]> {
  const { runtime, resident } = plainRuntime()
  const { traced, receipt } = await model.run(plan, batch)
  if (!receipt.sound) throw new Error('not sound')
  return [
    { by: engine.name, traced: traced.intervened!, tolerance: 1e-5 },
    // What it reads back is float32.
    { by: 'float64', traced: extract(runtime, resident, file, plan, batch, plan.clamps).traced, tolerance: 1e-7 }
  ]
}

const flat = (rows: Rows): Values => ({ shape: [1, rows.length, rows[0].length], data: Float32Array.from(rows.flat()) })
const rowsOf = (data: Float32Array, features: number): Rows => Array.from({ length: data.length / features }, (_, n) => [...data.subarray(n * features, (n + 1) * features)])
const open = (x: Rows): boolean[] => x.map(() => true)

/** Interventions and what they keep, as a loop asks for it. */
function keeping (interventions: readonly Intervention[], layer: string, steps: number): Keep {
  const own = interventions.filter((one) => one.layer === layer)
  return (name, step, unit) => {
    const found = own.findLast((one) => one.name === name && (one.units === null || one.units.includes(unit)) &&
      (one.steps === 'all' || (one.steps as readonly number[]).some((at) => (at < 0 ? at + steps : at) === step)))
    return typeof found?.value === 'object' ? found.value[found.units?.indexOf(unit) ?? unit] : found?.value
  }
}

/** One intervention in every gate and every state of a cell, on some units and steps, then one on all. */
function everywhere (layer: string, { className, config }: Layer, steps: number): Intervention[] {
  const lstm = /LSTM/.test(className)
  const gates = lstm ? ['input', 'forget', 'candidate', 'output'] : /GRU/.test(className) ? ['update', 'reset', 'candidate'] : ['candidate']
  const one = (kind: 'gate' | 'state', name: string, n: number): Intervention =>
    ({ layer, kind, name, units: [n % 2], steps: [(n * 2) % steps, -1 - n % steps], value: numbers(1, n + 7)[0] })
  // One value for each unit: of those named, not in their order, and of all.
  const each = [{ ...one('gate', gates.at(-1)!, 3), units: [1, 0], steps: [1], value: [...numbers(2, 23)] }, { ...one('gate', gates[0], 0), units: null, steps: [2 % steps], value: [...numbers(config.units as number, 29)] }]
  const some = [...gates.map((name, n) => one('gate', name, n)), ...(lstm ? ['hidden', 'cell'] : ['hidden']).map((name, n) => one('state', name, n + gates.length))]
  return [...some, { layer, kind: 'gate', name: gates[0], units: null, steps: 'all', value: 0.25 }, ...each]
}

function compareCell (t: { ok: (found: boolean, what: string) => unknown }, traced: Pick<Traced, 'layers'>, name: string, hand: ByHand, tolerance: number, what: string): void {
  const tensors = traced.layers.flatMap(({ key, tensors }) => Object.entries(tensors).map(([tensor, values]) => [`${key}/${tensor}`, values] as const))
  const given = new Map(tensors)
  for (const [state, rows] of Object.entries(hand.states)) t.ok(arrayDifference(flat(rows), given.get(`${name}/${state}`)!) < tolerance, `${what}: ${name}/${state}`)
  for (const [gate, rows] of Object.entries(hand.gates)) {
    const values = given.get(`${name}/gates/${gate}`)
    if (values !== undefined) t.ok(arrayDifference(flat(rows), values) < tolerance, `${what}: ${name}/gates/${gate}`)
  }
}

t.test('an LSTM and what comes after it', async (t) => {
  for (const [name, path] of [['lstm', 'models/weather/model.h5'], ['lstm', 'models/chars/model.keras']]) {
    const file = await readModel({ main: path, weights: null })
    const { inputs: [input], layers } = file.graph
    const [, steps, features] = input.shape as number[]
    const data = numbers(steps * features, 5)
    const x = rowsOf(data, features)
    const model = await hosted(t, file)
    const all = everywhere(name, layers[name], steps)
    for (const interventions of [...all.map((one) => [one]), all]) {
      const hand = byHand(layers[name], x, open(x), keeping(interventions, name, steps))
      const out = dense(Object.values(layers).find(({ className }) => className === 'Dense')!, hand.states.hidden[steps - 1])
      const what = `${path} ${JSON.stringify(interventions)}`
      for (const { by, traced, tolerance } of await runs(model, file, planOf(file, interventions), { inputs: { [input.name]: { shape: [1, steps, features], data } }, initial: {}, size: 1 })) {
        compareCell(t, traced, name, hand, tolerance, `${by}, ${what}`)
        t.ok(arrayDifference({ shape: [1, out.length], data: Float32Array.from(out) }, traced.outputs[0].values) < tolerance, `${by}, output, ${what}`)
      }
    }
  }
})

t.test('both directions, and a GRU that reads what they give', async (t) => {
  const file = await readModel({ main: 'models/weather-kind/model.keras', weights: null })
  const { bi, gru, kind } = file.graph.layers
  const data = numbers(90, 3)
  const x = rowsOf(data, 9)
  const model = await hosted(t, file)
  const parts = [...everywhere('bi/forward', bi.children.forward, 10), ...everywhere('bi/backward', bi.children.backward, 10), ...everywhere('gru', gru, 10)]
  for (const interventions of [...parts.map((one) => [one]), parts]) {
    const forward = byHand(bi.children.forward, x, open(x), keeping(interventions, 'bi/forward', 10))
    const backward = byHand(bi.children.backward, x, open(x), keeping(interventions, 'bi/backward', 10), true)
    const own = byHand(gru, x.map((_, n) => [...forward.states.hidden[n], ...backward.states.hidden[n]]), open(x), keeping(interventions, 'gru', 10))
    const out = dense(kind, own.states.hidden[9])
    for (const { by, traced, tolerance } of await runs(model, file, planOf(file, interventions), { inputs: { days: { shape: [1, 10, 9], data } }, initial: {}, size: 1 })) {
      const what = `${by}, ${JSON.stringify(interventions)}`
      compareCell(t, traced, 'bi/forward', forward, tolerance, what)
      compareCell(t, traced, 'bi/backward', backward, tolerance, what)
      compareCell(t, traced, 'gru', own, tolerance, what)
      t.ok(arrayDifference({ shape: [1, 5], data: Float32Array.from(out) }, traced.outputs[0].values) < tolerance, what)
    }
  }
})

t.test('stacked cells of all kinds, masked, forwards and backwards; both directions, masked', async (t) => {
  for (const name of ['cells-masked-k3-keras.keras', 'bi-own-masked-k3-keras.keras']) {
    const file = await golden(name)
    const model = await hosted(t, file)
    const data = numbers(12, 8)
    for (const step of [0, 3]) data.fill(0, step * 2, step * 2 + 2)
    const x = rowsOf(data, 2)
    const mask = x.map((row) => row.some((value) => value !== 0))
    const batch: Batch = { inputs: { x: { shape: [1, 6, 2], data } }, initial: {}, size: 1 }
    for (const [key, layer] of Object.entries(file.graph.layers)) {
      const { cell, forward, backward } = layer.children
      if (cell === undefined && forward === undefined) continue
      const parts = cell === undefined ? { forward, backward } : cell.children
      const named = Object.entries(parts).map(([place, part]) => [cell === undefined ? `${key}/${place}` : `${key}/cells/${place}`, part] as const)
      const all = named.flatMap(([at, part]) => everywhere(at, part, 6))
      for (const interventions of [...named.map(([at, part]) => everywhere(at, part, 6)), all]) {
        const hands: [string, ByHand][] = []
        let heard = x
        for (const [at, part] of named) {
          const hand = byHand(part, heard, mask, keeping(interventions, at, 6), (cell === undefined ? part : layer).config.go_backwards === true)
          hands.push([at, hand])
          if (cell !== undefined) heard = hand.states.hidden
        }
        for (const { by, traced, tolerance } of await runs(model, file, planOf(file, interventions), batch)) {
          for (const [at, hand] of hands) compareCell(t, traced, at, hand, tolerance, `${by}, ${name}, ${JSON.stringify(interventions)}`)
        }
      }
    }
  }
})

t.test('a SimpleRNN, a GRU that resets before, a layer inside TimeDistributed', async (t) => {
  for (const [name, key, steps, features] of [['rnn-last-k3-h5.h5', 'rnn', 6, 3], ['gru-before-k3-h5.h5', 'gru', 5, 2]] as const) {
    const file = await golden(name)
    const data = numbers(steps * features, 2)
    const x = rowsOf(data, features)
    const model = await hosted(t, file)
    const all = everywhere(key, file.graph.layers[key], steps)
    for (const interventions of [...all.map((one) => [one]), all]) {
      const hand = byHand(file.graph.layers[key], x, open(x), keeping(interventions, key, steps))
      for (const { by, traced, tolerance } of await runs(model, file, planOf(file, interventions), { inputs: { x: { shape: [1, steps, features], data } }, initial: {}, size: 1 })) {
        compareCell(t, traced, key, hand, tolerance, `${by}, ${name}, ${JSON.stringify(interventions)}`)
      }
    }
  }
  const file = await golden('td-recurrent-k3-h5.h5')
  const model = await hosted(t, file)
  const data = numbers(24, 6)
  const interventions = everywhere('gru/inner', file.graph.layers.gru.children.layer, 4)
  for (const { by, traced, tolerance } of await runs(model, file, planOf(file, interventions), { inputs: { x: { shape: [1, 3, 4, 2], data } }, initial: {}, size: 1 })) {
    const { tensors } = traced.layers.find(({ key }) => key === 'gru')!
    for (const outer of [0, 1, 2]) {
      const x = rowsOf(data.subarray(outer * 8, outer * 8 + 8), 2)
      const { states: { hidden } } = byHand(file.graph.layers.gru.children.layer, x, open(x), keeping(interventions, 'gru/inner', 4), true)
      t.ok(arrayDifference(flat(hidden), takeSteps(tensors['inner/hidden'], 1, [outer])) < tolerance, `${by}, outer step ${outer}`)
    }
  }
})

t.test('what is kept at the value that it has anyway changes nothing', async (t) => {
  for (const [path, steps, features, units] of [['models/weather/model.h5', 7, 4, 32], ['models/chars/model.keras', 40, 37, 64]] as const) {
    const file = await readModel({ main: path, weights: null })
    const model = await hosted(t, file)
    const batch: Batch = { inputs: { [file.graph.inputs[0].name]: { shape: [1, steps, features], data: numbers(steps * features, 4) } }, initial: {}, size: 1 }
    const { runtime, resident } = plainRuntime()
    const { traced: { layers: [{ tensors }], outputs: [output] } } = extract(runtime, resident, file, planOf(file, []), batch)
    const kept = Object.entries({ input: 'gates/input', forget: 'gates/forget', candidate: 'gates/candidate', output: 'gates/output', hidden: 'hidden', cell: 'cell' })
      .flatMap(([name, path], n) => [3, 6].map((step): Intervention => ({ layer: 'lstm', kind: path.startsWith('gates') ? 'gate' : 'state', name, units: [n], steps: [step], value: tensors[path].data[step * units + n] })))
    for (const { by, traced } of await runs(model, file, planOf(file, kept), batch)) {
      // Beyond a few steps float32 itself is not as exact.
      if (by !== 'float64' && steps > 10) continue
      for (const [name, values] of Object.entries(tensors)) t.ok(arrayDifference(values, traced.layers[0].tensors[name]) < 1e-6, `${by}, ${path}: ${name}`)
      t.ok(arrayDifference(output.values, traced.outputs[0].values) < 1e-6, `${by}, ${path}`)
    }
  }
})

t.test('the first run is as without, the second is one of the plan: steps, batch, company', async (t) => {
  const file = maskedLstm(3, 4)
  const model = await hosted(t, file)
  const data = numbers(2 * 5 * 3, 1)
  data.fill(0, 3, 6)
  const batch: Batch = { inputs: { x: { shape: [2, 5, 3], data } }, initial: {}, size: 2 }
  const forget: Intervention = { layer: 'lstm', kind: 'gate', name: 'forget', units: null, steps: { from: 1 }, value: 1 }
  const plan = planOf(file, [forget])
  const { traced, receipt } = await model.run(plan, batch)
  const without = await model.run(planOf(file, []), batch)
  t.same([traced.layers, traced.outputs], [without.traced.layers, without.traced.outputs])
  t.equal(without.traced.intervened, undefined)
  t.same(receipt.checked.slice(-1), [`gates and states with what is kept, by ${engine.name}`])
  t.ok(receipt.sound && receipt.maxDifference < 1e-5)

  const [all] = traced.intervened!.layers
  t.same(traced.intervened!.layers.map(({ tensors }) => Object.keys(tensors)), traced.layers.map(({ tensors }) => Object.keys(tensors)))
  // The masked step of the first sequence reads nothing, and shows gates of 0.
  t.same([...all.tensors['gates/forget'].data.subarray(4, 20)], [...Array(4).fill(0), ...Array(12).fill(1)])
  t.same([...all.tensors.cell.data.subarray(4, 8)], [...all.tensors.cell.data.subarray(0, 4)])

  for (const steps of ['last', [-1]] as const) {
    const { traced: { intervened } } = await model.run(planOf(file, [forget, { ...forget, kind: 'state', name: 'cell', units: [2], steps: [-1], value: 3 }], steps), batch)
    const whole = (await model.run(planOf(file, [forget, { ...forget, kind: 'state', name: 'cell', units: [2], steps: [-1], value: 3 }]), batch)).traced.intervened!
    t.same(intervened!.layers[0].stepIndices, [4])
    for (const [name, values] of Object.entries(intervened!.layers[0].tensors)) {
      const full = whole.layers[0].tensors[name]
      t.ok(arrayDifference(/^(final|output)/.test(name) ? full : takeSteps(full, 1, [4]), values) < 1e-6, `${JSON.stringify(steps)} ${name}`)
    }
  }

  t.equal(independent(file, plan, {}), true)
  const [one, other] = [0, 1].map((n): Batch => ({ inputs: { x: { shape: [1, 5, 3], data: data.slice(n * 15, n * 15 + 15) } }, initial: {}, size: 1 }))
  const outcomes = await runTogether(model, plan, [one, other])
  for (const [n, outcome] of outcomes.entries()) {
    if ('error' in outcome) throw outcome.error
    const { values } = outcome.traced.intervened!.outputs[0]
    t.ok(arrayDifference(values, { shape: values.shape, data: traced.intervened!.outputs[0].values.data.slice(n * values.data.length, (n + 1) * values.data.length) }) < 1e-6)
    t.same(outcome.traced.intervened!.layers[0].tensors.hidden.shape, [1, 5, 4])
  }
})

t.test('the check of the second run knows what is kept, and finds what does not follow', async (t) => {
  const file = maskedLstm(3, 4)
  const { runtime, resident } = plainRuntime()
  const batch: Batch = { inputs: { x: { shape: [1, 5, 3], data: numbers(15, 1) } }, initial: {}, size: 1 }
  for (const [kind, name] of [['gate', 'forget'], ['state', 'cell'], ['state', 'hidden']] as const) {
    const plan = planOf(file, [{ layer: 'lstm', kind, name, units: [1], steps: [2], value: 0.7 }])
    const { evidence } = extract(runtime, resident, file, plan, batch, plan.clamps)
    t.ok(recheck(runtime, resident, 3, evidence) < 1e-12, name)
    t.ok(recheck(runtime, resident, 3, evidence.map((one) => ({ ...one, run: { ...one.run, held: undefined } }))) > tolerance, `${name}: without it the states do not follow`)
  }
})

t.test('a step that is not there is refused where it stands', async (t) => {
  const file = maskedLstm(3, 4)
  const model = await hosted(t, file)
  const batch: Batch = { inputs: { x: { shape: [1, 5, 3], data: numbers(15, 1) } }, initial: {}, size: 1 }
  const hidden: Intervention = { layer: 'lstm', kind: 'state', name: 'hidden', units: [0], steps: [0], value: 0 }
  for (const [steps, pointer] of [[[0, 5], '/intervene/1/steps/1'], [[-6], '/intervene/1/steps/0'], [{ from: 5 }, '/intervene/1/steps']] as const) {
    await t.rejects(model.run(planOf(file, [hidden, { ...hidden, steps }]), batch), { code: 'invalid_value', pointer })
  }
})
