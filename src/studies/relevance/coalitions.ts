import type { Values } from '../../model.ts'
import type { Batch } from '../../request/probe.ts'
import type { Players } from './players.ts'

/** A set of players, a bit each. */
export type Coalition = number

/** The coalition of everybody. */
export const everybody = ({ names }: Players): Coalition => 2 ** names.length - 1

/** One run to make: a sequence of the batch, with these players there. */
export interface Row { readonly sequence: number, readonly coalition: Coalition }

/**
 * The rows as one batch: each sequence with the steps of its coalition as they are, and those of the other players from the baseline
 * (`[1 | batch, step, ...]`). Steps without a player, and inputs without a baseline, stay.
 */
export function batchOf (batch: Batch, baseline: Readonly<Record<string, Values>>, { of }: Players, rows: readonly Row[]): Batch {
  const inputs = Object.fromEntries(Object.entries(batch.inputs).map(([name, { shape, data }]) => {
    const each = data.length / batch.size
    const result = new Float32Array(rows.length * each)
    rows.forEach(({ sequence }, n) => result.set(data.subarray(sequence * each, (sequence + 1) * each), n * each))
    if (Object.hasOwn(baseline, name)) {
      const { shape: [sequences], data: absent } = baseline[name]
      const steps = shape[1]
      const size = each / steps
      rows.forEach(({ sequence, coalition }, n) => {
        const from = sequences === 1 ? 0 : sequence * each
        for (let step = 0; step < steps; step++) {
          const player = of[sequence * steps + step]
          if (player < 0 || (coalition >> player) % 2 === 1) continue
          result.set(absent.subarray(from + step * size, from + (step + 1) * size), n * each + step * size)
        }
      })
    }
    return [name, { shape: shape.with(0, rows.length), data: result }]
  }))
  return { inputs, initial: {}, size: rows.length }
}
