import { divergingAt, type Theme } from '../../charts/palette.ts'
import type { Curves } from './cell.ts'

/** Cells that are seen: steps and rows (units in the order they are sorted), `to` after the last. */
export interface Seen { readonly fromStep: number, readonly toStep: number, readonly fromRow: number, readonly toRow: number }

const shades = 1023

/** Of a number that is not finite: a colour that no scale has. */
export const notFinite: readonly [number, number, number] = [200, 0, 200]

/** The colours from -limit to limit as little-endian pixels; the last one is of what is not finite. */
export function shadesOf (theme: Theme): Uint32Array {
  const pixel = ([red, green, blue]: readonly number[]): number => (255 << 24 | blue << 16 | green << 8 | red) >>> 0
  return Uint32Array.from({ length: shades + 1 }, (_, n) => pixel(n === shades ? notFinite : divergingAt(theme, n / (shades - 1) * 2 - 1)))
}

/**
 * The ends of a scale that is symmetric around 0. `limit` is 1 for states and gates that an activation holds within it, so that pictures compare; the largest magnitude
 * there is for a cell, which nothing holds, for what goes beyond 1, and wherever the reader wants it. `low` is -limit, or 0 for a gate that is never below.
 */
export function scaleOf (tensor: string, { values }: Curves, own: boolean): { low: number, limit: number } {
  let most = 0
  let least = 0
  for (const value of values) {
    if (!Number.isFinite(value)) continue
    most = Math.max(most, Math.abs(value))
    least = Math.min(least, value)
  }
  const held = tensor !== 'cell' && !own && most <= 1
  const limit = held || most === 0 ? 1 : most
  return { limit, low: least === 0 && tensor.startsWith('gates/') && tensor !== 'gates/candidate' ? 0 : -limit }
}

/** The values `[row, step]`, a row a unit in `order`: what is beside another in the picture is so in memory, which is most of the speed of `paint`. */
export function rowsOf ({ steps, units, values }: Curves, order: ArrayLike<number>): Float32Array {
  const rows = new Float32Array(values.length)
  for (let row = 0; row < units; row++) {
    const unit = order[row]
    for (let step = 0; step < steps; step++) rows[row * steps + step] = values[step * units + unit]
  }
  return rows
}

/**
 * A picture of `seen` of at most `width` x `height` pixels: one a cell, or where there are more cells than pixels the mean of those that share one.
 * @param rows `[row, step]`
 */
export function paint (rows: Float32Array, steps: number, { fromStep, toStep, fromRow, toRow }: Seen, limit: number, colours: Uint32Array, width: number, height: number): { width: number, height: number, pixels: Uint32Array } {
  const [across, down] = [toStep - fromStep, toRow - fromRow]
  const [columns, lines] = [Math.min(width, across), Math.min(height, down)]
  const edges = Uint32Array.from({ length: columns + 1 }, (_, column) => Math.floor(column * across / columns))
  const pixels = new Uint32Array(columns * lines)
  const half = (shades - 1) / 2
  for (let line = 0; line < lines; line++) {
    const [first, last] = [fromRow + Math.floor(line * down / lines), fromRow + Math.floor((line + 1) * down / lines)]
    for (let column = 0; column < columns; column++) {
      const [from, to] = [fromStep + edges[column], fromStep + edges[column + 1]]
      let sum = 0
      for (let row = first; row < last; row++) for (let step = from; step < to; step++) sum += rows[row * steps + step]
      const share = sum / ((last - first) * (to - from) * limit)
      // A number less itself is 0, unless it is not finite.
      pixels[line * columns + column] = colours[share - share !== 0 ? shades : share >= 1 ? shades - 1 : share <= -1 ? 0 : Math.round((share + 1) * half)]
    }
  }
  return { width: columns, height: lines, pixels }
}
