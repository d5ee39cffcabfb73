import type { Ops } from '../ops/ops.ts'
import type { CellCall } from './cell.ts'

/** Some units of a gate or of a state, kept at a value at some input steps. */
export interface Clamp {
  /** null: all. */
  readonly units: readonly number[] | null
  /** Which of so many input steps, counted from 0; null: all. */
  readonly steps: (length: number) => readonly number[] | null
  /** One for all units, or one for each of `units`. */
  readonly value: number | readonly number[]
}

/** What a run holds, by the name of the gate or state: where (booleans) and at what, `[step, 1, ..., unit]` in input time. */
export type Held<T> = Readonly<Record<string, Holding<T>>>
interface Holding<T> { readonly where: T, readonly value: T }

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

/**
 * Clamps, by the name of the gate or state, for a cell that reads x `[step, batch, ...]`; of two for the same entry the later one counts. The number of steps is read
 * here, against the rule of ops.ts: a run that holds something is never compiled.
 */
export function heldOf<T> (ops: Ops<T>, clamps: ReadonlyMap<string, readonly Clamp[]>, x: T, count: number): Held<T> {
  const [length, , ...rest] = ops.shape(x)
  const shape = [length, 1, ...rest.slice(1).map(() => 1), count]
  return Object.fromEntries([...clamps].map(([name, all]) => {
    const [where, value] = [new Float32Array(length * count), new Float32Array(length * count)]
    for (const { units, steps, value: kept } of all) {
      for (const step of steps(length) ?? upTo(length)) {
        for (const [n, unit] of (units ?? upTo(count)).entries()) {
          where[step * count + unit] = 1
          value[step * count + unit] = typeof kept === 'number' ? kept : kept[n]
        }
      }
    }
    return [name, { where: ops.cast(ops.constant(where, shape), 'bool'), value: ops.constant(value, shape) }]
  }))
}

/** The call of a cell with what it holds, at all steps or at one `[1, ..., unit]`: the same call where it holds nothing. */
export function holding<T> (call: CellCall<T>, held: Held<T> | undefined): CellCall<T> {
  if (held === undefined) return call
  return { ...call, hold: (name, value) => Object.hasOwn(held, name) ? call.ops.where(held[name].where, held[name].value, value) : value }
}

/** What is held in the order of its names, one sequence after the other, as a loop over steps takes it. */
export const sequencesOf = <T>(held: Held<T> | undefined): T[] => Object.values(held ?? {}).flatMap(({ where, value }) => [where, value])

/** The same again from one step of each of those sequences. */
export function atStep<T> (held: Held<T> | undefined, parts: readonly T[]): Held<T> | undefined {
  return held === undefined ? undefined : Object.fromEntries(Object.keys(held).map((name, n) => [name, { where: parts[2 * n], value: parts[2 * n + 1] }]))
}

/** Every tensor of it changed alike. */
export function mapped<T> (held: Held<T> | undefined, change: (x: T) => T): Held<T> | undefined {
  return held === undefined ? undefined : Object.fromEntries(Object.entries(held).map(([name, { where, value }]) => [name, { where: change(where), value: change(value) }]))
}
