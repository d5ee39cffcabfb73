import type { LayerLine, ModelAnswer } from '../../api/wire.ts'

/** An array as GET /models/:id/weights tells of it. */
export interface ArrayLine { readonly shape: readonly number[], readonly axes?: readonly string[] }

export interface ArrayStats { readonly norm: number | null, readonly mean: number | null, readonly min: number | null, readonly q05: number | null, readonly q25: number | null, readonly q50: number | null, readonly q75: number | null, readonly q95: number | null, readonly max: number | null }

export interface Stats {
  readonly arrays: Readonly<Record<string, ArrayStats>>
  readonly gates?: Readonly<Record<string, { readonly atRest: ArrayStats, readonly saturated: { readonly low: number, readonly high: number } | null }>>
  readonly halfLife?: { readonly gate: string, readonly steps: readonly (number | null)[] }
}

/** A layer of the answer: its own arrays, or layers inside it by their place. */
export type WeightsLayer = { readonly type: string } & Readonly<Record<string, unknown>>

export interface WeightsAnswer { readonly layers: Readonly<Record<string, WeightsLayer>> }

/** Arrays that stand together: those of a layer, of one direction, of one cell. */
export interface Group {
  /** What their names begin with: `lstm`, `bi/forward`, `rnn/cells/0`. */
  readonly path: string
  readonly type: string
  readonly gates: readonly { readonly letter: string, readonly gate: string }[]
  readonly equations: readonly string[]
  readonly arrays: Readonly<Record<string, ArrayLine>>
  readonly stats: Stats | null
}

/** The arrays of a layer of the answer, each direction and each cell by itself. */
export function groupsOf (path: string, layer: WeightsLayer): Group[] {
  const { type, weights, gateOrder = [], equations = [], stats = null, cells, ...inside } = layer as WeightsLayer & { weights?: Group['arrays'], gateOrder?: Group['gates'], equations?: Group['equations'], stats?: Stats, cells?: Readonly<Record<string, WeightsLayer>> }
  const own: Group[] = weights === undefined ? [] : [{ path, type, gates: gateOrder, equations, arrays: weights, stats }]
  const stacked = Object.entries(cells ?? {}).flatMap(([place, inner]) => groupsOf(`${path}/cells/${place}`, inner))
  return [...own, ...stacked, ...Object.entries(inside).flatMap(([place, inner]) => isLayer(inner) ? groupsOf(`${path}/${place}`, inner) : [])]
}

const isLayer = (value: unknown): value is WeightsLayer => typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

/** Arrays of one kind: `W` of every gate, or one array of a layer without gates. */
export interface Kind {
  readonly name: string
  readonly arrays: readonly { readonly name: string, readonly gate: string | null, readonly line: ArrayLine }[]
}

/** The arrays of a group by kind, gates in their order. */
export function kindsOf ({ gates, arrays }: Group): Kind[] {
  const byLetter = new Map(gates.map(({ letter, gate }) => [letter, gate]))
  const kinds = new Map<string, Kind['arrays'][number][]>()
  for (const [name, line] of Object.entries(arrays)) {
    const cut = gates.length > 1 ? name.lastIndexOf('_') : -1
    const gate = cut < 0 ? null : byLetter.get(name.slice(cut + 1)) ?? null
    const kind = gate === null ? name : name.slice(0, cut)
    kinds.set(kind, [...kinds.get(kind) ?? [], { name, gate, line }])
  }
  return [...kinds].map(([name, own]) => ({ name, arrays: own }))
}

/** Layers that leave each feature where it is. */
const passing = new Set(['Masking', 'Dropout', 'SpatialDropout1D', 'GaussianNoise', 'GaussianDropout', 'AlphaDropout', 'ActivityRegularization', 'Identity', 'BatchNormalization', 'Normalization', 'Rescaling'])

/** The names of what a layer reads, where that is the model's one input; null where it is something else, or has no names. */
export function featuresRead (model: ModelAnswer, layer: LayerLine): readonly string[] | null {
  if (model.features === undefined || model.inputs.length !== 1) return null
  const byKey = new Map(model.layers.flatMap((own) => own.calls.map((call) => [call.key, { type: own.type, call }] as const)))
  const reads = (key: string): boolean => {
    const found = byKey.get(key)
    return found !== undefined && (found.type === 'InputLayer' || (passing.has(found.type) && found.call.inbound.length === 1 && reads(found.call.inbound[0].key)))
  }
  const fromInput = layer.calls.length > 0 && layer.calls.every(({ inbound }) => inbound.length > 0 && reads(inbound[0].key))
  return fromInput ? model.features : null
}

/** How many numbers lie in each of `bins` equal parts between -scale and scale, both ends included; what is no finite number in none. */
export function histogram (data: ArrayLike<number>, scale: number, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0)
  for (let n = 0; n < data.length; n++) {
    const place = (data[n] / scale + 1) / 2
    if (place >= 0 && place <= 1) counts[Math.min(bins - 1, Math.floor(place * bins))]++
  }
  return counts
}
