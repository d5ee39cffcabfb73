import { readdirSync } from 'node:fs'
import t from 'tap'
import type { Layer, ModelFile, Values } from '../../src/model.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { loadOnnx } from '../../src/ops/onnx/runtime.ts'
import { planAll } from '../../src/plan/by-name.ts'
import { independent } from '../../src/plan/independent.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { readModel } from '../../src/registry/read.ts'
import type { Batch } from '../../src/request/probe.ts'
import { join, runTogether, split } from '../../src/run/company.ts'
import { compile } from '../../src/run/compiled.ts'
import { eagerRuntime, reside } from '../../src/run/eager-runtime.ts'
import { extract, type Traced } from '../../src/run/extract.ts'
import type { Hosted } from '../../src/run/hosted.ts'
import { compare } from '../../src/run/load-check.ts'
import { numbers } from '../cells/support.ts'
import { readCases } from '../support/cases.ts'
import { chain, layer, openLstm } from '../support/models.ts'
import { tensor } from '../layers/support.ts'

/** What the issue allows an answer to differ by for its company, relative to max(1, |value|). */
const allowed = 1e-6

const engine = await loadEngine('auto')
const runtime = eagerRuntime(engine)
const onnx = await loadOnnx(1)

/** Some rows of every input, each row as often as it is named. */
function rows (inputs: Readonly<Record<string, Values>>, places: readonly number[]): Batch {
  const pick = ({ shape, data }: Values): Values => {
    const each = data.length / shape[0]
    const picked = new Float32Array(places.length * each)
    places.forEach((place, n) => picked.set(data.subarray(place * each, (place + 1) * each), n * each))
    return { shape: shape.with(0, places.length), data: picked }
  }
  return { inputs: Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, pick(values)])), initial: {}, size: places.length }
}

type Run = (batch: Batch) => Promise<Traced>

/** Batches of several requests by themselves, and as one: how far an answer is from the same answer in company. */
async function farFromAlone (run: Run, batches: readonly Batch[]): Promise<number> {
  const together = split(await run(join(batches)), batches.map(({ size }) => size))
  let worst = 0
  for (const [n, batch] of batches.entries()) worst = Math.max(worst, compare(await run(batch), together[n]).difference)
  return worst
}

function byReference (file: ModelFile, plan: Plan): { run: Run, dispose: () => void } {
  const resident = reside(engine, file.graph)
  return { run: async (batch) => runtime.scope(() => extract(runtime, resident, file, plan, batch).traced), dispose: resident.dispose }
}

const models = readdirSync('test/goldens/models')
const cases = readCases('test/goldens/cases')
t.ok(cases.length > 400, `${cases.length} goldens`)

t.test('goldens: alone and in company the answer is the same', { timeout: 300_000 }, async (t) => {
  const apart: string[] = []
  let compiled = 0
  for (const [n, { id, inputs: given }] of cases.entries()) {
    const name = models.find((name) => name.slice(0, name.lastIndexOf('.')) === id)
    if (name === undefined) continue
    const file = await readModel({ main: `test/goldens/models/${name}`, weights: null })
    const plan = planAll(file)
    if (!independent(file, plan, {})) {
      apart.push(id)
      continue
    }
    // Proved of all, tried on every third: running them all takes a minute.
    if (n % 3 !== 0) continue
    const inputs = Object.fromEntries(file.graph.inputs.map(({ name }) => {
      const { shape, data } = tensor(file.graph.inputs.length === 1 ? Object.values(given)[0] : given[name])
      return [name, { shape, data: Float32Array.from(data) }]
    }))
    const last = Object.values(inputs)[0].shape[0] - 1
    const batches = [rows(inputs, [last]), rows(inputs, [0, last, 0]), rows(inputs, [0])]
    const slow = byReference(file, plan)
    const far = await farFromAlone(slow.run, batches)
    slow.dispose()
    if (!(far <= allowed)) t.fail(`${id} by ${engine.name}: ${far}`)
    // What does not compile is computed by the reference.
    if ('reason' in onnx) continue
    // One sequence has a graph of its own.
    const graphs = await Promise.all([join(batches), rows(inputs, [0])].map(async (sample) => await compile(onnx, file, plan, sample).catch((): null => null)))
    const [many, one] = graphs
    if (many === null || one === null) continue
    const by = async (batch: Batch): Promise<Traced> => (await (batch.size === 1 ? one : many).run(plan, batch)).traced
    const distance = await farFromAlone(by, batches).catch((): null => null)
    await Promise.all([many.dispose(), one.dispose()])
    if (distance === null) continue
    compiled++
    if (!(distance <= allowed)) t.fail(`${id} by onnx: ${distance}`)
  }
  t.same(apart, ['time-major-k2-keras'], 'the one whose first axis is not the batch goes alone')
  if (!('reason' in onnx)) t.ok(compiled > 120, `${compiled} compiled`)
})

