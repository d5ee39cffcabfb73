import { readdirSync } from 'node:fs'
import t from 'tap'
import { loadCheck } from '../../src/load-check.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { loadNative, type NativeRuntime } from '../../src/ops/native/runtime.ts'
import { loadOnnx, type OnnxRuntime } from '../../src/ops/onnx/runtime.ts'
import { buildPlan, recurrentKeys } from '../../src/plan/build.ts'
import type { Served } from '../../src/registry/entry.ts'
import { readModel } from '../../src/registry/read.ts'
import { byOnnx } from '../../src/run/compiled.ts'
import { host } from '../../src/run/hosted.ts'
import { byNative } from '../../src/run/native.ts'
import { arrayDifference } from '../../src/run/receipt.ts'
import { takeSteps } from '../../src/run/steps.ts'

const engine = await loadEngine('auto')
const onnx = await loadOnnx(2) as OnnxRuntime
const native = loadNative(2) as NativeRuntime
const tensors = ['hidden', 'cell', 'gates', 'final', 'preactivations', 'contributions', 'output'] as const

/** Directions, masks, wrappers, stacked cells, images, time first. */
const kinds = /^(bi-lstm-gru|cells|embed-backwards|mask-gru|td-recurrent|td-model|time-major|nest-masked|convlstm|translate-lstm-masked)/
const files = readdirSync('test/goldens/models').filter((name) => kinds.test(name) && /-k3-keras\.keras$|time-major/.test(name))

t.test('there are models of every kind', async (t) => t.ok(files.length > 12, `${files.length}`))

for (const name of files) {
  t.test(name, async (t) => {
    const file = await readModel({ main: `test/goldens/models/${name}`, weights: null })
    const check = loadCheck({ key: name, id: name, version: 1, status: 'loading', digest: '', file, meta: {} } as Served)
    const [all, last] = (['all', 'last'] as const).map((steps) => buildPlan(file, { layers: recurrentKeys(file), tensors, steps, outputs: true, raw: false }, {}))
    for (const compilers of [[byNative(native)], [byOnnx(onnx)], []]) {
      const { model, reason } = await host(engine, compilers, file, check)
      t.equal(reason, undefined)
      const whole = (await model!.run(all, check.sample)).traced
      const { traced, receipt } = await model!.run(last, check.sample)
      t.equal(receipt.sound, true)
      for (const [n, { internals, outputs }] of last.layers.entries()) {
        const [mine, theirs] = [traced.layers[n], whole.layers[n]]
        t.same(Object.keys(mine.tensors), Object.keys(theirs.tensors))
        for (const { name, stepAxis } of internals) {
          const full = theirs.tensors[name]
          if (full === undefined) continue
          const expected = stepAxis === null ? full : takeSteps(full, stepAxis, [full.shape[stepAxis] - 1])
          t.same(mine.tensors[name].shape, expected.shape, name)
          t.ok(arrayDifference(expected, mine.tensors[name]) < 1e-5, name)
        }
        for (const { name } of outputs) t.ok(arrayDifference(theirs.tensors[name], mine.tensors[name]) < 1e-5, name)
        const one = internals.find(({ stepAxis, name }) => stepAxis !== null && theirs.tensors[name] !== undefined)!
        t.same(mine.stepIndices, [theirs.tensors[one.name].shape[one.stepAxis!] - 1])
      }
      await model!.dispose()
    }
  })
}
