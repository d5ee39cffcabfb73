import t from 'tap'
import { loadCheck } from '../../src/load-check.ts'
import type { ModelFile } from '../../src/model.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { loadOnnx, type OnnxRuntime, type Ort } from '../../src/ops/onnx/runtime.ts'
import { buildPlan, recurrentKeys } from '../../src/plan/build.ts'
import type { LoadCheck } from '../../src/pool/protocol.ts'
import type { Served } from '../../src/registry/entry.ts'
import { readModel } from '../../src/registry/read.ts'
import { defaultKinds } from '../../src/request/probe.ts'
import { join } from '../../src/run/company.ts'
import { compile } from '../../src/run/compiled.ts'
import { byOnnx } from '../../src/run/compiled.ts'
import { host } from '../../src/run/hosted.ts'
import { compare } from '../../src/run/load-check.ts'
import { numbers } from '../cells/support.ts'
import { chain, layer, maskedLstm, openLstm, weight } from '../support/models.ts'

const engine = await loadEngine('auto')
const onnx = await loadOnnx(2) as OnnxRuntime

function checkOf (file: ModelFile): LoadCheck {
  const plan = buildPlan(file, { layers: recurrentKeys(file), tensors: defaultKinds, steps: 'all', outputs: true, raw: false }, {})
  return { sample: { inputs: { x: { shape: [2, 6, 3], data: numbers(36, 4) } }, initial: {}, size: 2 }, plan, expected: null }
}

/** Onnxruntime with a fault: in every answer after the first `good` ones a tensor is changed, the first or the one named. */
function planted (good: number, name?: string, by = 0.01): OnnxRuntime {
  let answers = 0
  const create = async (bytes: Uint8Array, options: object): Promise<unknown> => {
    const session = await onnx.ort.InferenceSession.create(bytes, options)
    return {
      run: async (feeds: never) => {
        const results = await session.run(feeds) as Record<string, { data: Float32Array }>
        if (answers++ >= good) (name === undefined ? Object.values(results)[0] : results[name]).data[0] += by
        return results
      },
      release: async () => await session.release()
    }
  }
  return { ...onnx, ort: { ...onnx.ort, InferenceSession: { create } } as unknown as Ort }
}

for (const file of [openLstm(3, 4), maskedLstm(3, 4)]) {
  t.test(`compiled and op by op agree: ${file.layerOrder.join(', ')}`, async (t) => {
    const check = checkOf(file)
    const fast = await host(engine, [byOnnx(onnx)], file, check)
    const slow = await host(engine, [], file, check)
    t.match(fast.receipt, { engine: 'onnx', sound: true, checked: ['gates and states', 'float64', engine.name] })
    const [a, b] = [await fast.model!.run(check.plan, check.sample), await slow.model!.run(check.plan, check.sample)]
    t.equal(a.receipt.engine, 'onnx')
    t.equal(b.receipt.engine, engine.name)
    const { difference } = compare(a.traced, b.traced)
    t.ok(difference < 1e-5, `they differ by ${difference}`)
    await fast.model!.dispose()
    await slow.model!.dispose()
  })
}

t.test('a compiled plan that differs from the reference is not used, and the receipt says so', async (t) => {
  const file = openLstm(3, 4)
  const { receipt, model } = await host(engine, [byOnnx(planted(0))], file, checkOf(file))
  t.match(receipt, { engine: engine.name, sound: true, warning: /compiled plan is not used: it differs .* in lstm\/hidden/ })
  const { receipt: own } = await model!.run(checkOf(file).plan, checkOf(file).sample)
  t.match(own, { engine: engine.name, warning: /compiled plan is not used/ })
  await model!.dispose()
})

t.test('an answer that does not pass its own check is withheld', async (t) => {
  const file = openLstm(3, 4)
  const check = checkOf(file)
  const { model } = await host(engine, [byOnnx(planted(2, 'difference'))], file, check)
  await t.rejects(model!.run(check.plan, check.sample), { code: 'unsound' })
  await model!.dispose()
})

t.test('an answer whose check came across what is not finite is held against the reference', async (t) => {
  const file = openLstm(3, 4)
  const check = checkOf(file)
  const { model } = await host(engine, [byOnnx(planted(3, 'difference', NaN))], file, check)
  await model!.run(check.plan, check.sample)
  t.match((await model!.run(check.plan, check.sample)).receipt, { checked: ['gates and states', engine.name], sound: true })
  await model!.dispose()
})

t.test('what is not finite in one layer is not lost beside a sound one', async (t) => {
  const file = openLstm(3, 4)
  const { layers } = file.graph
  // The second layer's bias sends its cell to infinity; the first is as it was.
  const second = { ...layers.lstm, path: 'second', config: { ...layers.lstm.config, activation: 'relu' }, weights: { kernel: weight([4, 16], 1), recurrent_kernel: weight([4, 16], 2), bias: { shape: [16], data: new Float32Array(16).fill(3e38) } } }
  for (const order of [[layers.lstm, second], [{ ...second, path: 'first', weights: { ...second.weights, kernel: weight([3, 16], 3) } }, { ...layers.lstm, weights: { ...layers.lstm.weights, kernel: weight([4, 16], 4) } }]]) {
    const both = chain([null, 3], order)
    const plan = buildPlan(both, { layers: order.map(({ path }) => path), tensors: defaultKinds, steps: 'all', outputs: false, raw: false }, {})
    for (const size of [1, 2]) {
      const batch = { inputs: { x: { shape: [size, 6, 3], data: numbers(size * 18, 4) } }, initial: {}, size }
      const fast = await compile(onnx, both, plan, batch)
      const { traced, difference } = await fast.run(plan, batch)
      t.ok(traced.layers.some(({ tensors }) => tensors.cell.data.some((value) => !Number.isFinite(value))))
      t.ok(Number.isNaN(difference), `${order.map(({ path }) => path).join(', ')}, ${size}: ${difference}`)
      await fast.dispose()
    }
  }
})

