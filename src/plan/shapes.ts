import { runGraph } from '../layers/graph.ts'
import type { Graph, Input, Layer, ModelFile } from '../model.ts'
import { batchAxisOps, same, type Sequences } from './batch-axis.ts'

/** A shape with null for the sizes that a request decides. */
export type OpenShape = readonly (number | null)[]

/** Two sets of sizes that stand for any: what differs between the two is open. Primes, so that no other size is made of them by chance. */
const any = [{ batch: 10_007, size: 997 }, { batch: 10_009, size: 991 }] as const

const known = new WeakMap<Graph, ReadonlyMap<number, readonly OpenShape[]>>()

/**
 * The shapes of what each node gives, by node and output, found by running the layers over shapes alone. Where a layer takes only some of the sizes that its
 * model leaves open (a Reshape of steps into pairs), neither it nor what comes after it is there. Pure, and kept for each model.
 */
export function shapesOf (file: ModelFile): ReadonlyMap<number, readonly OpenShape[]> {
  const { graph } = file
  const answer = known.get(graph) ?? find(file)
  known.set(graph, answer)
  return answer
}

function find ({ graph, keras }: ModelFile): ReadonlyMap<number, readonly OpenShape[]> {
  const run = (nodes: readonly number[], { batch, size }: typeof any[number]): ReadonlyMap<number, readonly (readonly number[])[]> => {
    const feeds = graph.inputs.map(({ shape }) => ({ tensor: same(shape.map((own, axis) => own ?? (axis === 0 ? batch : size))), mask: null }))
    const weightsOf = ({ weights }: Layer): Record<string, Sequences> => Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, same(shape)]))
    const results = runGraph({ ops: shapeOps, keras, weightsOf }, graph, nodes, feeds, { wanted: new Map(), initial: new Map() })
    return new Map([...results].map(([n, { outputs }]) => [n, outputs.map(({ shape }) => shape)]))
  }
  const [a, b] = any.map((sizes) => furthest(graph.nodes.map((_, n) => n), (nodes) => run(nodes, sizes)))
  return new Map([...a].flatMap(([n, shapes]) => {
    const others = b.get(n)
    return others === undefined ? [] : [[n, shapes.map((shape, index) => shape.map((own, axis) => own === others[index][axis] ? own : null))] as const]
  }))
}

/** What a run gives of all nodes; where it throws, of those before the first that it throws at, which is found by halving. */
function furthest<T> (nodes: readonly number[], run: (nodes: readonly number[]) => ReadonlyMap<number, T>): ReadonlyMap<number, T> {
  let passes = attempt(() => run(nodes))
  if (passes !== null) return passes
  let [good, bad] = [0, nodes.length]
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    const given = attempt(() => run(nodes.slice(0, middle)))
    if (given === null) bad = middle
    else [good, passes] = [middle, given]
  }
  return passes ?? new Map()
}

function attempt<T> (run: () => T): T | null {
  try {
    return run()
  } catch {
    return null
  }
}

/** Shapes alone: where the sequences of a batch lie is not followed, so nothing mixes them. */
const shapeOps = { ...batchAxisOps(), splitFirst: (x: Sequences, like: Sequences) => same([...like.shape.slice(0, 2), ...x.shape.slice(1)]) }

/** What an input is tried with before anybody asks: one sequence, and 8 wherever the model leaves a size open. */
export const triedShape = ({ shape }: Input): number[] => [1, ...shape.slice(1).map((size) => size ?? 8)]
