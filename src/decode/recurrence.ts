import type { CellCall } from '../cells/cell.ts'
import { cellsIn } from '../cells/cells.ts'
import { gateWeights } from '../describe/gates.ts'
import type { Layer } from '../model.ts'
import { variable, type Blocks, type Expression, type Variable } from './expression.ts'
import { refuse } from './refuse.ts'
import { writer } from './writer.ts'

/** `name` is what the result is called from here on. */
export interface Line { readonly name: string, readonly result: Expression, readonly gate: string | null }

/** One cell over all steps. */
export interface Recurrence {
  readonly kind: 'recurrence'
  readonly name: string
  readonly className: string
  /** Where its arrays are under `layers` of /weights. */
  readonly place: readonly string[]
  readonly units: number
  readonly states: readonly string[]
  /** What a gate's arrays are called, gate by gate. */
  readonly arrays: readonly (readonly string[])[]
  /** One step, in order. */
  readonly lines: readonly Line[]
  /** From the last step to the first; the outputs stand in the order in which they came. */
  readonly backwards: boolean
  /** Every step's output, else the last one's. */
  readonly sequences: boolean
  /** At masked steps nothing changes; `zeros`: and zeros are given. */
  readonly masked: false | 'kept' | 'zeros'
}

/** Two cells over the same input; the backward one's outputs are turned round. */
export interface Both {
  readonly kind: 'both'
  readonly name: string
  readonly forward: readonly Recurrence[]
  readonly backward: readonly Recurrence[]
  readonly merge: 'concat' | 'sum' | 'mul' | 'ave'
  readonly sequences: boolean
  readonly masked: boolean
}

export interface Where { readonly name: string, readonly place: readonly string[], readonly keras: 1 | 2 | 3, readonly masked: boolean }

/** The input of one step. */
export const stepInput = variable('x_t', null)

/** Where Keras' letter of a gate is the name of a state: the words of the equations of /weights. */
const letters: Readonly<Record<string, string>> = { c: 'g', h: 'hh' }
const stateNames: Readonly<Record<string, string>> = { hidden: 'h', cell: 'c' }

/** A recurrent layer as its cells, each over all steps: one, or those of a stack. */
export function recurrences (layer: Layer, { name, place, keras, masked }: Where, zeros = layer.config.zero_output_for_mask === true): Recurrence[] {
  const { config } = layer
  if (config.time_major === true) refuse('time_major puts the steps before the batch')
  const cells = cellsIn(layer)
  const odd = cells.find(({ layer: { className } }) => className.startsWith('ConvLSTM'))
  if (odd !== undefined || cells.length === 0) refuse('convolutions are not written')
  if (masked && zeros && (config.return_sequences !== true || (config.go_backwards === true && config.unroll === true))) refuse('zero_output_for_mask is written for whole sequences that are not unrolled backwards')
  if (masked && cells.length > 1 && config.go_backwards === true) refuse('a stack of cells that reads backwards is not written with a mask')
  return cells.map(({ at, layer: own, cell }, n) => {
    const units = own.weights.recurrent_kernel.shape[0]
    const { call, arrays } = bound(own, keras)
    const states = cell.states.map((state) => variable(stateNames[state], units))
    const { gates } = cell.compute(call, cell.project(call, stepInput), states)
    // The only gate of a SimpleRNN is its state: it gets no name of its own.
    const lines: Line[] = cell.gates.filter(({ letter }) => letter !== '').map(({ letter, gate }) => ({ name: letters[letter] ?? letter, result: gates[gate], gate }))
    const next = cell.update(call, gates, states).map((result, k) => ({ name: states[k].name, result, gate: null }))
    return {
      kind: 'recurrence',
      name: cells.length === 1 ? name : `${name}_cell_${n}`,
      className: own.className,
      place: at === '' ? place : [...place, ...at.split('/')],
      units,
      states: states.map((state) => state.name),
      arrays,
      // The hidden state is made from the new cell state, which therefore comes first.
      lines: [...lines, ...next.reverse()],
      // A cell above another one reads the outputs of that in the order in which they came.
      backwards: config.go_backwards === true && n === 0,
      sequences: config.return_sequences === true || n < cells.length - 1,
      masked: masked && (zeros && n === cells.length - 1 ? 'zeros' : 'kept')
    }
  })
}

export function bothWays (layer: Layer, { name, place, keras, masked }: Where): Both {
  const { children: { forward, backward }, config: { merge_mode: mode } } = layer
  const merge = (['concat', 'sum', 'mul', 'ave'] as const).find((one) => one === mode) ?? refuse(`merge_mode ${JSON.stringify(mode)} gives two outputs`)
  const sequences = forward.config.return_sequences === true
  // Keras has both sides give zeros at masked steps of sequences, and only there.
  const side = (child: Layer, at: string): Recurrence[] => recurrences(child, { name: `${name}_${at}`, place: [...place, at], keras, masked }, sequences)
  return { kind: 'both', name, forward: side(forward, 'forward'), backward: side(backward, 'backward'), merge, sequences, masked }
}

/** A cell bound to the names of its arrays, gate by gate, as /weights gives them. */
function bound (layer: Layer, keras: 1 | 2 | 3): { call: CellCall<Expression>, arrays: string[][] } {
  const units = layer.weights.recurrent_kernel.shape[0]
  const [{ cell }] = cellsIn(layer)
  const names = gateWeights(layer, cell).map(({ name }) => name)
  const arrays = cell.gates.map(({ letter }) => names.filter((name) => name.slice(name.search(/_|$/)) === (letter === '' ? '' : `_${letter}`)))
  const blocks = (kind: string): Blocks | Variable => {
    const parts = arrays.map((own) => variable(own.find((name) => name.replace(/_.*/, '') === kind)!, units))
    return parts.length === 1 ? parts[0] : { kind: 'blocks', width: units, parts }
  }
  const weights: Record<string, Expression> = { kernel: blocks('W'), recurrent_kernel: blocks('U') }
  if (layer.weights.bias !== undefined) weights.bias = layer.weights.bias.shape.length === 1 ? blocks('b') : { kind: 'rows', rows: [blocks('b'), blocks('rb')] }
  // What the arrays have counts, whatever the config says.
  return { call: { ops: writer(2), layer: { ...layer, config: { ...layer.config, units } }, keras, weights }, arrays }
}
