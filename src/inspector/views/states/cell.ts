import type { RecurrentLayer, Tensor, Tensors } from '../../api/wire.ts'

/** One cell of a layer and what it has at every step: most layers have one, a Bidirectional one each way, stacked cells one each. */
export interface Cell {
  /** Between the layer's key and the tensor: '' or `forward/`, `cells/0/`, `sentence/lstm/`. */
  readonly place: string
  /** `hidden`, `cell`, `gates/forget`. */
  readonly tensors: readonly string[]
}

/** The values of one tensor in one sequence. */
export interface Curves {
  readonly steps: number
  readonly units: number
  /** `[step, unit]`. */
  readonly values: Float32Array
}

/** Where the curves stand on the axes that are neither step nor unit: `{batch: 0, row: 2}`. */
export type Place = Readonly<Record<string, number>>

/** The cells of a layer that have states at every step. */
export function cellsOf ({ key, tensors }: Pick<RecurrentLayer, 'key' | 'tensors'>): Cell[] {
  const cells = new Map<string, string[]>()
  for (const name of tensors) {
    const found = /^(.*?)(hidden|cell|gates\/[^/]+)$/.exec(name.slice(key.length + 1))
    if (found === null || /(^|\/)final\/$/.test(found[1])) continue
    const [, place, tensor] = found
    cells.set(place, [...cells.get(place) ?? [], tensor])
  }
  return [...cells].map(([place, own]) => ({ place, tensors: own }))
}

/** The axes of `tensor` of a layer that must be chosen on: all but step and unit. */
export const axesToChoose = (axes: readonly string[]): string[] => axes.filter((axis) => axis !== 'step' && axis !== 'unit')

/** Steps and units of `tensor` at one place of its other axes. Its last axis is the unit. */
export function curvesOf ({ shape, data }: Tensor, axes: readonly string[], place: Place): Curves {
  const strides = shape.map((_, n) => shape.slice(n + 1).reduce((a, b) => a * b, 1))
  const stepAxis = axes.indexOf('step')
  const start = axes.reduce((sum, axis, n) => n === stepAxis || axis === 'unit' ? sum : sum + (place[axis] ?? 0) * strides[n], 0)
  const [steps, units] = [shape[stepAxis], shape[shape.length - 1]]
  if (strides[stepAxis] === units) return { steps, units, values: data.subarray(start, start + steps * units) as Float32Array }
  const values = new Float32Array(steps * units)
  for (let step = 0; step < steps; step++) values.set(data.subarray(start + step * strides[stepAxis], start + step * strides[stepAxis] + units) as Float32Array, step * units)
  return { steps, units, values }
}

/** The mask that the cell read at `place`, `[step]`, 0 where a step was passed over; null where there is none. It is the cell's own, or that of what is around it. */
export function maskOf ({ tensors }: Tensors, key: string, cell: Cell, axes: readonly string[], place: Place): Uint8Array | null {
  const path = `${key}/${cell.place}`.split('/').slice(0, -1)
  for (let length = path.length; length > 0; length--) {
    const mask = tensors.get(`${path.slice(0, length).join('/')}/mask`)
    if (mask === undefined) continue
    const steps = mask.shape[mask.shape.length - 1]
    const outer = axes.slice(0, axes.indexOf('step'))
    const row = outer.reduce((sum, axis, n) => sum * mask.shape[n] + (place[axis] ?? 0), 0)
    return (mask.data as Uint8Array).subarray(row * steps, (row + 1) * steps)
  }
  return null
}

/** Runs of steps that the cell passed over, `to` after the last. */
export function maskedRuns (mask: Uint8Array | null): { from: number, to: number }[] {
  return mask === null ? [] : runs(mask.length, (step) => mask[step] === 0)
}

/** Spans of steps at each of which `unit` is above `threshold`, none of which could be longer; masked steps belong to none. As POST /search counts them. */
export function spansAbove ({ steps, units, values }: Curves, mask: Uint8Array | null, unit: number, threshold: number): { from: number, to: number }[] {
  return runs(steps, (step) => mask?.[step] !== 0 && values[step * units + unit] > threshold)
}

function runs (steps: number, holds: (step: number) => boolean): { from: number, to: number }[] {
  const found: { from: number, to: number }[] = []
  for (let step = 0, from = -1; step <= steps; step++) {
    const on = step < steps && holds(step)
    if (on && from < 0) from = step
    if (!on && from >= 0) {
      found.push({ from, to: step })
      from = -1
    }
  }
  return found
}
