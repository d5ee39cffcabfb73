import t from 'tap'
import { loadCheck } from '../../src/load-check.ts'
import type { ModelFile } from '../../src/model.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { loadNative, type NativeRuntime } from '../../src/ops/native/runtime.ts'
import { Unsupported } from '../../src/ops/native/view.ts'
import { loadOnnx, type OnnxRuntime } from '../../src/ops/onnx/runtime.ts'
import { buildPlan } from '../../src/plan/build.ts'
import type { Served } from '../../src/registry/entry.ts'
import type { Batch } from '../../src/request/probe.ts'
import { byOnnx, type Compiler } from '../../src/run/compiled.ts'
import { runTogether } from '../../src/run/company.ts'
import { host } from '../../src/run/hosted.ts'
import { byNative, compileNative } from '../../src/run/native.ts'
import { borrow, giveBack } from '../../src/run/spare.ts'
import { compare } from '../../src/run/load-check.ts'
import { numbers } from '../cells/support.ts'
import { chain, maskedLstm, openLstm } from '../support/models.ts'

const engine = await loadEngine('auto')
const onnx = await loadOnnx(2) as OnnxRuntime
const native = loadNative(2) as NativeRuntime
t.notHas(native, { reason: String })

const batchOf = (size: number, steps = 6, seed = size): Batch => ({ inputs: { x: { shape: [size, steps, 3], data: numbers(size * steps * 3, seed) } }, initial: {}, size })
const all = (file: ModelFile) => buildPlan(file, { layers: ['lstm'], tensors: ['hidden', 'cell', 'gates', 'final'], steps: 'all', outputs: true, raw: false }, {})
const checkOf = (file: ModelFile) => loadCheck({ key: 'm/1', id: 'm', version: 1, status: 'loading', digest: '', file, meta: {} } as Served)

for (const [name, file] of Object.entries({ open: openLstm(3, 5), masked: maskedLstm(3, 5) })) {
  t.test(`sizes that come one after the other, in any order: ${name}`, async (t) => {
    const { model } = await host(engine, [byNative(native)], file, checkOf(file))
    const { model: reference } = await host(engine, [], file, checkOf(file))
    for (const [size, steps] of [[1, 1], [3, 6], [1, 6], [2, 9], [9, 2], [3, 6], [17, 4], [1, 1]]) {
      const answer = await model!.run(all(file), batchOf(size, steps))
      t.match(answer.receipt, { engine: 'native', sound: true })
      const { difference, where } = compare(answer.traced, (await reference!.run(all(file), batchOf(size, steps))).traced)
      t.ok(difference < 1e-6, `[${size}, ${steps}]: ${difference} in ${where}`)
    }
    await model!.dispose()
    await reference!.dispose()
  })
}

for (const [name, file] of Object.entries({ open: openLstm(3, 5), masked: maskedLstm(3, 5) })) {
  t.test(`the check of some steps finds nothing wrong with what is right: ${name}`, async (t) => {
    for (const [size, steps] of [[1, 8], [1, 41], [3, 10]]) {
      const made = compileNative(native, file, all(file), batchOf(size, steps))
      for (let n = 0; n < 8 * size; n++) {
        const { difference, checked } = await made.run(all(file), batchOf(size, steps, n))
        t.ok(checked)
        t.ok(difference! < 1e-6, `[${size}, ${steps}] ${n}: ${difference}`)
      }
      await made.dispose()
    }
  })
}

t.test('whichever sequence and step is not finite, the answer is looked at again', async (t) => {
  const { layers } = openLstm(3, 5).graph
  const file = chain([null, 3], [{ ...layers.lstm, config: { ...layers.lstm.config, activation: 'relu' } }, layers.dense])
  const made = compileNative(native, file, all(file), batchOf(4, 20))
  const seen = new Set<string>()
  for (const sequence of [0, 1, 2, 3]) {
    for (const step of [0, 9, 18, 19]) {
      const { inputs: { x: { shape, data } } } = batchOf(4, 20)
      t.ok((await made.run(all(file), { inputs: { x: { shape, data } }, initial: {}, size: 4 })).difference! < 1e-6)
      for (let feature = 0; feature < 3; feature++) data[(sequence * 20 + step) * 3 + feature] *= Infinity
      const { difference, traced } = await made.run(all(file), { inputs: { x: { shape, data } }, initial: {}, size: 4 })
      const finite = traced.layers[0].tensors.hidden.data.every(Number.isFinite)
      // A sum of large numbers that are finite may not be: they are looked at again too.
      t.ok(finite || Number.isNaN(difference), `${sequence}, ${step}: ${difference}`)
      if (!finite) seen.add(`${sequence}, ${step}`)
    }
  }
  for (const sequence of [0, 1, 2, 3]) t.ok([...seen].some((one) => one.startsWith(`${sequence}, `)), `${sequence}: ${[...seen].join('; ')}`)
  await made.dispose()
})

