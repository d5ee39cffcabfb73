import type { Argument, Graph, Ref } from '../model.ts'

/**
 * The graph with its nodes in the order in which Keras 3 runs them (`map_graph` of its `ops/function.py`): by falling depth, the number of
 * nodes to the farthest output, and within a depth as a walk back from the outputs meets them. It matters where a layer changes what the
 * next one finds: MultiHeadAttention takes the masks off the tensors it is given. Nodes that no output needs come last, as they stood.
 */
export function inRunOrder (graph: Graph): Graph {
  const met = walkedBack(graph)
  const depths = new Map<number, number>()
  const layerDepths = new Map<string, number>()
  for (const n of met.toReversed()) {
    const { layer } = graph.nodes[n]
    const depth = Math.max(depths.get(n) ?? 0, layerDepths.get(layer) ?? 0)
    layerDepths.set(layer, depth)
    depths.set(n, depth)
    for (const parent of parentsOf(graph, n)) depths.set(parent, Math.max(depth + 1, depths.get(parent) ?? 0))
  }
  const needed = [...depths.keys()].sort((a, b) => depths.get(b)! - depths.get(a)!)
  return renumbered(graph, [...needed, ...graph.nodes.map((_, n) => n).filter((n) => !depths.has(n))])
}

/** The nodes the outputs need, each after those it reads, as a depth-first walk from the outputs leaves them. Without recursion: models may be deep. */
function walkedBack (graph: Graph): number[] {
  const seen = new Set<number>()
  const met: number[] = []
  const open: { n: number, unread: number[] }[] = []
  const enter = (n: number): void => {
    if (seen.has(n)) return
    seen.add(n)
    open.push({ n, unread: parentsOf(graph, n).reverse() })
  }
  for (const { ref } of graph.outputs) {
    enter(ref.node)
    while (open.length > 0) {
      const next = open[open.length - 1].unread.pop()
      if (next !== undefined) enter(next)
      else met.push(open.pop()!.n)
    }
  }
  return met
}

/** The nodes a node reads: its arguments by place, then those by name in the order of the alphabet. */
function parentsOf (graph: Graph, n: number): number[] {
  const { args, kwargs } = graph.nodes[n]
  const refs = (argument: Argument): Ref[] => 'ref' in argument ? [argument.ref] : 'list' in argument ? argument.list.flatMap(refs) : []
  return [...args, ...Object.keys(kwargs).sort().map((name) => kwargs[name])].flatMap(refs).map(({ node }) => node)
}

/** The same graph with its nodes in another order, `order[new place] = old place`. */
function renumbered (graph: Graph, order: readonly number[]): Graph {
  const places = new Map(order.map((old, place) => [old, place]))
  const moved = ({ node, index }: Ref): Ref => ({ node: places.get(node)!, index })
  const argument = (given: Argument): Argument => 'ref' in given ? { ref: moved(given.ref) } : 'list' in given ? { list: given.list.map(argument) } : given
  return {
    ...graph,
    inputs: graph.inputs.map((input) => ({ ...input, node: places.get(input.node)! })),
    outputs: graph.outputs.map(({ name, ref }) => ({ name, ref: moved(ref) })),
    nodes: order.map((old) => {
      const node = graph.nodes[old]
      return { ...node, args: node.args.map(argument), kwargs: Object.fromEntries(Object.entries(node.kwargs).map(([name, given]) => [name, argument(given)])) }
    })
  }
}
