import type { Cell, CellCall } from '../cells/cell.ts'
import type { Layer } from '../model.ts'
import { activation } from '../ops/activations.ts'
import { fromValues, plainOps, type Plain } from '../ops/plain/ops.ts'
import type { NamedWeight } from './gates.ts'

/** A gate counts as saturated in the outer tenths of what its activation can give. */
const thresholds = { low: 0.1, high: 0.9 }

/** Where NumPy's `quantile` has them: between two entries, linearly. */
const quantiles = { min: 0, q05: 0.05, q25: 0.25, q50: 0.5, q75: 0.75, q95: 0.95, max: 1 } as const

type Spread = Record<keyof typeof quantiles, number>
type Numbers = Float32Array | Float64Array

function spread (values: Numbers): Spread {
  const sorted = values.slice().sort()
  // Nothing lies in order beside what is no number; such entries are sorted behind all others.
  const unordered = Number.isNaN(sorted[sorted.length - 1])
  const at = (share: number): number => {
    const place = share * (sorted.length - 1)
    const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]]
    return unordered ? NaN : low === high ? low : low + (high - low) * (place - Math.floor(place))
  }
  return Object.fromEntries(Object.entries(quantiles).map(([name, share]) => [name, at(share)])) as Spread
}

function sumOf (values: Numbers, each: (value: number) => number = (value) => value): number {
  let sum = 0
  for (const value of values) sum += each(value)
  return sum
}

const mean = (values: Numbers): number => sumOf(values) / values.length

/** By the name of an array: its Frobenius norm, its mean, and how its entries lie. In float64; what is not finite is null in JSON. */
export function arrayStats (weights: readonly Pick<NamedWeight, 'name' | 'weight'>[]): { arrays: Record<string, { norm: number, mean: number } & Spread> } {
  return {
    arrays: Object.fromEntries(weights.map(({ name, weight: { data } }) => [name, { norm: Math.sqrt(sumOf(data, (value) => value * value)), mean: mean(data), ...spread(data) }]))
  }
}

/**
 * What a cell's weights say of it at rest, at x = 0 and h = 0, where the biases alone decide: by gate what the units' gates are and which share of them is
 * saturated, and how long a unit's memory lasts.
 */
export function cellStats (layer: Layer, cell: Cell, keras: 1 | 2 | 3): object {
  const rest = atRest(layer, cell, keras)
  const gates = Object.fromEntries(cell.gates.map(({ gate }) => {
    const values = rest[gate]
    return [gate, { atRest: { mean: mean(values), ...spread(values) }, saturated: saturated(values, rangeOf(layer, gate, keras)) }]
  }))
  const keeper = ['forget', 'update'].find((gate) => gate in rest)
  return { gates, thresholds, halfLife: keeper === undefined ? undefined : { gate: keeper, ...halfLives(rest[keeper]) } }
}

/** Every gate of every unit, computed by the cell itself. */
function atRest (layer: Layer, cell: Cell, keras: 1 | 2 | 3): Record<string, Float64Array> {
  const ops = plainOps()
  const call: CellCall<Plain> = { ops, layer, keras, weights: Object.fromEntries(Object.entries(layer.weights).map(([name, weight]) => [name, fromValues(weight)])) }
  const { kernel: { shape }, recurrent_kernel: { shape: recurrent } } = layer.weights
  const units = recurrent[recurrent.length - 2]
  // The smallest image that a convolution has a place on; of zeros every place hears the same.
  const image = shape.slice(0, -2).map((size, axis) => (size - 1) * dilation(layer, axis) + 1)
  const x = [1, ...image, shape[shape.length - 2]]
  const projected = cell.project(call, ops.constant(new Float32Array(x.reduce((a, b) => a * b)), x))
  const zeros = ops.fill(ops.slice(projected, -1, 0, units), 0)
  const { gates } = cell.compute(call, projected, cell.states.map(() => zeros))
  return Object.fromEntries(Object.entries(gates).map(([gate, { data }]) => [gate, data.slice(0, units)]))
}

function dilation ({ config }: Layer, axis: number): number {
  const rate = [config.dilation_rate ?? 1].flat() as number[]
  return rate[axis] ?? rate[0]
}

type Range = readonly [low: number, high: number]

/** What a gate's activation comes to at both ends; null where it has no end. */
function rangeOf ({ config }: Layer, gate: string, keras: 1 | 2 | 3): Range | null {
  const given = activation(plainOps(), gate === 'candidate' ? config.activation : config.recurrent_activation, keras)
  const at = (x: number): number => given({ shape: [1, 1], data: Float64Array.of(x) }).data[0]
  const [low, high] = [at(-1e6), at(1e6)]
  const ends = Math.abs(at(-2e6) - low) < 1e-5 && Math.abs(at(2e6) - high) < 1e-5
  return ends && low < high ? [low, high] : null
}

function saturated (values: Float64Array, range: Range | null): { low: number, high: number } | null {
  if (range === null) return null
  const [low, high] = range
  const share = (value: number): number => (value - low) / (high - low)
  const count = (is: (place: number) => boolean): number => values.filter((value) => is(share(value))).length / values.length
  return { low: count((place) => place <= thresholds.low), high: count((place) => place >= thresholds.high) }
}

/**
 * Steps until half of a unit's memory is left, where each step leaves the share f of it: ln(1/2) / ln f. An f of 1 or more (or one that is no number)
 * never leaves half: infinite, null in JSON. An f of 0 or less leaves nothing as it was: 0.
 */
function halfLives (kept: Float64Array): { steps: number[] } & Spread {
  const steps = kept.map((f) => f <= 0 ? 0 : f < 1 ? Math.log(0.5) / Math.log(f) : Infinity)
  return { steps: [...steps], ...spread(steps) }
}
