import fc from 'fast-check'
import t from 'tap'
import type { Values } from '../../../src/model.ts'
import { Builder, type Value } from '../../../src/ops/onnx/builder.ts'
import { onnxOps } from '../../../src/ops/onnx/ops.ts'
import { encodeModel } from '../../../src/ops/onnx/proto.ts'
import { loadOnnx, type OnnxRuntime } from '../../../src/ops/onnx/runtime.ts'
import { distance, plain, type Computation } from '../subject.ts'
import { trials } from '../trials.ts'

const { ort } = await loadOnnx(2) as OnnxRuntime

/** Compiles a computation for inputs of these ranks, sizes free where `free` says so, and runs it. */
async function run (computation: Computation, inputs: readonly Values[], free: boolean): Promise<Values> {
  const b = new Builder()
  const ops = onnxOps(b)
  const given = inputs.map(({ shape }, n): Value => ({ name: `in${n}`, type: 'float', shape: shape.map((size, axis) => free && axis === 0 ? -1 : size) }))
  const value = ops.cast(computation(ops, [...given]), 'float')
  const session = await ort.InferenceSession.create(encodeModel(b.graph(given, [{ name: 'out', value }])), { logSeverityLevel: 3, intraOpNumThreads: 1 })
  const { out } = await session.run(Object.fromEntries(inputs.map(({ shape, data }, n) => [`in${n}`, new ort.Tensor('float32', data, shape)])))
  await session.release()
  return { shape: out.dims, data: out.data as Float32Array }
}

t.test('each op agrees with the referee', async (t) => {
  for (const { name, drawn, bound } of trials) {
    try {
      await fc.assert(fc.asyncProperty(drawn, async ({ what, inputs, computation }) => {
        const far = distance(await run(computation, inputs, false), plain.run(computation, inputs))
        if (!(far <= bound)) throw new Error(`${what} is off by ${far}`)
      }), { numRuns: 20, seed: 42 })
      t.pass(name)
    } catch (error) {
      t.fail(`${name}: ${(error as Error).message.slice(0, 1500)} ${String((error as Error).cause)}`)
    }
  }
})

t.test('with a free first axis, one graph serves every size', async (t) => {
  const twice: Computation = (ops, [x]) => ops.splitFirst(ops.repeat(ops.reshape(ops.reverse(x, 0), [-1, 3]), -1, 2), x)
  for (const size of [1, 2, 5]) {
    const x = { shape: [size, 4, 3], data: Float32Array.from({ length: size * 12 }, (_, n) => n) }
    t.equal(distance(await run(twice, [x], true), plain.run(twice, [x])), 0, `${size}`)
  }
})
