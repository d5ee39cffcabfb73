import { Fault } from '../errors.ts'
import { number } from '../layers/config.ts'
import { refsIn } from '../layers/graph.ts'
import type { Layer, ModelFile, Node } from '../model.ts'
import type { Served } from '../registry/entry.ts'
import { formula, type Formula } from './formula.ts'
import { makerOf, refuseOtherMasks, type Maker } from './masks.ts'
import { bothWays, recurrences, type Both, type Recurrence } from './recurrence.ts'
import { refuse } from './refuse.ts'

/** A row of a table for each id; `masks`: the steps whose id is 0 are masked from here on. */
export interface Lookup { readonly kind: 'lookup', readonly name: string, readonly place: readonly string[], readonly rank: number, readonly masks: boolean }

/** Masks the steps at which every feature is `value`, and puts zeros there. */
export interface Masking { readonly kind: 'masking', readonly value: number }

/** A layer that gives what it gets. */
export interface Nothing { readonly kind: 'nothing', readonly className: string }

/** What one layer does, in the words that both languages share. */
export type Stage = Recurrence | Both | Formula | Lookup | Masking | Nothing

/** A model as a chain of stages. */
export interface Program {
  readonly id: string
  readonly version: number
  readonly digest: string
  /** Of the input, batch first; null where the size is free. */
  readonly shape: readonly (number | null)[]
  readonly stages: readonly Stage[]
}

/** A fault that names the layer and says what to do. */
function undecodable ({ path, className }: Layer, why: string): Fault {
  return new Fault('unsupported_layer', `layer ${JSON.stringify(path)} (${className}) has no decode: ${why}. /hidden-states shows what it computes`)
}

const recurrentClasses: ReadonlySet<string> = new Set(['LSTM', 'GRU', 'SimpleRNN', 'RNN'])

/**
 * The stages of a model from its input to its output. Formulas come from src/cells and src/layers, run over the writer of this room: there is no second
 * copy of an equation. Throws `unsupported_layer`, naming layer and class, for what is no chain of layers with one input and one output, and for what the
 * stages have no words for.
 */
export function programOf ({ id, version, digest, file }: Pick<Served, 'id' | 'version' | 'digest' | 'file'>): Program {
  const [input, ...others] = file.graph.inputs
  if (others.length > 0) throw undecodable(file.graph.layers[file.graph.nodes[others[0].node].layer], 'a program reads one input, and this is the second')
  const stages: Stage[] = []
  let rank = input.shape.length
  /** What made the mask that holds here. */
  let mask: Maker | null = null
  for (const node of chainOf(file)) {
    const layer = file.graph.layers[node.layer]
    const made = named(layer, () => {
      refuseOtherMasks(file.graph, node, mask)
      return stagesOf(layer, { n: stages.length + 1, rank, keras: file.keras, masked: mask !== null })
    })
    stages.push(...made.stages)
    rank = made.stages.reduce(rankAfter, rank)
    mask = made.mask === 'new' ? makerOf(layer, node) : made.mask === 'kept' ? mask : null
  }
  // A stateful model has a fixed batch: here every sequence starts from zero, so any number will do.
  return { id, version, digest, shape: [null, ...input.shape.slice(1)], stages }
}

/** The nodes that lie between the input and the output, in the order in which they run. */
function chainOf ({ graph }: ModelFile): Node[] {
  const { nodes, layers, inputs: [input], outputs: [output, second] } = graph
  if (second !== undefined) throw undecodable(layers[nodes[second.ref.node].layer], 'a program gives one output, and this is the second')
  const chain: Node[] = []
  let at = output.ref
  while (at.node !== input.node) {
    const node = nodes[at.node]
    const layer = layers[node.layer]
    const given = node.args.flatMap(refsIn)
    const named = Object.entries(node.kwargs).filter(([name, argument]) => name !== 'mask' && refsIn(argument).length > 0).map(([name]) => name)
    if (at.index > 0) throw undecodable(layer, `its output number ${at.index + 1} is used, and a program follows the first`)
    if (given.length !== 1) throw undecodable(layer, `it reads ${given.length} tensors, and a program is a chain of layers that read one`)
    if (named.length > 0) throw undecodable(layer, `it is given ${named.join(' and ')}, and a program is a chain of layers that read one tensor`)
    chain.unshift(node)
    at = given[0]
  }
  return chain
}

/** Says whose formula it is that has no words. */
function named<R> (layer: Layer, work: () => R): R {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'unsupported_layer') throw error
    throw undecodable(layer, error.message)
  }
}

/** The stages of one layer, and what becomes of the mask that came to it. */
interface Made { readonly stages: Stage[], readonly mask: 'kept' | 'new' | 'none' }

function stagesOf (layer: Layer, { n, rank, keras, masked }: { n: number, rank: number, keras: 1 | 2 | 3, masked: boolean }): Made {
  const { className, config, path } = layer
  if (recurrentClasses.has(className)) {
    const stages = recurrences(layer, { name: `${className.toLowerCase()}_${n}`, place: [path], keras, masked })
    return { stages, mask: config.return_sequences === true ? 'kept' : 'none' }
  }
  if (className === 'Bidirectional') {
    const stage = bothWays(layer, { name: `bidirectional_${n}`, place: [path], keras, masked })
    return { stages: [stage], mask: stage.sequences ? 'kept' : 'none' }
  }
  if (className === 'Embedding') {
    const masks = config.mask_zero === true
    if (masks && rank !== 2) refuse('its mask has other axes than batch and step')
    return { stages: [{ kind: 'lookup', name: `embedding_${n}`, place: [path], rank, masks }], mask: masks ? 'new' : 'none' }
  }
  if (className === 'Masking') {
    if (rank !== 3) refuse('its mask has other axes than batch and step')
    return { stages: [{ kind: 'masking', value: Math.fround(number(layer, 'mask_value')) }], mask: 'new' }
  }
  if (className === 'TimeDistributed') {
    const { layer: child } = layer.children
    // A formula goes along the last axis at every step already.
    const { stages } = formula(child, { name: `time_distributed_${n}`, place: [path, child.path.slice(path.length + 1)], rank: rank - 1, keras, masked: false })
    return { stages: stages.map((stage) => stage.kind === 'formula' ? { ...stage, rank } : stage), mask: 'kept' }
  }
  const { stages, masked: kept } = formula(layer, { name: `${className.toLowerCase()}_${n}`, place: [path], rank, keras, masked })
  return { stages, mask: kept ? 'kept' : 'none' }
}

function rankAfter (rank: number, stage: Stage): number {
  switch (stage.kind) {
    case 'lookup': return rank + 1
    case 'recurrence':
    case 'both': return stage.sequences ? 3 : 2
    default: return rank
  }
}
