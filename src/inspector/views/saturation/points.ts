import type { RecurrentLayer } from '../../api/wire.ts'

/** What the summary of /hidden-states says of one unit of a gate; null where every step is masked. */
export interface UnitSummary { readonly count: number, readonly mean: number | null, readonly min: number | null, readonly max: number | null, readonly low: number | null, readonly high: number | null }

/** One cell of a layer and its gates: most layers have one, a Bidirectional one each way, stacked cells one each. */
export interface GatedCell {
  /** Between the layer's key and the tensor: '' or `forward/`, `cells/0/`. */
  readonly place: string
  readonly gates: readonly string[]
}

/** The cells of a layer that have gates. */
export function gatedCells ({ key, tensors }: Pick<RecurrentLayer, 'key' | 'tensors'>): GatedCell[] {
  const cells = new Map<string, string[]>()
  for (const name of tensors) {
    const found = /^(.*?)gates\/([^/]+)$/.exec(name.slice(key.length + 1))
    if (found !== null) cells.set(found[1], [...cells.get(found[1]) ?? [], found[2]])
  }
  return [...cells].map(([place, gates]) => ({ place, gates }))
}

/** The gates of a cell in a layer of the summary's answer. */
export function gatesIn (layer: unknown, place: string): Readonly<Record<string, readonly UnitSummary[]>> {
  // A wrapped layer's name may hold a slash: the longest name that is there leads on.
  const follow = (at: unknown, rest: string): unknown => {
    if (rest === '') return at
    if (typeof at !== 'object' || at === null) return undefined
    const name = Object.keys(at).filter((own) => rest.startsWith(`${own}/`)).sort((a, b) => b.length - a.length)[0]
    return name === undefined ? undefined : follow((at as Record<string, unknown>)[name], rest.slice(name.length + 1))
  }
  return (follow(layer, place) as { gates?: Record<string, readonly UnitSummary[]> } | undefined)?.gates ?? {}
}

/** Units that stand at one place of the scatter: `high` of their values are above the threshold, `low` below. */
export interface Spot { readonly high: number, readonly low: number, readonly units: readonly number[] }

/** Where the units of a gate stand; those that no step was counted of stand nowhere. */
export function spotsOf (units: readonly UnitSummary[]): Spot[] {
  const spots = new Map<string, { high: number, low: number, units: number[] }>()
  for (const [unit, { low, high }] of units.entries()) {
    if (low === null || high === null) continue
    const spot = spots.get(`${high} ${low}`) ?? { high, low, units: [] }
    spots.set(`${high} ${low}`, spot)
    spot.units.push(unit)
  }
  return [...spots.values()]
}

/** Units in words, not more than a dozen. */
export const unitWords = (units: readonly number[]): string => `unit${units.length === 1 ? '' : 's'} ${units.slice(0, 12).join(', ')}${units.length > 12 ? ` and ${units.length - 12} more` : ''}`
