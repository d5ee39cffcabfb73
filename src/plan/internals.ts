import { cellsIn } from '../cells/cells.ts'
import type { Graph, Layer } from '../model.ts'
import type { TensorKind } from '../request/probe.ts'
import type { PlannedInternal } from './plan.ts'

/** One cell of a layer, wherever it is wrapped. */
interface Place {
  /** Before the internal's own name: '' or `forward/`, `cells/0/`, `inner/lstm/`. */
  readonly prefix: string
  readonly layer: Layer
  readonly states: readonly string[]
  readonly gates: readonly string[]
  /** Outer steps before its own: 1 inside each TimeDistributed. */
  readonly depth: number
}

/** Every cell in a layer, wrappers opened; empty where nothing is recurrent. */
export function places (layer: Layer, prefix = '', depth = 0): Place[] {
  if (layer.className === 'Bidirectional') {
    return (['forward', 'backward'] as const).flatMap((side) => places(layer.children[side], `${prefix}${side}/`, depth))
  }
  if (layer.className === 'TimeDistributed') {
    const { layer: child } = layer.children
    const inner = `${prefix}${child.path.slice(layer.path.length + 1)}/`
    return child.graph === undefined ? places(child, inner, depth + 1) : placesIn(child.graph, child, inner, depth + 1)
  }
  return cellsIn(layer).map(({ at, layer: own, cell }) => ({
    prefix: at === '' ? prefix : `${prefix}${at}/`,
    layer: own,
    states: cell.states,
    gates: cell.gates.map(({ gate }) => gate),
    depth
  }))
}

function placesIn (graph: Graph, owner: Layer, prefix: string, depth: number): Place[] {
  return graph.nodes.flatMap(({ key, layer }) => places(graph.layers[layer], `${prefix}${key.slice(owner.path.length + 1)}/`, depth))
}

export const isRecurrent = (layer: Layer): boolean => places(layer).length > 0

/** The internals of a recurrent layer that the asked kinds stand for, and its mask. */
export function internalsOf (layer: Layer, kinds: readonly TensorKind[]): PlannedInternal[] {
  const all = places(layer).flatMap(({ prefix, layer: own, states, gates, depth }) => {
    const step = (name: string): PlannedInternal => ({ name: prefix + name, stepAxis: depth + 1 })
    // A SimpleRNN's state is its only activation: it has no gate to show beside it.
    const shown = own.className.startsWith('SimpleRNN') ? [] : gates
    const ofKind: Record<TensorKind, () => PlannedInternal[]> = {
      hidden: () => [step('hidden')],
      cell: () => states.includes('cell') ? [step('cell')] : [],
      gates: () => shown.map((gate) => step(`gates/${gate}`)),
      preactivations: () => gates.map((gate) => step(`preactivations/${gate}`)),
      contributions: () => gates.flatMap((gate) => ['input', 'recurrent', 'bias'].map((part) => step(`contributions/${gate}/${part}`))),
      final: () => states.map((state) => ({ name: `${prefix}final/${state}`, stepAxis: null })),
      output: () => []
    }
    return kinds.flatMap((kind) => ofKind[kind]())
  })
  return [...all, ...masks(layer, '', 1)]
}

/** The masks that the recurrent layers in a layer may have applied, wrappers opened. */
function masks (layer: Layer, prefix: string, stepAxis: number): PlannedInternal[] {
  if (layer.className !== 'TimeDistributed') return isRecurrent(layer) ? [{ name: `${prefix}mask`, stepAxis }] : []
  const { layer: child } = layer.children
  const inner = `${prefix}${child.path.slice(layer.path.length + 1)}/`
  if (child.graph === undefined) return masks(child, inner, stepAxis + 1)
  const { nodes, layers } = child.graph
  return nodes.flatMap(({ key, layer: path }) => masks(layers[path], `${inner}${key.slice(child.path.length + 1)}/`, stepAxis + 1))
}

/** Axis words of a recurrent layer's per-step tensors. */
export function axesOf (layer: Layer): string[] {
  const [{ layer: own, depth }] = places(layer)
  const image = own.className === 'ConvLSTM1D' ? ['column'] : own.className === 'ConvLSTM2D' ? ['row', 'column'] : []
  return ['batch', ...Array.from({ length: depth }, () => 'outer step'), 'step', ...image, 'unit']
}
