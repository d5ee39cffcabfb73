import type { CellCall } from '../../src/cells/cell.ts'
import type { Layer } from '../../src/model.ts'
import { plainOps, toValues, type Plain } from '../../src/ops/plain/ops.ts'

export const ops = plainOps()

/** Numbers in (-1, 1), the same for the same seed (a linear congruential generator, Numerical Recipes' constants). */
export function numbers (count: number, seed = 1): Float32Array {
  let state = seed >>> 0
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

export const random = (shape: readonly number[], seed: number): Plain => ops.constant(numbers(size(shape), seed), shape)

/** A cell bound to weights of the given shapes on the float64 ops. */
export function bind (className: string, config: Record<string, unknown>, shapes: Record<string, readonly number[]>, keras: 1 | 2 | 3 = 3): CellCall<Plain> {
  const layer: Layer = { path: 'cell', className, config, weights: {}, children: {} }
  const weights = Object.fromEntries(Object.entries(shapes).map(([name, shape], n) => [name, random(shape, n + 10)]))
  return { ops, layer, keras, weights }
}

export const flat = (x: Plain): number[] => [...toValues(x).data]
