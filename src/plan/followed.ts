import { refsIn } from '../layers/graph.ts'
import type { Graph, Layer, Node } from '../model.ts'

/** Layers whose output at a step is made of their inputs at that step, or up to it: the step stays the same step. */
const stepwise = new Set(['InputLayer', 'Identity', 'Masking', 'Embedding', 'Dense', 'Activation', 'ReLU', 'LeakyReLU', 'PReLU', 'ELU', 'ThresholdedReLU', 'Softmax',
  'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'ActivityRegularization', 'BatchNormalization', 'LayerNormalization', 'UnitNormalization',
  'RMSNormalization', 'Normalization', 'Rescaling', 'Add', 'Subtract', 'Multiply', 'Average', 'Minimum', 'Maximum', 'Concatenate', 'LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional'])

/**
 * The inputs of a graph whose step t a layer reads as its own step t, by name: through layers that leave the steps where they are. What is not known to do so ends the
 * way: a convolution, a layer that gives its sequence backwards, an encoder before its decoder.
 */
export function followedInputs (graph: Graph, node: number): string[] {
  const names = new Map(graph.inputs.map(({ name, node }) => [node, name]))
  const found = new Set<string>()
  const target = graph.layers[graph.nodes[node].layer]
  // A model inside may do anything with the steps.
  if (target.className === 'TimeDistributed' && !isLoop(target.children.layer)) return []
  const seen = new Set(sources(graph.nodes[node], target))
  for (const at of seen) {
    const name = names.get(at)
    if (name !== undefined) found.add(name)
    const layer = graph.layers[graph.nodes[at].layer]
    if (!keepsSteps(layer)) continue
    for (const from of sources(graph.nodes[at], layer)) seen.add(from)
  }
  return graph.inputs.map(({ name }) => name).filter((name) => found.has(name))
}

/** The same of what a layer gives: the inputs whose step t its output has as step t. */
export const followedByOutput = (graph: Graph, node: number): string[] => keepsSteps(graph.layers[graph.nodes[node].layer]) ? followedInputs(graph, node) : []

/** The nodes whose first output a call reads as a sequence; none where the layer counts its steps on another axis. */
function sources ({ args }: Node, layer: Layer): number[] {
  if (isTimeMajor(layer)) return []
  const merges = layer.className === 'Concatenate' || args.length === 0 || ('list' in args[0] && !isLoop(layer))
  return (merges ? args.flatMap(refsIn) : refsIn(args[0]).slice(0, 1)).filter(({ index }) => index === 0).map(({ node }) => node)
}

const isLoop = ({ className }: Layer): boolean => /^(LSTM|GRU|SimpleRNN|RNN|Bidirectional|ConvLSTM[12]D)$/.test(className)
const isTimeMajor = ({ config, children }: Layer): boolean => config.time_major === true || Object.values(children).some(({ config }) => config.time_major === true)

function keepsSteps (layer: Layer): boolean {
  const { className, config, children } = layer
  if (!stepwise.has(className)) return false
  if (className === 'Bidirectional') return children.forward.config.return_sequences === true && children.forward.config.go_backwards !== true
  if (isLoop(layer)) return config.return_sequences === true && config.go_backwards !== true
  // Side by side in features, not one after the other in steps.
  return className !== 'Concatenate' || config.axis === -1
}
