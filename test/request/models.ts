import type { Argument, Graph, Input, Layer, ModelFile, Node } from '../../src/model.ts'
import type { Meta } from '../../src/registry/meta.ts'

/** A layer without weights: what requests are held against is its class and config. */
export const layer = (path: string, className: string, config: Record<string, unknown> = {}, more: Partial<Layer> = {}): Layer =>
  ({ path, className, config, weights: {}, children: {}, ...more })

/** A graph in which each call reads the first output of other calls, by their layers' names. */
export function graphOf (inputs: Record<string, { shape: (number | null)[], dtype?: string }>, calls: [Layer, ...string[]][]): Graph {
  const nodes: Node[] = Object.keys(inputs).map((name) => ({ key: name, layer: name, args: [], kwargs: {} }))
  const layers: Record<string, Layer> = Object.fromEntries(Object.keys(inputs).map((name) => [name, layer(name, 'InputLayer')]))
  for (const [called, ...from] of calls) {
    const refs = from.map((name): Argument => ({ ref: { node: nodes.findIndex(({ key }) => key === name), index: 0 } }))
    nodes.push({ key: called.path, layer: called.path, args: refs.length > 1 ? [{ list: refs }] : refs, kwargs: {} })
    layers[called.path] = called
  }
  return {
    inputs: Object.entries(inputs).map(([name, { shape, dtype = 'float32' }], node): Input => ({ name, node, shape, dtype })),
    outputs: [{ name: nodes[nodes.length - 1].layer, ref: { node: nodes.length - 1, index: 0 } }],
    nodes,
    layers
  }
}

export const served = (graph: Graph, meta: Meta = {}): { file: ModelFile, meta: Meta } => ({
  file: { name: 'm', format: 'keras', kerasVersion: '3.15.0', keras: 3, graph, layerOrder: graph.nodes.map((node) => node.layer), notes: [], digest: 'sha256:0' }, meta
})

/** LSTM 2 over `[batch, step, feature]`; the sizes are null where they are not given. */
export const sequences = (step: number | null, feature: number, meta: Meta = {}): { file: ModelFile, meta: Meta } =>
  served(graphOf({ x: { shape: [null, step, feature] } }, [[layer('lstm', 'LSTM', { units: 2 }), 'x']]), meta)
