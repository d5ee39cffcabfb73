import type { Layer, ModelFile, Values } from '../../model.ts'

/**
 * How many rows a run may have where it may hold `most` numbers of one kind: by what it reads, `[batch, step, ...]`, and by the widest that a step gets on its way, about, which
 * is the largest last axis of a weight.
 */
export function rowsAtOnce ({ graph }: ModelFile, inputs: readonly Values[], most: number): number {
  const widest = Math.max(1, ...Object.values(graph.layers).flatMap(widths))
  const sizes = inputs.map(({ shape, data }) => Math.max(data.length / shape[0], (shape[1] ?? 1) * widest))
  return Math.max(1, Math.floor(most / Math.max(...sizes)))
}

/** Of an Embedding only what it gives, not the words it knows. */
const widths = ({ weights, children, graph }: Layer): number[] =>
  [...Object.values(weights).map(({ shape }) => shape[shape.length - 1] ?? 1), ...Object.values(children).flatMap(widths), ...Object.values(graph?.layers ?? {}).flatMap(widths)]
