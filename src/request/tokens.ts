import { refsIn } from '../layers/graph.ts'
import type { Graph, Layer } from '../model.ts'

/** Layers and operations that give on the values they get, all or some of them, each a token id still. */
const passing = new Set(['InputLayer', 'Identity', 'Dropout', 'SpatialDropout1D', 'SpatialDropout2D', 'SpatialDropout3D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout',
  'ActivityRegularization', 'Reshape', 'Flatten', 'Permute', 'RepeatVector', 'Concatenate', 'UpSampling1D', 'UpSampling2D', 'Cropping1D', 'Cropping2D', 'ZeroPadding1D',
  'ZeroPadding2D', 'Cast', 'ConvertToTensor', 'ExpandDims', 'Squeeze', 'Flip', 'Repeat', 'Stack', 'Transpose', 'GetItem'])

/**
 * For each input of the graph that reaches an Embedding unchanged: how many ids there are (`input_dim`, the smallest where several
 * Embeddings read it); null for the others. By index into `Graph.inputs`.
 */
export function tokenCounts (graph: Graph): readonly (number | null)[] {
  const counts = graph.inputs.map((): number | null => null)
  const inputOf = new Map(graph.inputs.map(({ node }, n) => [node, n]))
  /** By node: the inputs whose values it gives on. */
  const sources: ReadonlySet<number>[] = []
  for (const [n, node] of graph.nodes.entries()) {
    const own = inputOf.get(n)
    const reached = new Set(own === undefined ? node.args.flatMap(refsIn).flatMap(({ node: from }) => [...sources[from]]) : [own])
    const layer = graph.layers[node.layer]
    const limit = embeddingIn(layer)
    if (limit !== null) for (const input of reached) counts[input] = Math.min(counts[input] ?? limit, limit)
    sources.push(passes(layer) ? reached : new Set())
  }
  return counts
}

const passes = (layer: Layer): boolean =>
  passing.has(layer.className) || (layer.className === 'Activation' && layer.config.activation === 'linear') ||
  (layer.className === 'TimeDistributed' && passes(layer.children.layer))

/** The `input_dim` of an Embedding, also one that a TimeDistributed holds, alone or in a model. */
function embeddingIn (layer: Layer): number | null {
  if (layer.className === 'Embedding') return layer.config.input_dim as number
  if (layer.className === 'TimeDistributed') return embeddingIn(layer.children.layer)
  return layer.graph === undefined ? null : tokenCounts(layer.graph)[0]
}
