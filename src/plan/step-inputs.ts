import { refsIn } from '../layers/graph.ts'
import type { Graph, Layer, ModelFile, Node, Ref } from '../model.ts'
import { anyShape, follow } from './independent.ts'
import { internalsOf, isRecurrent } from './internals.ts'

/** An input whose steps a recurrent layer reads. */
export interface StepInput {
  readonly name: string
  /** How a request says that a step is not there: where every feature is this number (a Masking layer), or where the id is 0 (an Embedding). Null: no recurrent layer masks steps of it. */
  readonly masking: { readonly value: number } | 'id 0' | null
  /** The nodes that a gradient may start at: those that read the input, where each is a Masking or an Embedding layer, else the input's own node. Null: ids that something else reads too. */
  readonly starts: readonly number[] | null
}

/** Layers that give their input on as it is. */
const passing = new Set(['Identity', 'Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D', 'AlphaDropout', 'GaussianNoise', 'GaussianDropout', 'ActivityRegularization'])

/** Layers whose second axis is no longer that of what they read. */
const turning = new Set(['RepeatVector', 'Flatten', 'Permute', 'Dot', 'GlobalMaxPooling1D', 'GlobalMaxPooling2D', 'GlobalAveragePooling1D', 'GlobalAveragePooling2D',
  'ops.Reshape', 'ops.Transpose', 'ops.Squeeze', 'ops.Stack', 'ops.GetItem', 'ops.Matmul'])

/**
 * The inputs whose steps the recurrent layers among some nodes read, those together that meet below one layer, in the order of the model's inputs. Of a translator the first is what
 * the encoder reads. States that are wired to a layer are not followed.
 */
export function stepInputs (file: ModelFile, nodes: readonly number[]): StepInput[][] {
  const { graph } = file
  const seen = new Set<number>()
  const found = nodes.map((n) => [...sources(graph, n)].filter((input) => !seen.has(input) && seen.add(input)).sort((a, b) => a - b))
    .filter((inputs) => inputs.length > 0).sort(([a], [b]) => a - b)
  if (found.length === 0) return []
  const masked = maskedLayers(file, nodes)
  const masks = (input: number): boolean => masked.some((n) => sources(graph, n).has(input))
  return found.map((inputs) => inputs.map((input) => describe(graph, nodes, input, masks(input))))
}

const layerOf = (graph: Graph, n: number): Layer => graph.layers[graph.nodes[n].layer]

/** What a layer reads as its sequence, without states wired to it. */
const sequenceOf = ({ args }: Node): Ref[] => args.flatMap(refsIn).slice(0, 1)

/** The inputs, as indices into `Graph.inputs`, whose steps are those of a recurrent layer, through other recurrent layers too; none for a layer of another kind. */
function sources (graph: Graph, reader: number): ReadonlySet<number> {
  const reached = new Set<number>()
  if (!isRecurrent(layerOf(graph, reader)) || layerOf(graph, reader).config.time_major === true) return reached
  const inputOf = new Map(graph.inputs.map(({ node }, n) => [node, n]))
  const seen = new Set<number>()
  const open = sequenceOf(graph.nodes[reader]).map(({ node }) => node)
  for (let n = open.pop(); n !== undefined; n = open.pop()) {
    if (seen.has(n)) continue
    seen.add(n)
    const input = inputOf.get(n)
    if (input !== undefined && graph.inputs[input].shape.length > 1) reached.add(input)
    else if (isRecurrent(layerOf(graph, n))) open.push(...(givesSteps(layerOf(graph, n)) ? sequenceOf(graph.nodes[n]).map(({ node }) => node) : []))
    else if (keepsSteps(graph, n)) open.push(...graph.nodes[n].args.flatMap(refsIn).map(({ node }) => node))
  }
  return reached
}

/** Does a recurrent layer give something for each step that it reads? */
const givesSteps = ({ className, config, children }: Layer): boolean =>
  className === 'TimeDistributed' || (className === 'Bidirectional' ? children.forward.config : config).return_sequences === true

/** Is the second axis of what a node gives that of what it reads? A series of numbers may become steps of one feature. */
function keepsSteps (graph: Graph, n: number): boolean {
  const { className, config } = layerOf(graph, n)
  if (className === 'ops.ExpandDims') return config.axis === -1 || config.axis === 2
  if (className !== 'Reshape') return !turning.has(className)
  const [read] = sequenceOf(graph.nodes[n])
  const input = graph.inputs.find(({ node }) => node === read.node)
  const [first, ...rest] = config.target_shape as number[]
  return input !== undefined && input.shape.length === 2 && rest.length === 1 && rest[0] === 1 && (first === -1 || first === input.shape[1])
}

/** The recurrent layers that apply a mask, found by running the layers over shapes alone. */
function maskedLayers (file: ModelFile, nodes: readonly number[]): number[] {
  const { graph } = file
  const readers = nodes.filter((n) => isRecurrent(layerOf(graph, n)))
  const layers = readers.map((n) => ({ key: graph.nodes[n].key, node: n, type: '', units: null, axes: null, internals: internalsOf(layerOf(graph, n), []), outputs: [] }))
  try {
    const given = follow(file, { nodes, layers, steps: 'all', outputs: [] }, graph.inputs.map(({ shape }) => anyShape(shape)), {})
    return readers.filter((_, n) => given.layers[n].size > 0)
  } catch {
    // What has no shapes of its own for any batch is refused anyway (independent.ts).
    return []
  }
}

function describe (graph: Graph, nodes: readonly number[], input: number, masked: boolean): StepInput {
  const { name, node, shape } = graph.inputs[input]
  const readers = readersOf(graph, nodes, node)
  // Keras 3 writes the making of a mask down as operations beside the layer whose mask it is.
  const real = readers.filter((n) => layerOf(graph, n).className !== 'ops.NotEqual')
  const absent = new Set(readers.map((n) => absentFor(graph, n)))
  const all = (className: string): boolean => real.length > 0 && real.every((n) => layerOf(graph, n).className === className)
  if (all('Embedding')) return { name, masking: masked && shape.length === 2 && absent.size === 1 && absent.has(0) ? 'id 0' : null, starts: real }
  if (all('Masking')) {
    const [value] = absent
    return { name, masking: masked && shape.length === 3 && absent.size === 1 && value !== null ? { value: Math.fround(value) } : null, starts: real }
  }
  return { name, masking: null, starts: readers.some((n) => layerOf(graph, n).className === 'Embedding') ? null : [node] }
}

/** The nodes that read another one's tensors, layers that change nothing left out. */
function readersOf (graph: Graph, nodes: readonly number[], node: number): number[] {
  const readers: number[] = []
  const open = [node]
  for (let from = open.pop(); from !== undefined; from = open.pop()) {
    for (const n of nodes) {
      const { args, kwargs } = graph.nodes[n]
      if (![...args, ...Object.values(kwargs)].flatMap(refsIn).some((ref) => ref.node === from)) continue
      if (passing.has(layerOf(graph, n).className)) open.push(n)
      else readers.push(n)
    }
  }
  return readers
}

/** The number that a reader takes for a step that is not there; null where there is none. */
function absentFor (graph: Graph, n: number): number | null {
  const { className, config } = layerOf(graph, n)
  if (className === 'Masking') return config.mask_value as number
  if (className === 'Embedding') return config.mask_zero === true ? 0 : null
  if (className !== 'ops.NotEqual') return null
  const [, other] = graph.nodes[n].args
  return other !== undefined && 'value' in other && typeof other.value === 'number' ? other.value : null
}
