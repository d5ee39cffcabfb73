import type { Ops } from '../ops.ts'
import { axesOf, axisOf } from '../shape.ts'
import type { Builder, Value } from './builder.ts'
import { convolutions } from './conv.ts'
import { castTo, elementwise } from './elementwise.ts'
import { moves, reduced } from './moves.ts'
import { fusedHidden } from './recurrent.ts'

const reductions = { sum: 'ReduceSum', mean: 'ReduceMean', max: 'ReduceMax', min: 'ReduceMin', prod: 'ReduceProd', any: 'ReduceMax', all: 'ReduceMin' } as const

/**
 * The op contract as a writer of ONNX: every call adds nodes to the graph and gives a name. The same layers and cells that run eagerly are compiled
 * by running them once on this.
 */
export function onnxOps (b: Builder): Ops<Value> {
  const pointwise = elementwise(b)
  const moving = moves(b)
  const ops: Ops<Value> = {
    constant: (data, shape) => b.constant(data, shape),
    shape: (x) => x.shape,
    ...pointwise,
    ...moving,
    ...convolutions(b),
    matmul: (a, c, transposeA = false, transposeB = false) => {
      const [left, right] = [flipped(a, transposeA), flipped(c, transposeB)]
      const shape = [...left.shape.slice(0, -1), right.shape[right.shape.length - 1]]
      return b.node('MatMul', [left, right], 'float', shape)
    },
    reduce: (name, x, axes, keepDims = false) => {
      const logical = name === 'any' || name === 'all'
      // No axes at all is nothing to reduce; ONNX would take it for every axis.
      if (axes?.length === 0) return pointwise.cast(x, logical ? 'bool' : 'float')
      const whole = b.whole(axesOf(x.shape.length, axes))
      const shape = reduced(x.shape, axes, keepDims)
      const result = b.node(reductions[name], [castTo(b, x, 'float'), whole], 'float', shape, { keepdims: keepDims ? 1 : 0 })
      return logical ? castTo(b, result, 'bool') : result
    },
    softmax: (x, axis) => b.node('Softmax', [castTo(b, x, 'float')], 'float', x.shape, { axis: axisOf(x.shape.length, axis) }),
    scan: (body, sequences, states, reverse = false) => {
      const before = states.map((state) => b.fresh(state.type, state.shape))
      const steps = sequences.map(({ type, shape }) => b.fresh(type, shape.slice(1)))
      let count = 0
      let shapes: readonly Value[] = []
      const { graph, sequences: read } = b.body(before, steps, sequences, () => {
        const { results, states: next } = body([...steps], [...before])
        count = results.length
        shapes = results
        return [...next, ...results]
      })
      const after = states.map((state) => b.fresh(state.type, state.shape))
      const all = shapes.map(({ type, shape }) => b.fresh(type, [sequences[0].shape[0], ...shape]))
      const direction = reverse ? 1 : 0
      b.add('Scan', [...states, ...read], [...after, ...all], {
        body: { graph },
        num_scan_inputs: read.length,
        scan_input_directions: read.map(() => direction),
        scan_output_directions: Array.from({ length: count }, () => direction)
      })
      return { results: all, states: after }
    }
  }
  ops.fusedHidden = fusedHidden(b, ops)
  return ops

  /** The last two axes changed places. */
  function flipped (x: Value, flip: boolean): Value {
    if (!flip) return x
    const rank = x.shape.length
    return moving.transpose(x, x.shape.map((_, n) => n === rank - 1 ? rank - 2 : n === rank - 2 ? rank - 1 : n))
  }
}
