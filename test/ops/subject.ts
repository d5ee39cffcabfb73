import type { Engine } from '../../src/ops/engine.ts'
import type { Ops } from '../../src/ops/ops.ts'
import type { Values } from '../../src/model.ts'
import { eagerOps } from '../../src/ops/eager/ops.ts'
import { fromValues, plainOps, toValues } from '../../src/ops/plain/ops.ts'

/** A computation over any op set. */
export type Computation = <T>(ops: Ops<T>, inputs: T[]) => T

/** An op set under test: runs a computation on values and gives its values back. */
export interface Subject {
  readonly name: string
  readonly run: (computation: Computation, inputs: readonly Values[]) => Values
}

/** The referee, rounded to float32 at the very end. */
export const plain: Subject = {
  name: 'plain',
  run: (computation, inputs) => toValues(computation(plainOps(), inputs.map(fromValues)))
}

export function eager ({ tf, name }: Engine): Subject {
  const ops = eagerOps(tf, name)
  return {
    name,
    run: (computation, inputs) => tf.tidy(() => {
      const result = computation(ops, inputs.map(({ data, shape }) => ops.constant(data, shape)))
      return { shape: result.shape, data: Float32Array.from(result.dataSync()) }
    })
  }
}

/** Values of a nested or flat list; the shape of a nested one is read off. */
export function values (nested: unknown): Values {
  const shape: number[] = []
  for (let part = nested; Array.isArray(part); part = part[0]) shape.push(part.length)
  return { shape, data: Float32Array.from(Array.isArray(nested) ? nested.flat(Infinity) as number[] : [nested as number]) }
}

/**
 * The largest |got - expected| / max(1, |expected|); Infinity where shapes or missing numbers differ. With `scale`, of the same shape, its
 * sizes count in the divisor too: for float32 results held against float64 ones, where a difference of large numbers has lost its digits.
 */
export function distance (got: Values, expected: Values, scale?: Values): number {
  if (got.shape.join() !== expected.shape.join() || got.data.length !== expected.data.length) return Infinity
  return got.data.reduce((worst, value, n) => {
    const wanted = expected.data[n]
    if (Object.is(value, wanted) || value === wanted) return worst
    const far = Math.abs(value - wanted) / Math.max(1, Math.abs(wanted), Math.abs(scale?.data[n] ?? 0))
    return Number.isNaN(far) ? Infinity : Math.max(worst, far)
  }, 0)
}
