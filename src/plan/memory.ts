import { Fault } from '../errors.ts'
import { refsIn } from '../layers/graph.ts'
import type { Layer, ModelFile, Ref } from '../model.ts'
import { followedInputs } from './followed.ts'
import { buildPlan, needed } from './build.ts'
import { places } from './internals.ts'
import type { Plan } from './plan.ts'

/** A cell whose memory can be taken apart by the steps that wrote it. */
export interface MemoryCell {
  /** The layer's key, and the cell's place in it: `lstm`, `bi/backward`. */
  readonly name: string
  /** Index into the layers of the plan, and what its tensors' names begin with. */
  readonly layer: number
  readonly prefix: string
  /** The state that is the memory: `cell` of an LSTM, `hidden` of a GRU. */
  readonly state: 'cell' | 'hidden'
  /** Reads from the last step to the first. */
  readonly reverse: boolean
  /** Where the state before the first step comes from: an output of the plan, by index, or an input; null: zeros. */
  readonly initial: { readonly output: number } | { readonly input: string } | null
}

/** What a memory decomposition needs of a run. */
export interface MemoryPlan { readonly plan: Plan, readonly cells: readonly MemoryCell[] }

/** The gates and last states of every LSTM and GRU among some nodes whose steps are those of one of the inputs. Throws Fault `invalid_value` where there is none. */
export function planMemory (file: ModelFile, nodes: readonly number[], inputs: readonly string[]): MemoryPlan {
  const { graph } = file
  const found = nodes.filter((n) => followedInputs(graph, n).some((input) => inputs.includes(input))).map((n) => ({ node: graph.nodes[n], n, cells: cellsOf(graph.layers[graph.nodes[n].layer]) })).filter(({ cells }) => cells.length > 0)
  if (found.length === 0) throw new Fault('invalid_value', 'memory is defined for LSTM and GRU layers whose steps are those of the input, and this output depends on none: ask for other methods', '/methods')
  const plan = buildPlan(file, { layers: found.map(({ node }) => node.key), tensors: ['gates', 'final'], steps: 'all', outputs: false, raw: false }, {})
  const states: { name: string, node: number, index: number }[] = []
  const cells = found.flatMap(({ node, cells }, layer) => cells.map((cell): MemoryCell => {
    const { prefix, state, reverse, at } = cell
    const wired = [...node.args.flatMap(refsIn).slice(1), ...(node.kwargs.initial_state === undefined ? [] : refsIn(node.kwargs.initial_state))]
    return { name: `${node.key}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}`, layer, prefix, state, reverse, initial: wired.length === 0 ? null : source(wired[at]) }
  }))
  return { plan: { ...plan, nodes: needed(graph, [...plan.nodes, ...states.map(({ node }) => node)]), outputs: states }, cells }

  function source ({ node, index }: Ref): NonNullable<MemoryCell['initial']> {
    const input = graph.inputs.find((one) => one.node === node)
    return input === undefined ? { output: states.push({ name: `state ${states.length}`, node, index }) - 1 } : { input: input.name }
  }
}

/** The LSTM and GRU cells of a layer, `at` being the place of their memory among the states wired to the layer. */
function cellsOf (layer: Layer): (Pick<MemoryCell, 'prefix' | 'state' | 'reverse'> & { at: number })[] {
  const directions = layer.className === 'Bidirectional' ? (['forward', 'backward'] as const).map((side) => ({ side: `${side}/`, own: layer.children[side] })) : [{ side: '', own: layer }]
  let at = 0
  return directions.flatMap(({ side, own }) => {
    const all = places(own, side)
    // The only layers with states in another order than that of their cells.
    const ordered = own.children.cell?.config.reverse_state_order === true ? all.toReversed() : all
    const first = new Map<string, number>()
    for (const { prefix, states } of ordered) {
      first.set(prefix, at)
      at += states.length
    }
    return all.flatMap(({ prefix, states, gates, depth }) => {
      const state = gates.includes('forget') ? 'cell' as const : gates.includes('update') ? 'hidden' as const : null
      // Steps inside a TimeDistributed are none of the input's.
      return state === null || depth > 0 ? [] : [{ prefix, state, reverse: own.config.go_backwards === true, at: first.get(prefix)! + states.indexOf(state) }]
    })
  })
}
