import { unitsOf } from '../cells/cells.ts'
import { Fault } from '../errors.ts'
import { refsIn } from '../layers/graph.ts'
import type { Graph, Layer, ModelFile, Node } from '../model.ts'
import type { Meta } from '../registry/meta.ts'
import type { Probe } from '../request/probe.ts'
import { planClamps } from './clamps.ts'
import { axesOf, internalsOf, isRecurrent, places } from './internals.ts'
import type { Plan, PlannedLayer, PlannedOutput } from './plan.ts'

/**
 * Holds a probe against a model. Throws `unknown_name` for a layer that is not there (the message lists those that are), and
 * `invalid_value` where a layer has nothing of what is asked. With interventions the outputs are given too, asked for or not.
 */
export function buildPlan (file: ModelFile, probe: Probe, meta: Meta): Plan {
  const { graph } = file
  const byKey = new Map(graph.nodes.map((node, n) => [node.key, n]))
  const asked = probe.layers ?? recurrentKeys(file)
  if (probe.layers === null && asked.length === 0) {
    throw new Fault('invalid_value', `no layer of this model is recurrent: name some of its layers in "layers" to get their outputs; it has ${namesOf(graph)}`, '/layers')
  }
  const chosen = asked.flatMap((key, at) => nodesFor(graph, byKey, key, at))
  const layers = withSomething([...new Set(chosen)].map((n) => planLayer(graph, n, probe)), probe)
  const clamps = planClamps(graph, probe.intervene ?? [])
  const outputs = probe.outputs || clamps.length > 0 ? planOutputs(graph, probe, meta) : []
  // A layer that nothing else needs is run for its clamps all the same: whether it has such steps shows in the run.
  const roots = [...layers, ...outputs, ...clamps].map(({ node }) => node)
  return { nodes: needed(graph, roots), layers, steps: probe.steps, outputs, ...(clamps.length === 0 ? {} : { clamps }) }
}

/** The keys of every recurrent layer. */
export const recurrentKeys = ({ graph }: ModelFile): string[] => graph.nodes.filter(({ layer }) => isRecurrent(graph.layers[layer])).map(({ key }) => key)

/** What a reader may ask for; operations that Keras writes between layers are not named. */
const namesOf = (graph: Graph): string => graph.nodes.filter(({ layer }) => !graph.layers[layer].className.startsWith('ops.')).map(({ key }) => JSON.stringify(key)).join(', ')

/** A key names one call; a layer's path names every call of it. */
function nodesFor (graph: Graph, byKey: ReadonlyMap<string, number>, key: string, at: number): number[] {
  const exact = byKey.get(key)
  if (exact !== undefined) return [exact]
  const calls = graph.nodes.flatMap((node, n) => node.layer === key ? [n] : [])
  if (calls.length > 0) return calls
  throw new Fault('unknown_name', `there is no layer ${JSON.stringify(key)} in this model; its layers are ${namesOf(graph)}`, `/layers/${at}`)
}

/** Leaves out layers that have nothing of what is asked, where they were not asked for by name. */
function withSomething (layers: readonly PlannedLayer[], { layers: named, tensors }: Probe): readonly PlannedLayer[] {
  const empty = layers.filter(({ internals, outputs }) => outputs.length === 0 && internals.every(({ name }) => name === 'mask' || name.endsWith('/mask')))
  if (empty.length > 0 && (named !== null || empty.length === layers.length)) {
    const [{ key, type }] = empty
    throw new Fault('invalid_value', `layer ${JSON.stringify(key)} (${type}) has none of ${tensors.join(', ')}; GET /models/:id lists what each layer has`, '/tensors')
  }
  return layers.filter((layer) => !empty.includes(layer))
}

function planLayer (graph: Graph, n: number, probe: Probe): PlannedLayer {
  const node = graph.nodes[n]
  const layer = graph.layers[node.layer]
  const recurrent = isRecurrent(layer)
  const wantsOutput = probe.tensors.includes('output') || !recurrent
  const count = outputCount(graph, n, layer)
  return {
    key: node.key,
    node: n,
    type: layer.className,
    units: recurrent ? unitsOf(places(layer)[0].layer) : null,
    axes: recurrent ? axesOf(layer) : null,
    internals: recurrent ? internalsOf(layer, probe.tensors) : [],
    outputs: wantsOutput ? Array.from({ length: count }, (_, index) => ({ name: index === 0 ? 'output' : `output_${index}`, index })) : []
  }
}

/** How many tensors a call gives. */
function outputCount (graph: Graph, n: number, layer: Layer): number {
  const used = Math.max(0, ...graph.nodes.flatMap(allRefs).concat(graph.outputs.map(({ ref }) => ref)).filter(({ node }) => node === n).map(({ index }) => index))
  if (layer.className === 'Bidirectional') {
    const { forward } = layer.children
    return (layer.config.merge_mode === null ? 2 : 1) + (forward.config.return_state === true ? places(layer).reduce((sum, { states }) => sum + states.length, 0) : 0)
  }
  if (layer.className === 'TimeDistributed') return layer.children.layer.graph?.outputs.length ?? 1
  if (layer.config.return_state === true) return 1 + places(layer).reduce((sum, { states }) => sum + states.length, 0)
  return used + 1
}

function planOutputs (graph: Graph, probe: Probe, meta: Meta): PlannedOutput[] {
  const undo = probe.raw ? meta.scaler?.outputs : undefined
  return graph.outputs.map(({ name, ref }) => ({ name, node: ref.node, index: ref.index, ...(undo === undefined ? {} : { undo }) }))
}

const allRefs = (node: Node): ReturnType<typeof refsIn> => [...node.args, ...Object.values(node.kwargs)].flatMap(refsIn)

/** The roots and all they read, in running order. */
export function needed (graph: Graph, roots: readonly number[]): number[] {
  const keep = new Set<number>()
  const open = [...roots]
  while (open.length > 0) {
    const n = open.pop()!
    if (keep.has(n)) continue
    keep.add(n)
    open.push(...allRefs(graph.nodes[n]).map(({ node }) => node))
  }
  return [...keep].sort((a, b) => a - b)
}
