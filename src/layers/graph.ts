import { Fault } from '../errors.ts'
import type { Argument, Graph, Layer, Ref } from '../model.ts'
import type { Ops } from '../ops/ops.ts'
import { under, entriesUnder } from './bidirectional.ts'
import type { ChildCall, Clamps, LayerCall, LayerResult } from './layer.ts'
import { layers } from './table.ts'

/** A model on an engine. */
export interface Context<T> {
  readonly ops: Ops<T>
  readonly keras: 1 | 2 | 3
  readonly weightsOf: (layer: Layer) => Readonly<Record<string, T>>
  /** Of the per-step internals only the last step is computed. */
  readonly lastStep?: boolean
}

export interface Feed<T> { readonly tensor: T, readonly mask: T | null }

/** What is asked of a run, by node key. Maps, because a key is a stranger's word (`constructor`). */
export interface Asked<T> {
  readonly wanted: ReadonlyMap<string, ReadonlySet<string>>
  readonly initial: ReadonlyMap<string, Readonly<Record<string, T>>>
  readonly clamps?: ReadonlyMap<string, Clamps>
}

const nothing: ReadonlySet<string> = new Set()

/**
 * Runs the nodes in the order given (each after those it reads) and gives every node's result. `feeds` stand in the order of the graph's
 * inputs.
 */
export function runGraph<T> (context: Context<T>, graph: Graph, nodes: readonly number[], feeds: readonly Feed<T>[], asked: Asked<T>): Map<number, LayerResult<T>> {
  const results = new Map<number, LayerResult<T>>()
  graph.inputs.forEach(({ node }, n) => { results.set(node, { outputs: [feeds[n].tensor], masks: [feeds[n].mask] }) })
  const tensorOf = ({ node, index }: Ref): { tensor: T, mask: T | null } => {
    const result = results.get(node)!
    return { tensor: result.outputs[index], mask: result.masks[index] ?? null }
  }
  for (const n of nodes) {
    if (results.has(n)) continue
    const node = graph.nodes[n]
    const positional = node.args.flatMap(refsIn).map(tensorOf)
    const named: Record<string, LayerCall<T>['named'][string]> = {}
    const values: Record<string, unknown> = {}
    node.args.forEach((argument, place) => { if (refsIn(argument).length === 0) values[place] = plainOf(argument) })
    for (const [name, argument] of Object.entries(node.kwargs)) {
      const refs = refsIn(argument).map(tensorOf)
      if (refs.length > 0) named[name] = { tensors: refs.map(({ tensor }) => tensor), masks: refs.map(({ mask }) => mask), places: placesOf(argument) }
      else values[name] = plainOf(argument)
    }
    const result = runLayer(context, graph.layers[node.layer], {
      inputs: positional.map(({ tensor }) => tensor),
      masks: positional.map(({ mask }) => mask),
      named,
      values,
      wanted: asked.wanted.get(node.key) ?? nothing,
      initial: asked.initial.get(node.key) ?? {},
      clamps: asked.clamps?.get(node.key)
    })
    results.set(n, result)
    for (const tensor of result.unmasked ?? []) unmask(results, tensor)
  }
  return results
}

/** Takes the mask off a tensor, for every node that reads it later. */
function unmask<T> (results: Map<number, LayerResult<T>>, tensor: T): void {
  for (const [n, result] of results) {
    if (!result.outputs.includes(tensor)) continue
    results.set(n, { ...result, masks: result.masks.map((mask, index) => result.outputs[index] === tensor ? null : mask) })
  }
}

/** For each tensor of an argument where it stands in the list. */
function placesOf (argument: Argument): number[] {
  return 'list' in argument ? argument.list.flatMap((one, place) => refsIn(one).map(() => place)) : [0]
}

/** An argument without tensors as the config has it. */
function plainOf (argument: Argument): unknown {
  return 'list' in argument ? argument.list.map(plainOf) : 'value' in argument ? argument.value : undefined
}

/** The tensors of an argument, in order. */
export function refsIn (argument: Argument): Ref[] {
  if ('ref' in argument) return [argument.ref]
  return 'list' in argument ? argument.list.flatMap(refsIn) : []
}

/** One call of one layer. A child that is a model runs its own graph. */
function runLayer<T> (context: Context<T>, layer: Layer, call: ChildCall<T>): LayerResult<T> {
  if (layer.graph !== undefined) return runInner(context, layer, layer.graph, call)
  const layerFunction = layers.get(layer.className)
  if (layerFunction === undefined) throw new Fault('unsupported_layer', `layer "${layer.path}" is a ${layer.className}, which this service does not compute`)
  const whole: LayerCall<T> = {
    ops: context.ops,
    keras: context.keras,
    layer,
    weights: context.weightsOf(layer),
    weightsOf: context.weightsOf,
    named: {},
    values: {},
    wanted: nothing,
    lastStep: context.lastStep === true,
    initial: {},
    ...call,
    run: (child, inner) => runLayer(context, child, inner)
  }
  try {
    return layerFunction(whole)
  } catch (error) {
    if (error instanceof Fault && (error.code !== 'unsupported_layer' || error.message.startsWith('layer '))) throw error
    // An activation, or an op, does not know whose it is.
    if (error instanceof Fault) throw new Fault('unsupported_layer', `layer "${layer.path}" (${layer.className}): ${error.message}`)
    const { message } = error as Error
    throw message.startsWith('layer ') ? error : new Error(`layer "${layer.path}" (${layer.className}): ${message}`, { cause: error })
  }
}

function runInner<T> (context: Context<T>, layer: Layer, graph: Graph, call: ChildCall<T>): LayerResult<T> {
  const local = (key: string): string => key.slice(layer.path.length + 1)
  const asked: Asked<T> = {
    wanted: new Map(graph.nodes.map(({ key }) => [key, under(call.wanted ?? nothing, local(key))])),
    initial: new Map(graph.nodes.map(({ key }) => [key, entriesUnder(call.initial ?? {}, local(key))])),
    clamps: new Map(graph.nodes.map(({ key }) => [key, entriesUnder(call.clamps ?? {}, local(key))]))
  }
  const feeds = graph.inputs.map((_, n) => ({ tensor: call.inputs[n], mask: call.masks[n] ?? null }))
  const results = runGraph(context, graph, graph.nodes.map((_, n) => n), feeds, asked)
  const outputs = graph.outputs.map(({ ref }) => ({ tensor: results.get(ref.node)!.outputs[ref.index], mask: results.get(ref.node)!.masks[ref.index] ?? null }))
  const each = [...results].map(([n, result]) => ({ place: local(graph.nodes[n].key), result }))
  return {
    outputs: outputs.map(({ tensor }) => tensor),
    masks: outputs.map(({ mask }) => mask),
    internals: Object.fromEntries(each.flatMap(({ place, result }) => Object.entries(result.internals ?? {}).map(([name, value]) => [`${place}/${name}`, value]))),
    evidence: each.flatMap(({ place, result }) => (result.evidence ?? []).map((one) => ({ ...one, at: one.at === '' ? place : `${place}/${one.at}` })))
  }
}