t.test('alone and in company: the same bits', async (t) => {
  const file = openLstm(3, 5)
  const { model } = await host(engine, [byNative(native)], file, checkOf(file))
  const batches = [batchOf(1), batchOf(4), batchOf(2)]
  const together = await runTogether(model!, all(file), batches)
  for (const [n, batch] of batches.entries()) {
    const outcome = together[n]
    if ('error' in outcome) throw outcome.error
    const { traced } = await model!.run(all(file), batch)
    for (const [name, { data }] of Object.entries(traced.layers[0].tensors)) t.same(outcome.traced.layers[0].tensors[name].data, data, name)
    t.same(outcome.traced.outputs[0].values.data, traced.outputs[0].values.data)
  }
  await model!.dispose()
})

t.test('states that are brought, named in any order, are those of their names', async (t) => {
  const file = openLstm(3, 5)
  const plan = all(file)
  const state = (seed: number) => ({ shape: [2, 5], data: numbers(10, seed) })
  const [hidden, cell] = [state(7), state(8)]
  const one: Batch = { ...batchOf(2), initial: { lstm: { hidden, cell } } }
  const other: Batch = { ...batchOf(2), initial: { lstm: { cell, hidden } } }
  const { run } = compileNative(native, file, plan, one)
  const [a, b] = [await run(plan, one), await run(plan, other)]
  t.equal(compare(a.traced, b.traced).difference, 0)
  const { model } = await host(engine, [], file, checkOf(file))
  t.ok(compare(a.traced, (await model!.run(plan, one)).traced).difference < 1e-6)
  await model!.dispose()
})

t.test('what it cannot do goes to the next, at the first size or at a later one, and stays there', async (t) => {
  const file = openLstm(3, 5)
  const own = byNative(native)
  // Has no program for sequences of more than six steps.
  const short: Compiler = {
    name: 'native',
    compile: async (...asked) => {
      const { run, dispose } = await own.compile(...asked)
      return { dispose, run: async (plan, batch) => { if (batch.inputs.x.shape[1] > 6) throw new Unsupported('too long'); return await run(plan, batch) } }
    }
  }
  const none: Compiler = { name: 'native', compile: async () => { throw new Unsupported('nothing') } }
  for (const [compiler, first] of [[short, 'native'], [none, 'onnx']] as const) {
    const { model } = await host(engine, [compiler, byOnnx(onnx)], file, checkOf(file))
    t.match((await model!.run(all(file), batchOf(2))).receipt, { engine: first, sound: true })
    t.match((await model!.run(all(file), batchOf(2, 7))).receipt, { engine: 'onnx', sound: true })
    t.match((await model!.run(all(file), batchOf(2))).receipt, { engine: 'onnx', sound: true })
    await model!.dispose()
  }
  const { model } = await host(engine, [short], file, checkOf(file))
  t.match((await model!.run(all(file), batchOf(2, 7))).receipt, { engine: engine.name, warning: /compiled plan is not used: too long/ })
  await model!.dispose()
})

t.test('memory of answers is used again only where it is given back, and then no answer changes', async (t) => {
  const file = openLstm(3, 5)
  const plan = all(file)
  const { run } = compileNative(native, file, plan, batchOf(3))
  const first = (await run(plan, batchOf(3))).traced
  const wanted = first.layers[0].tensors.cell.data.slice()
  const second = (await run(plan, batchOf(3, 6, 99))).traced
  t.same(first.layers[0].tensors.cell.data, wanted, 'kept as long as it is not given back')
  giveBack([first])
  giveBack([first])
  const third = (await run(plan, batchOf(3))).traced
  t.equal(third.layers[0].tensors.cell.data.buffer === second.layers[0].tensors.cell.data.buffer, false)
  t.same(third.layers[0].tensors.cell.data, wanted)
  // Lent once, however often it was given back.
  const fourth = (await run(plan, batchOf(3))).traced
  const buffers = [second, third, fourth].flatMap(({ layers, outputs }) => [...Object.values(layers[0].tensors), ...outputs.map(({ values }) => values)]).map(({ data }) => data.buffer)
  t.equal(new Set(buffers).size, buffers.length)
  const foreign = new Float32Array(7)
  giveBack([{ batch: 1, steps: null, layers: [], outputs: [{ name: 'x', values: { shape: [7], data: foreign } }] }])
  t.not(borrow(7).buffer, foreign.buffer, 'nobody else\'s memory')
})
