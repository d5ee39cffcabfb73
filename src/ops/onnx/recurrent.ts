import type { FusedCell, Ops } from '../ops.ts'
import type { Builder, Value } from './builder.ts'
import { castTo } from './elementwise.ts'

/** Which of Keras' blocks stand where in ONNX' order: i,f,c,o -> i,o,f,c; z,r,h stay. */
const orders = { lstm: [0, 3, 1, 2], gru: [0, 1, 2] } as const
const names = { lstm: 'LSTM', gru: 'GRU' } as const

/** `constants`: its alpha and beta, for those that have them. */
interface Activation { readonly name: string, readonly constants?: readonly [number, number] }

/** Keras' activations that the kernels of ONNX know, with their constants. */
function known (name: unknown, keras: 1 | 2 | 3): Activation | undefined {
  switch (name) {
    case 'tanh': return { name: 'Tanh' }
    case 'sigmoid': return { name: 'Sigmoid' }
    case 'relu': return { name: 'Relu' }
    case 'hard_sigmoid': return { name: 'HardSigmoid', constants: [keras === 3 ? 1 / 6 : 0.2, 0.5] }
    default: return undefined
  }
}

/**
 * A cell's recurrence by ONNX' LSTM, GRU and RNN ops. The kernels take a length a sequence, not a mask: the steps that count are moved to
 * the front (masked ones change nothing), run, and each step then shows the state after the last step that counted.
 */
export function fusedHidden (b: Builder, ops: Ops<Value>): NonNullable<Ops<Value>['fusedHidden']> {
  return (cell) => {
    const { kind, recurrentActivation, activation, keras, reverse, mask, withGates } = cell
    const [inner, outer] = [known(recurrentActivation, keras), known(activation, keras)]
    if (outer === undefined || inner === undefined) return undefined
    // For the gates the kernel's products have to be done once more: a loop that gives all is sooner, but for one sequence alone.
    if (withGates && cell.x.shape[1] !== 1) return undefined
    const activations = kind === 'lstm' ? [inner, outer, outer] : [inner, outer]
    const turn = (x: Value): Value => reverse ? ops.reverse(x, 0) : x
    const read = turn(cell.x)
    if (mask === null) return turn(run(cell, read, null, activations))
    const places = placesOf(turn(mask), ops)
    const hidden = run(cell, rows(read, places.from), places.lengths, activations)
    return turn(carried(hidden, cell.initial[0], places))
  }

  /** All hidden states `[step, batch, unit]` of x `[step, batch, feature]` in reading order. */
  function run (cell: FusedCell<Value>, x: Value, lengths: Value | null, activations: readonly Activation[]): Value {
    const { kind, kernel, recurrentKernel, biases, initial, resetAfter } = cell
    const order = orders[kind]
    const units = recurrentKernel.shape[0]
    const gates = (w: Value): Value => ops.concat(order.map((n) => ops.slice(w, -1, n * units, (n + 1) * units)), -1)
    const matrix = (w: Value): Value => ops.expandDims(ops.transpose(gates(w), [1, 0]), 0)
    const bias = (own: Value | undefined): Value => own === undefined ? b.constant(new Float32Array(order.length * units), [order.length * units], `zeros${order.length * units}`) : gates(own)
    const all = ops.expandDims(ops.concat(biases.map(bias), 0), 0)
    const first = initial.map((state) => ops.expandDims(state, 0))
    const output = b.fresh('float', [x.shape[0], 1, x.shape[1], units])
    b.add(names[kind], [x, matrix(kernel), matrix(recurrentKernel), all, lengths, first[0], ...(kind === 'lstm' ? [first[1]] : [])], [output], {
      hidden_size: units,
      activations: activations.map(({ name }) => name),
      // In the order of the activations, those without any left out.
      activation_alpha: { floats: activations.flatMap(({ constants }) => constants?.[0] ?? []) },
      activation_beta: { floats: activations.flatMap(({ constants }) => constants?.[1] ?? []) },
      ...(kind === 'gru' ? { linear_before_reset: resetAfter ? 1 : 0 } : {})
    })
    return ops.squeeze(output, 1)
  }

  interface Places {
    /** How many steps of each sequence count, `[batch]`, as ONNX wants it. */
    readonly lengths: Value
    /** Steps that counted up to and with each, `[step, batch]`. */
    readonly counted: Value
    /** The step that comes to stand at each place, `[step, batch]`: those that count to the front, in their order. */
    readonly from: Value
  }

  function placesOf (mask: Value, ops: Ops<Value>): Places {
    const axis = b.constant(BigInt64Array.of(0n), [], 's0')
    const sum = (x: Value): Value => b.node('CumSum', [x, axis], 'float', x.shape)
    const seen = ops.cast(mask, 'float')
    const counted = sum(seen)
    const total = ops.reduce('sum', seen, [0], true)
    const skipped = ops.sub(ops.add(total, sum(ops.sub(1, seen))), 1)
    const to = ops.where(mask, ops.sub(counted, 1), skipped)
    const steps = ops.broadcastLike(ops.expandDims(ops.range(seen, 0), 1), seen)
    return {
      lengths: b.node('Cast', [ops.squeeze(total, 0)], 'int64', [mask.shape[1]], { to: 6 }),
      counted,
      from: b.node('ScatterElements', [steps, castTo(b, to, 'int64'), steps], 'float', to.shape, { axis: 0 })
    }
  }

  /** At each step of each sequence the entry of x `[step, batch, ...]` at the step that `places` `[step, batch]` says, whole rows at a time. */
  function rows (x: Value, places: Value): Value {
    const sequences = ops.broadcastLike(ops.expandDims(ops.range(places, 1), 0), places)
    const indices = castTo(b, ops.concat([ops.expandDims(places, -1), ops.expandDims(sequences, -1)], -1), 'int64')
    return b.node('GatherND', [x, indices], 'float', [...places.shape, ...x.shape.slice(2)])
  }

  /** At each step the state after as many steps as counted by then; the initial one where none did. */
  function carried (hidden: Value, initial: Value, { counted }: Places): Value {
    return rows(ops.concat([ops.expandDims(initial, 0), hidden], 0), counted)
  }
}
