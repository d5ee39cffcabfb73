import { edges } from '../../../src/studies/summary/moments.ts'

/** What /hidden-states gave for some sequences: tensors by path, nested. */
export interface Traced { readonly layers: Readonly<Record<string, object>> }

type Nested = number | readonly Nested[]
export interface Known { readonly name: string, readonly values: Nested, readonly mask: Nested | null, readonly depth: number }

/** Every per-step tensor of a layer with the mask beside it, or beside what it is in; `depth` are the axes before the step. */
export function tensorsIn (layer: object, depthOf: (name: string) => number): Known[] {
  const found: Known[] = []
  const walk = (place: object, path: readonly string[], mask: Nested | null): void => {
    const own = 'mask' in place ? place.mask as Nested : mask
    for (const [name, value] of Object.entries(place)) {
      const at = [...path, name]
      if (['type', 'units', 'axes', 'stepIndices', 'mask', 'final'].includes(name)) continue
      if (Array.isArray(value)) found.push({ name: at.join('/'), values: value as Nested, mask: own, depth: depthOf(at.join('/')) })
      else if (typeof value === 'object' && value !== null) walk(value, at, own)
    }
  }
  walk(layer, [], null)
  return found
}

/** The values of each unit at unmasked steps: `[step][unit]` -> list. Axes after the step and before the unit are places of an image. */
export function valuesOf ({ values, mask, depth }: Known): number[][][] {
  const steps: number[][][] = []
  const leaves = (here: Nested, into: number[][]): void => {
    if (typeof (here as readonly Nested[])[0] === 'number') (here as readonly number[]).forEach((x, unit) => { (into[unit] ??= []).push(x) })
    else for (const one of here as readonly Nested[]) leaves(one, into)
  }
  const walk = (here: Nested, seen: Nested | null, left: number): void => {
    (here as readonly Nested[]).forEach((one, n) => {
      const own = seen === null ? null : (seen as readonly Nested[])[n]
      if (left > 0) walk(one, own, left - 1)
      else if (own === null || own === 1 || (own as unknown) === true) leaves(one, steps[n] ??= [])
      else steps[n] ??= []
    })
  }
  walk(values, mask, depth)
  return steps
}

/** The same numbers as an answer has them, in long hand. */
export function statistics (values: readonly number[], low: number, high: number): object {
  const count = values.length
  const histogram = Array.from({ length: edges.length + 1 }, (_, n) => values.filter((x) => (n === 0 || x >= edges[n - 1]) && (n === edges.length || x < edges[n])).length)
  if (count === 0) return { count, mean: null, m2: 0, min: null, max: null, low: null, high: null, histogram }
  const mean = values.reduce((a, b) => a + b, 0) / count
  return {
    count,
    mean,
    m2: values.reduce((sum, x) => sum + (x - mean) ** 2, 0),
    min: Math.min(...values),
    max: Math.max(...values),
    low: values.filter((x) => x < low).length / count,
    high: values.filter((x) => x > high).length / count,
    histogram
  }
}

/** Pearson's correlation in long hand; null where one side never changes. */
export function pearson (xs: readonly number[], ys: readonly number[]): number | null {
  const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length
  const [mx, my] = [mean(xs), mean(ys)]
  const spread = Math.sqrt(xs.reduce((sum, x) => sum + (x - mx) ** 2, 0) * ys.reduce((sum, y) => sum + (y - my) ** 2, 0))
  return spread === 0 ? null : xs.reduce((sum, x, n) => sum + (x - mx) * (ys[n] - my), 0) / spread
}
