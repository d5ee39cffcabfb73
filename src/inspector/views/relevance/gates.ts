import type { RecurrentLayer } from '../../api/wire.ts'

/** One gate of a layer as POST /hidden-states names it: `lstm` and `forget`, `bi/forward` and `input`. */
export interface Gate {
  readonly layer: string
  readonly gate: string
  /** For a reader: the gate, and which of the layer's cells it is in where there are several. */
  readonly title: string
}

/** The gates of a layer, cell by cell, from the names of its tensors. */
export function gatesOf ({ key, tensors }: RecurrentLayer): Gate[] {
  return tensors.flatMap((name) => {
    const at = name.lastIndexOf('/gates/')
    if (at < 0 || !name.startsWith(key)) return []
    const [layer, gate] = [name.slice(0, at), name.slice(at + '/gates/'.length)]
    const place = layer.slice(key.length + 1)
    return [{ layer, gate, title: place === '' ? gate : `${place} ${gate}` }]
  })
}

/** What a gate is held at: what each of its units is on average, or one number for all. */
export const holds = ['mean', '0', '1'] as const
export type Hold = typeof holds[number]

type Tree = Readonly<Record<string, unknown>>

/** The means of a gate's units in the answer to `meansCall`; null where no step was read. */
export function meansOf ({ layers }: { readonly layers: Tree }, { key }: RecurrentLayer, { layer, gate }: Gate): number[] | null {
  const place = layer.slice(key.length + 1).split('/').filter((part) => part !== '')
  const cell = place.reduce<unknown>((at, part) => (at as Tree | undefined)?.[part], layers[key]) as { gates?: Readonly<Record<string, readonly { mean: number | null }[]>> } | undefined
  const units = cell?.gates?.[gate]?.map(({ mean }) => mean)
  return units === undefined || units.some((mean) => typeof mean !== 'number') ? null : units as number[]
}

/** Which step is t-1 for each sequence: the last one that the layer does not mask; -1 where it masks all. */
export function lastSteps (mask: readonly (readonly unknown[])[] | undefined, count: number, steps: number): number[] {
  return Array.from({ length: count }, (_, n) => mask?.[n] === undefined ? steps - 1 : mask[n].findLastIndex((read) => read === true || read === 1))
}

/** The steps that are among the last `window` of any sequence, the last first: each is held in a run of its own. */
export function stepsToHold (last: readonly number[], window: number): number[] {
  return [...new Set(last.flatMap((end) => Array.from({ length: Math.min(window, end + 1) }, (_, n) => end - n)))].sort((a, b) => b - a)
}

/**
 * The number of an output that POST /relevance explains too, of one sequence: of an output with steps that at `last`, where they are those of the layer; else the last. Null
 * where it has no such unit, or is not finite.
 */
export function pick (sequence: unknown, index: number, last: number, steps: number): number | null {
  let at = sequence
  if (Array.isArray(at) && Array.isArray(at[0]) && at.length === steps) at = at[last < 0 ? steps - 1 : last]
  while (Array.isArray(at) && Array.isArray(at[0])) at = at.at(-1)
  const value = Array.isArray(at) ? at[index] : at
  return typeof value === 'number' ? value : null
}

/** What holding one gate at one lag does to one sequence. */
export interface Effect { readonly sequence: number, readonly gate: Gate, readonly lag: string, readonly without: number, readonly held: number, readonly change: number }

/** The mean absolute change of a gate at a lag, and of how many sequences. */
export interface Cell { readonly gate: Gate, readonly lag: string, readonly change: number, readonly count: number }

/** Cells of a picture from the effects of one sequence (signed) or of several (mean absolute). */
export function cellsOf (effects: readonly Effect[], single: boolean): Cell[] {
  const groups = new Map<string, Effect[]>()
  for (const effect of effects) {
    const key = JSON.stringify([effect.gate.title, effect.lag])
    groups.set(key, [...groups.get(key) ?? [], effect])
  }
  return [...groups.values()].map((group) => ({
    gate: group[0].gate,
    lag: group[0].lag,
    change: single ? group[0].change : group.reduce((sum, { change }) => sum + Math.abs(change), 0) / group.length,
    count: group.length
  }))
}