t.test('a model that mixes the sequences of its batch goes alone', async (t) => {
  const lstm = openLstm(3, 4).graph.layers.lstm
  const after = (className: string, config: Record<string, unknown>): ModelFile => chain([null, 3], [lstm, layer('after', className, config)])
  const verdict = (file: ModelFile): boolean => independent(file, planAll(file), {})
  const mixing: Record<string, ModelFile> = {
    'mean over the batch': after('ops.Mean', { axis: 0, keepdims: true }),
    'mean of all': after('ops.Mean', { axis: null, keepdims: false }),
    'softmax over the batch': after('Softmax', { axis: 0 }),
    'batch reversed': after('ops.Flip', { axis: 0 }),
    'sequences repeated': after('ops.Repeat', { axis: 0, repeats: 2 }),
    'steps before the batch': after('ops.Transpose', { axes: [1, 0, 2] }),
    'sequences cut at other places': after('ops.Reshape', { newshape: [-1, 3] }),
    'normalised over the batch': after('UnitNormalization', { axis: [0] }),
    'steps on the first axis': chain([null, 3], [{ ...lstm, config: { ...lstm.config, time_major: true } }])
  }
  for (const [what, file] of Object.entries(mixing)) t.equal(verdict(file), false, what)
  const apart: Record<string, ModelFile> = {
    'mean over the steps': after('ops.Mean', { axis: 1, keepdims: true }),
    'steps reversed': after('ops.Flip', { axis: 1 }),
    'features cut in two': after('ops.Reshape', { newshape: [-1, 2] }),
    'normalised over the features': after('UnitNormalization', { axis: [-1] })
  }
  // Rows of a sequence's own numbers: as many as there are steps, so the answer cannot be given apart again.
  for (const [what, file] of Object.entries(apart)) t.equal(verdict(file), what !== 'features cut in two', what)

  const file = mixing['mean over the batch']
  const { run, dispose } = byReference(file, planAll(file))
  const [a, b] = [3, 5].map((seed) => ({ inputs: { x: { shape: [1, 6, 3], data: numbers(18, seed) } }, initial: {}, size: 1 }))
  const [alone, both] = [await run(a), await run(join([a, b]))]
  t.notSame(both.outputs[0].values.data, alone.outputs[0].values.data, 'it does mix them')
  dispose()
})

t.test('states that come along', async (t) => {
  const file = openLstm(3, 4)
  const plan = planAll(file)
  const batches = [2, 1, 3].map((size, n): Batch => ({
    size,
    inputs: { x: { shape: [size, 5, 3], data: numbers(15 * size, n) } },
    initial: { lstm: { hidden: { shape: [size, 4], data: numbers(4 * size, n + 7) }, cell: { shape: [size, 4], data: numbers(4 * size, n + 9) } } }
  }))
  t.ok(independent(file, plan, batches[0].initial))
  const { run, dispose } = byReference(file, plan)
  t.ok(await farFromAlone(run, batches) <= allowed)
  dispose()
})

/** A model that refuses batches, each for its own reason, and counts its runs. */
function refusing (why: (batch: Batch) => string | null): { model: Pick<Hosted, 'run'>, sizes: number[] } {
  const sizes: number[] = []
  const receipt = { engine: 'e', checked: [], maxDifference: 0, tolerance: 1, sound: true }
  return {
    sizes,
    model: {
      run: async (_, batch) => {
        sizes.push(batch.size)
        const reason = why(batch)
        if (reason !== null) throw new Error(reason)
        return { receipt, traced: { batch: batch.size, steps: null, layers: [], outputs: [{ name: 'y', values: batch.inputs.x }] } }
      }
    }
  }
}

t.test('what is wrong with one request is no trouble of the others', async (t) => {
  const plan = planAll(openLstm(3, 4))
  const batches = [1, 2, 3].map((value): Batch => ({ inputs: { x: { shape: [1, 2], data: Float32Array.of(value, -value) } }, initial: {}, size: 1 }))
  const outcomesOf = async (why: (batch: Batch) => string | null): Promise<{ outcomes: unknown[], sizes: number[] }> => {
    const { model, sizes } = refusing(why)
    const outcomes = await runTogether(model, plan, batches)
    return { sizes, outcomes: outcomes.map((outcome) => 'error' in outcome ? (outcome.error as Error).message : [...outcome.traced.outputs[0].values.data]) }
  }
  t.same(await outcomesOf(() => null), { sizes: [3], outcomes: [[1, -1], [2, -2], [3, -3]] }, 'one run for all')
  t.same(await outcomesOf(({ inputs }) => inputs.x.data.includes(2) ? 'no' : null), { sizes: [3, 1, 1, 1], outcomes: [[1, -1], 'no', [3, -3]] }, 'then each alone')
})

t.test('what is not of the batch is never cut', async (t) => {
  const traced = (shape: readonly number[]): Traced => ({ batch: 4, steps: 2, layers: [], outputs: [{ name: 'y', values: { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) } }] })
  t.throws(() => split(traced([2, 4]), [1, 3]), /not of 4 sequences/)
  const [a, b] = split(traced([4, 2]), [1, 3])
  t.equal(a.outputs[0].values.data.buffer, b.outputs[0].values.data.buffer, 'views, no copies')
  t.same([a, b].map(({ batch, outputs }) => [batch, outputs[0].values.shape]), [[1, [1, 2]], [3, [3, 2]]])
})

t.test('weights along the batch', async (t) => {
  const alpha = (shape: readonly number[]): Layer => layer('prelu', 'PReLU', {}, { alpha: shape })
  for (const [shape, together] of [[[1, 3], true], [[3], true], [[7, 1, 3], false]] as const) {
    const file = chain([null, 3], [alpha(shape)])
    t.equal(independent(file, planAll(file), {}), together, `[${shape}]`)
  }
})
