import type { CellCall } from './cell.ts'

/** The nth of the blocks of `units` columns that lie side by side on the last axis. */
export function block<T> ({ ops }: CellCall<T>, x: T, units: number, n: number): T {
  return ops.slice(x, -1, n * units, (n + 1) * units)
}

/** x.W + b, the bias left out where the layer has none. */
export function affine<T> ({ ops }: CellCall<T>, x: T, kernel: T, bias: T | undefined): T {
  const product = ops.matmul(x, kernel)
  return bias === undefined ? product : ops.add(product, bias)
}

/** A gate or a state as it goes on: what the call holds it at, else what it became. */
export const held = <T>({ hold }: CellCall<T>, name: string, value: T): T => hold === undefined ? value : hold(name, value)

/** A bias `[unit]` at every place of `like` `[..., unit]`; zeros where the layer has none. */
export function spread<T> ({ ops }: CellCall<T>, bias: T | undefined, like: T): T {
  return bias === undefined ? ops.fill(like, 0) : ops.broadcastLike(bias, like)
}
