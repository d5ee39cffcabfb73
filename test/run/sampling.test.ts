import t from 'tap'
import { loadCheck } from '../../src/load-check.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { loadOnnx, type OnnxRuntime, type Ort } from '../../src/ops/onnx/runtime.ts'
import { buildPlan } from '../../src/plan/build.ts'
import type { ModelFile } from '../../src/model.ts'
import type { Served } from '../../src/registry/entry.ts'
import type { Batch } from '../../src/request/probe.ts'
import { byOnnx, compile } from '../../src/run/compiled.ts'
import { host } from '../../src/run/hosted.ts'
import { sampling, stepsAt, stepsChecked } from '../../src/run/sampling.ts'
import { numbers } from '../cells/support.ts'
import { chain, maskedLstm, openLstm } from '../support/models.ts'

const engine = await loadEngine('auto')
const onnx = await loadOnnx(2) as OnnxRuntime

const batchOf = (size: number, steps = 6, scale = 1): Batch => ({ inputs: { x: { shape: [size, steps, 3], data: numbers(size * steps * 3, size).map((value) => scale * value) } }, initial: {}, size })
const predictions = (file: ModelFile) => buildPlan(file, { layers: [], tensors: [], steps: 'all', outputs: true, raw: false }, {})
const sampleOf = (file: ModelFile) => loadCheck({ key: 'm/1', id: 'm', version: 1, status: 'loading', digest: '', file, meta: {} } as Served)

/** Onnxruntime whose every answer passes through `change`, with what was fed. */
function passing (change: (results: Record<string, { data: Float32Array }>, feeds: Record<string, { data: Float32Array }>) => void): OnnxRuntime {
  const create = async (bytes: Uint8Array, options: object): Promise<unknown> => {
    const session = await onnx.ort.InferenceSession.create(bytes, options)
    return {
      run: async (feeds: never) => {
        const results = await session.run(feeds) as unknown as Record<string, { data: Float32Array }>
        change(results, feeds)
        return results
      },
      release: async () => await session.release()
    }
  }
  return { ...onnx, ort: { ...onnx.ort, InferenceSession: { create } } as unknown as Ort }
}

t.test('the first answers, the first of each shape, one sequence in 32, and one a second', async (t) => {
  let clock = 0
  const { due, distrust } = sampling(() => clock)
  const asked = (count: number, batch: Batch): number[] => Array.from({ length: count }, (_, n) => due(batch) ? [n] : []).flat()
  t.same(asked(4, batchOf(1)), [0, 1, 2, 3])
  t.same(asked(96, batchOf(1)), [31, 63, 95])
  t.same(asked(9, batchOf(8)), [0, 4, 8], 'another shape, then every fourth of eight')
  t.same(asked(3, batchOf(32)), [0, 1, 2], 'one sequence in 32 of each')
  t.same(asked(2, batchOf(1)), [])
  clock = 1000
  t.same(asked(3, batchOf(1)), [0], 'after a pause')
  t.same(asked(2, batchOf(1, 7)), [0], 'another length')
  distrust()
  t.same(asked(40, batchOf(1)).length, 40, 'all, after one that did not pass')
})

t.test('one step in four is checked, each in its turn', async (t) => {
  t.equal(stepsChecked(7), null, 'all of a few')
  for (const length of [8, 9, 10, 11, 40, 43, 1000]) {
    const seen = new Set<number>()
    for (let turn = 0; turn < 7; turn++) {
      const steps = [...stepsAt(length, turn)]
      t.equal(steps.length, stepsChecked(length))
      for (const step of steps) seen.add(step)
    }
    t.equal(stepsChecked(length), Math.floor(length / 4))
    t.same([...seen].sort((a, b) => a - b), Array.from({ length }, (_, n) => n), `all ${length} after seven answers`)
  }
})

t.test('more shapes than are remembered: they are new again', async (t) => {
  const { due } = sampling(() => 0)
  for (let steps = 1; steps <= 400; steps++) t.ok(due(batchOf(1, steps)))
  t.ok(due(batchOf(1, 1)))
  t.notOk(due(batchOf(1, 400)))
})

for (const [name, file] of Object.entries({ open: openLstm(3, 4), masked: maskedLstm(3, 4) })) {
  for (const size of [1, 3]) {
    t.test(`predictions are the same numbers with the check and without: ${name}, ${size}`, async (t) => {
      const [plan, batch] = [predictions(file), batchOf(size)]
      const fast = await compile(onnx, file, plan, batch)
      const seen = new Map<boolean, Float32Array>()
      for (let n = 0; n < 64; n++) {
        const { traced, difference, checked } = await fast.run(plan, batch)
        seen.set(checked, traced.outputs[0].values.data)
        t.ok(difference !== null && difference > 0 && difference < 1e-6, `${difference}: never 0, which is what no check gives`)
      }
      t.equal(seen.size, 2)
      t.same(seen.get(false), seen.get(true))
      await fast.dispose()
    })
  }
}

t.test('the receipt says whose check it is, and states have their own in every answer', async (t) => {
  const file = openLstm(3, 4)
  const { model } = await host(engine, [byOnnx(onnx)], file, sampleOf(file))
  const states = buildPlan(file, { layers: ['lstm'], tensors: ['hidden'], steps: 'all', outputs: true, raw: false }, {})
  const said = new Set<string>()
  for (let n = 0; n < 40; n++) {
    const { receipt } = await model!.run(predictions(file), batchOf(1))
    t.equal(receipt.sound, true)
    said.add(receipt.checked[0])
    t.equal((await model!.run(states, batchOf(1))).receipt.checked[0], 'gates and states')
  }
  t.same(said, new Set(['gates and states', 'gates and states of an earlier answer']))
  await model!.dispose()
})

t.test('what the check finds is found within 32 sequences, and from then on every answer is checked', async (t) => {
  const file = openLstm(3, 4)
  let broken = false
  const { model } = await host(engine, [byOnnx(passing(({ difference }, { check }) => { if (broken && check?.data[0] === 1) difference.data[0] += 0.01 }))], file, sampleOf(file))
  const plan = predictions(file)
  for (let n = 0; n < 10; n++) await model!.run(plan, batchOf(1))
  broken = true
  let answers = 0
  while (await model!.run(plan, batchOf(1)).then(() => true, ({ code }) => { t.equal(code, 'unsound'); return false })) answers++
  t.ok(answers < 32, `${answers} answers went before`)
  for (let n = 0; n < 5; n++) await t.rejects(model!.run(plan, batchOf(1)), { code: 'unsound' })
  await model!.dispose()
})

t.test('predictions from states that are not finite go to the reference, checked or not', async (t) => {
  const { layers } = openLstm(3, 4).graph
  const file = chain([null, 3], [{ ...layers.lstm, config: { ...layers.lstm.config, activation: 'relu' } }, layers.dense])
  const { model } = await host(engine, [byOnnx(onnx)], file, sampleOf(file))
  const plan = predictions(file)
  for (let n = 0; n < 10; n++) await model!.run(plan, batchOf(1))
  const said: string[][] = []
  for (let n = 0; n < 8; n++) said.push([...(await model!.run(plan, batchOf(1, 6, 1e38))).receipt.checked])
  t.ok(said.some(([own]) => own === 'gates and states of an earlier answer'), 'some of them were not checked')
  for (const checked of said) t.equal(checked[1], engine.name)
  await model!.dispose()
})
