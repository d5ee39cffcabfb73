import type { Input } from '../model.ts'
import { triedShape } from '../plan/shapes.ts'
import type { Served } from '../registry/entry.ts'
import { tokenCounts } from '../request/tokens.ts'

/**
 * A ready body for /hidden-states: the sample of statescope.json, else one sequence of small numbers (or of token ids), always the same for
 * the same shapes.
 */
export function describeSample ({ id, file, meta }: Pick<Served, 'id' | 'file' | 'meta'>): { model: string, inputs: unknown, raw?: boolean } {
  if (meta.sample !== undefined) return { model: id, inputs: meta.sample.inputs, ...(meta.sample.raw === true ? { raw: true } : {}) }
  const { inputs } = file.graph
  const tokens = tokenCounts(file.graph)
  const random = congruential(1)
  const arrays = inputs.map((input, n) => filled(triedShape(input), () => drawn(input, tokens[n], random())))
  return { model: id, inputs: inputs.length === 1 ? arrays[0] : Object.fromEntries(inputs.map(({ name }, n) => [name, arrays[n]])) }
}

/** A value that the input takes; u is from [0, 1). Id 0 is often the padding, so it comes only where there is no other. */
function drawn ({ dtype }: Input, tokens: number | null, u: number): number {
  if (tokens !== null) return tokens > 1 ? 1 + Math.floor(u * (tokens - 1)) : 0
  if (/^u?int|^bool$/.test(dtype)) return Math.floor(2 * u)
  return Math.round((2 * u - 1) * 1e4) / 1e4
}

function filled (shape: readonly number[], next: () => number): unknown {
  if (shape.length === 0) return next()
  return Array.from({ length: shape[0] }, () => filled(shape.slice(1), next))
}

/** A linear congruential generator modulo 2^32, uniform in [0, 1): a sample needs no better one. */
function congruential (state: number): () => number {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
