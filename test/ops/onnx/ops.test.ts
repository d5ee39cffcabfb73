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

t.test('what a loop does without its states stands before it, and means the same', async (t) => {
  const array = (...shape: number[]): Values => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(n + shape.length)) })
  // As in a cell; two sequences, steps of one with fewer axes; with an operand of more axes than a step has; with one of fewer; loop within loop.
  const loops: Record<string, Computation> = {
    cell: (ops, [f, u, c]) => ops.scan(([f, u], [c]) => {
      const next = ops.add(ops.mul(f, c), ops.mul(u, ops.unary('tanh', u)))
      return { results: [next, ops.mul(2, u)], states: [next] }
    }, [f, u], [c]).results.reduce((a, b) => ops.add(a, b)),
    apart: (ops, [f, u, c]) => ops.scan(([f, u], [c]) => ({ results: [ops.add(ops.mul(ops.add(f, u), 2), c)], states: [c] }), [f, u], [c]).results[0],
    wider: (ops, [f, u, c]) => ops.scan(([f], [c]) => ({ results: [ops.add(f, ops.expandDims(u, 0)), ops.expandDims(ops.expandDims(c, 0), 0)], states: [c] }), [f], [c]).results.reduce((a, b) => ops.add(a, b)),
    narrower: (ops, [f, , c]) => ops.scan(([f], [c]) => {
      const first = ops.squeeze(ops.slice(f, 0, 0, 1), 0)
      return { results: [ops.add(ops.mul(f, f), ops.mul(first, first))], states: [c] }
    }, [f], [c]).results[0],
    within: (ops, [f, u, c]) => ops.scan(([f], [c]) => {
      const inner = ops.scan(([row], [sum]) => ({ results: [ops.add(ops.mul(row, 3), sum)], states: [ops.add(sum, row)] }), [f], [ops.squeeze(ops.slice(c, 0, 0, 1), 0)])
      return { results: [ops.mul(inner.results[0], 2)], states: [ops.add(c, u)] }
    }, [f], [c]).results[0]
  }
  // Steps, sequences and units of the same size: a broadcast over the wrong axis would go unnoticed by its shape.
  for (const [name, computation] of Object.entries(loops)) {
    const inputs = [array(4, 4, 4), name === 'cell' ? array(4, 4, 4) : array(4, 4), array(4, 4)]
    const far = distance(await run(computation, inputs, false), plain.run(computation, inputs))
    t.ok(far < 1e-6, `${name} is off by ${far}`)
  }
})

t.test('in a loop a product and the sum that alone reads it are one node, and mean the same', async (t) => {
  const array = (...shape: number[]): Values => ({ shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => Math.sin(n + shape.length)) })
  // The step and the product in both orders; two products; a product that leaves the loop; one read twice; a bias; three axes.
  const loops: Record<string, { computation: Computation, fused: number }> = {
    'step + product': { fused: 1, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const next = ops.unary('tanh', ops.add(x, ops.matmul(h, w))); return { results: [next], states: [next] } }, [x], [h]).results[0] },
    'product + step': { fused: 1, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const next = ops.unary('tanh', ops.add(ops.matmul(h, w), x)); return { results: [next], states: [next] } }, [x], [h]).results[0] },
    'product + product': { fused: 1, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const next = ops.unary('tanh', ops.add(ops.matmul(h, w), ops.matmul(x, w))); return { results: [next], states: [next] } }, [x], [h]).results[0] },
    'a product given': { fused: 0, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const heard = ops.matmul(h, w); return { results: [heard], states: [ops.unary('tanh', ops.add(x, heard))] } }, [x], [h]).results[0] },
    'a product read twice': { fused: 0, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const heard = ops.matmul(h, w); const next = ops.unary('tanh', ops.mul(heard, ops.add(x, heard))); return { results: [next], states: [next] } }, [x], [h]).results[0] },
    'a product twice in one sum': { fused: 0, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const heard = ops.matmul(h, w); const next = ops.unary('tanh', ops.mul(x, ops.add(heard, heard))); return { results: [next], states: [next] } }, [x], [h]).results[0] },
    'a bias': { fused: 0, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const next = ops.mul(x, ops.add(ops.matmul(h, w), ops.squeeze(ops.slice(w, 0, 0, 1), 0))); return { results: [next], states: [next] } }, [x], [h]).results[0] },
    'three axes': { fused: 0, computation: (ops, [x, h, w]) => ops.scan(([x], [h]) => { const next = ops.unary('tanh', ops.squeeze(ops.add(ops.expandDims(x, 0), ops.matmul(ops.expandDims(h, 0), w)), 0)); return { results: [next], states: [next] } }, [x], [h]).results[0] }
  }
  for (const [name, { computation, fused }] of Object.entries(loops)) {
    const inputs = [array(5, 3, 4), array(3, 4), array(4, 4)]
    const b = new Builder()
    const given = inputs.map(({ shape }, n): Value => ({ name: `in${n}`, type: 'float', shape: n === 2 ? shape : shape.with(-2, -1) }))
    const { nodes } = b.graph(given, [{ name: 'out', value: computation(onnxOps(b), [...given]) }])
    const inner = nodes.flatMap(({ attributes: { body } }) => (body as { graph: { nodes: typeof nodes } } | undefined)?.graph.nodes ?? [])
    t.equal(inner.filter(({ op }) => op === 'Gemm').length, fused, name)
    const far = distance(await run(computation, inputs, true), plain.run(computation, inputs))
    t.ok(far < 1e-6, `${name} is off by ${far}`)
  }
})
