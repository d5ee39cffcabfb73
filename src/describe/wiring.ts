import { refsIn } from '../layers/graph.ts'
import type { ModelFile, Node } from '../model.ts'
import { isRecurrent } from '../plan/internals.ts'
import { shapesOf, type OpenShape } from '../plan/shapes.ts'

/** A tensor that a call reads: output `output` of another call, as its input, or as the argument named. */
interface Inbound { readonly key: string, readonly output: number, readonly argument?: string }

/** A call of a layer: what it reads, and the shape of its `output`, null where a request decides; the further ones too where there are several. */
interface Call { readonly key: string, readonly inbound: readonly Inbound[], readonly shape?: OpenShape, readonly shapes?: readonly OpenShape[] }

/** The calls of every layer, by its path, in running order. */
export function describeCalls (file: ModelFile): Map<string, Call[]> {
  const shapes = shapesOf(file)
  const calls = new Map<string, Call[]>()
  file.graph.nodes.forEach((node, n) => {
    const own = shapes.get(n)
    const call: Call = { key: node.key, inbound: inboundOf(file, node), shape: own?.[0], shapes: own !== undefined && own.length > 1 ? own : undefined }
    calls.set(node.layer, [...calls.get(node.layer) ?? [], call])
  })
  return calls
}

function inboundOf ({ graph }: ModelFile, { layer, args, kwargs }: Node): Inbound[] {
  // Keras writes a recurrent layer's states beside its sequence, or by name.
  const states = isRecurrent(graph.layers[layer])
  const positional = args.flatMap(refsIn).map((ref, place) => ({ ref, argument: states && place > 0 ? 'initial_state' : undefined }))
  const named = Object.entries(kwargs).flatMap(([argument, value]) => refsIn(value).map((ref) => ({ ref, argument })))
  return [...positional, ...named].map(({ ref: { node, index }, argument }) => ({ key: graph.nodes[node].key, output: index, argument }))
}