t.test('one in so many answers is computed by the reference too', async (t) => {
  const file = openLstm(3, 4)
  const check = checkOf(file)
  const { model } = await host(engine, [byOnnx(planted(2))], file, check)
  let caught = 0
  for (let n = 0; n < 256; n++) await model!.run(check.plan, check.sample).catch(({ code }) => { if (code === 'unsound') caught++ })
  t.equal(caught, 1)
  await model!.dispose()
})

t.test('a plan that does not compile is computed op by op, visibly', async (t) => {
  const file = chain([null, null, 3], [layer('up', 'Conv2DTranspose', {
    filters: 2, kernel_size: [2, 3], strides: [2, 2], padding: 'same', dilation_rate: [1, 1], data_format: 'channels_last', activation: 'linear', use_bias: false
  }, { kernel: [2, 3, 2, 3] })])
  const check = loadCheck({ key: 'm/1', id: 'm', version: 1, status: 'loading', digest: '', file, meta: {} } as Served)
  const { reason, model } = await host(engine, [byOnnx(onnx)], file, check)
  t.equal(reason, undefined)
  for (const batch of [check.sample, join([check.sample, check.sample])]) {
    t.match((await model!.run(check.plan, batch)).receipt, { engine: engine.name, sound: true, warning: /compiled plan is not used: layer "up" \(Conv2DTranspose\): / })
  }
  await model!.dispose()
})

t.test('a plan with sizes that follow from others compiles for any number of sequences', async (t) => {
  const file = await readModel({ main: 'test/goldens/models/layers-conv-transpose-k2-keras.keras', weights: null })
  const check = loadCheck({ key: 'm/1', id: 'm', version: 1, status: 'loading', digest: '', file, meta: {} } as Served)
  const { model } = await host(engine, [byOnnx(onnx)], file, check)
  t.match((await model!.run(check.plan, join([check.sample, check.sample]))).receipt, { engine: 'onnx', sound: true })
  await model!.dispose()
})

t.test('plans that share a graph differ in their steps and scaler all the same', async (t) => {
  const file = openLstm(3, 4)
  const check = checkOf(file)
  const fast = await host(engine, [byOnnx(onnx)], file, check)
  const slow = await host(engine, [], file, check)
  for (const steps of ['last', [0, 1], { from: 2 }, 'all'] as const) {
    for (const raw of [true, false, true]) {
      const plan = buildPlan(file, { layers: ['lstm'], tensors: ['hidden', 'cell'], steps, outputs: true, raw }, { scaler: { outputs: { mean: [1, 2], scale: [30, 40] } } })
      const [a, b] = [await fast.model!.run(plan, check.sample), await slow.model!.run(plan, check.sample)]
      t.equal(a.receipt.engine, 'onnx')
      t.same(a.traced.layers[0].stepIndices, b.traced.layers[0].stepIndices)
      t.ok(compare(a.traced, b.traced).difference < 1e-5, `steps ${JSON.stringify(steps)}, raw ${raw}`)
    }
  }
  await fast.model!.dispose()
  await slow.model!.dispose()
})

t.test('one graph serves every batch size and length, with a mask and without', async (t) => {
  for (const file of [openLstm(3, 4), maskedLstm(3, 4)]) {
    const check = checkOf(file)
    const fast = await host(engine, [byOnnx(onnx)], file, check)
    const slow = await host(engine, [], file, check)
    for (const [size, steps] of [[1, 1], [3, 9], [1, 40], [5, 2]]) {
      const data = numbers(size * steps * 3, steps)
      // Some steps that the mask leaves out, the first among them.
      for (let step = 0; step < size * steps; step += 3) data.fill(0, step * 3, step * 3 + 3)
      const batch = { inputs: { x: { shape: [size, steps, 3], data } }, initial: {}, size }
      const [a, b] = [await fast.model!.run(check.plan, batch), await slow.model!.run(check.plan, batch)]
      t.equal(a.receipt.engine, 'onnx')
      t.ok(compare(a.traced, b.traced).difference < 1e-5, `${size} x ${steps}`)
    }
    await fast.model!.dispose()
    await slow.model!.dispose()
  }
})

t.test('plans beyond those kept make room, and are compiled again', async (t) => {
  const file = openLstm(3, 4)
  const check = checkOf(file)
  const { model } = await host(engine, [byOnnx(onnx)], file, check)
  const kinds = ['hidden', 'cell', 'gates', 'final', 'output', 'preactivations', 'contributions'] as const
  const plans = kinds.flatMap((kind) => [true, false].map((outputs) => buildPlan(file, { layers: ['lstm'], tensors: [kind], steps: 'all', outputs, raw: false }, {})))
  for (const plan of [...plans, ...plans]) t.match((await model!.run(plan, check.sample)).receipt, { engine: 'onnx', sound: true })
  await model!.dispose()
})
