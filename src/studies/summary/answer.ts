import { correlation, type CoMoments } from './co-moments.ts'
import { edges, field, histogram, unitsOf, type Moments } from './moments.ts'
import type { SummaryStudy } from './study.ts'
import { whole, type LayerSummary, type Summary, type TensorSummary } from './summary.ts'

/** Features that are named for each unit. */
const named = 3

/** Says what stands for a feature of an input. */
export type FeatureName = (input: string, index: number) => { readonly input?: string, readonly feature: string | number }

type Tree = Record<string, unknown>

/** An object whose members may have any name. */
const tree = (): Tree => Object.create(null) as Tree

/**
 * The members of an answer: for each layer, in place of a tensor, a list of what is known of each unit, or a list of such lists, one a step. `describe` opens
 * a layer (its type, its units).
 */
export function answerOf (summary: Summary, { by, low, high }: Pick<SummaryStudy, 'by' | 'low' | 'high'>, describe: (key: string) => object, nameOf: FeatureName): Tree {
  const layers = tree()
  for (const [key, layer] of summary.layers) {
    const own = layers[key] = Object.assign(tree(), describe(key), { axes: by === 'step' ? ['step', 'unit'] : ['unit'] })
    if (by === 'step') own.stepIndices = [...new Set([...layer.tensors.values()].flatMap((steps) => [...steps.keys()]))].sort((a, b) => a - b)
    addLayer(own, layer, own.stepIndices as number[] | undefined ?? [whole], nameOf)
  }
  return {
    batch: summary.batch,
    steps: summary.steps,
    summary: { low, high, by, edges },
    layers,
    receipt: summary.receipt,
    ...(summary.nonFinite === 0 ? {} : { nonFinite: summary.nonFinite })
  }
}

function addLayer (own: Tree, { tensors, co }: LayerSummary, steps: readonly number[], nameOf: FeatureName): void {
  for (const [name, tensor] of tensors) {
    put(own, name, shown(tensor, steps, unitOf))
    // What an LSTM keeps of its cell and a GRU of its state, a step.
    const keep = /^(.*?)gates\/(forget|update)$/.exec(name)
    if (keep !== null) put(own, `${keep[1]}halfLife`, shown(tensor, steps, halfLife))
  }
  for (const [place, inputs] of co) {
    if (inputs.size === 0) continue
    const [first] = inputs.values()
    put(own, `${place}follows`, Array.from(first.unit.mean, (_, unit) => followedBy(inputs, unit, nameOf)))
  }
}

/** A member by its path; what is on the way is made. */
function put (own: Tree, path: string, value: unknown): void {
  const parts = path.split('/')
  const last = parts.pop()!
  const place = parts.reduce((at, part) => (at[part] ??= tree()) as Tree, own)
  place[last] = value
}

/** `[unit]`, or `[step, unit]`. */
function shown (tensor: TensorSummary, steps: readonly number[], show: (moments: Moments, unit: number) => unknown): unknown {
  const each = steps.map((step) => {
    const moments = tensor.get(step)!
    return Array.from({ length: unitsOf(moments) }, (_, unit) => show(moments, unit))
  })
  return steps[0] === whole ? each[0] : each
}

function unitOf (moments: Moments, unit: number): object {
  const of = (name: Parameters<typeof field>[1]): number => field(moments, name)[unit]
  const count = of('count')
  const known = (value: number): number | null => count === 0 ? null : value
  const bins = edges.length + 1
  return {
    count,
    mean: known(of('mean')),
    m2: known(of('m2')),
    min: known(of('min')),
    max: known(of('max')),
    low: known(of('low') / count),
    high: known(of('high') / count),
    histogram: [...histogram(moments).subarray(unit * bins, (unit + 1) * bins)]
  }
}

/**
 * Steps after which half of a memory is left, ln(1/2) / ln(f), where f is the mean share that a step keeps; null where it does not fade (f is 1 or more), 0 where
 * nothing stays (f is 0 or less).
 */
function halfLife (moments: Moments, unit: number): number | null {
  const mean = field(moments, 'mean')[unit]
  if (field(moments, 'count')[unit] === 0 || mean >= 1) return null
  return mean <= 0 ? 0 : Math.log(0.5) / Math.log(mean)
}

/** The features that go up and down with a unit most, the strongest first. */
function followedBy (inputs: ReadonlyMap<string, CoMoments>, unit: number, nameOf: FeatureName): object[] {
  const all = [...inputs].flatMap(([input, co]) => Array.from(co.feature.mean, (_, index) => ({ input, index, value: correlation(co, index, unit) })))
  return all.filter((one): one is typeof one & { value: number } => one.value !== null)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, named)
    .map(({ input, index, value }) => ({ ...nameOf(input, index), correlation: value }))
}
