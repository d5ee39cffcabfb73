import { computed, signal } from '@preact/signals'
import { go, number, param, whole } from '../../state/url.ts'

/** What the pointer is on in any picture of the view; its unit is null over pictures that have none. */
export const hovered = signal<{ readonly step: number, readonly unit: number | null } | null>(null)

/** The step and unit that all pictures show: what the pointer is on, else what the address says. */
export const pointer = computed(() => ({ step: hovered.value?.step ?? whole('step', 0), unit: hovered.value?.unit ?? whole('unit', 0) }))

/** The first and the last that are seen, of steps and of rows; null: all. */
export interface Range { readonly from: number, readonly to: number }
export interface Zoom {
  readonly steps: Range | null
  readonly rows: Range | null
  /** The chart that was zoomed by hand: it is there already. */
  readonly by: unknown
}

/** What all pictures of the view are zoomed to. */
export const zoom = signal<Zoom>({ steps: null, rows: null, by: null })

/** Begins with what the address says. Returns how to leave: what was not yet written there is not written to what is looked at next. */
export function begin (): () => void {
  hovered.value = null
  zoom.value = { steps: rangeOf(param('steps')), rows: rangeOf(param('rows')), by: null }
  return () => clearTimeout(settling)
}

let settling: ReturnType<typeof setTimeout> | undefined

/** Zooms all pictures, and writes it into the address when it stands still: all of the view looks at the address, and need not at every frame. */
export function setZoom (next: Zoom): void {
  zoom.value = next
  clearTimeout(settling)
  settling = setTimeout(() => go({ steps: textOf(next.steps), rows: textOf(next.rows) }), 200)
}

const textOf = (range: Range | null): string | null => range === null ? null : `${range.from}-${range.to}`

function rangeOf (text: string): Range | null {
  const found = /^(\d{1,9})-(\d{1,9})$/.exec(text)
  return found === null || Number(found[1]) > Number(found[2]) ? null : { from: Number(found[1]), to: Number(found[2]) }
}

/** As the service's searches have it at first. */
const firstThreshold = 0.3

/** Where the threshold is while it is being moved; null: where the address says. */
export const moving = signal<number | null>(null)
export const settledThreshold = computed(() => number('threshold') ?? firstThreshold)
export const threshold = computed(() => moving.value ?? settledThreshold.value)

/** Leaves the threshold where it was moved to. */
export function settleThreshold (value: number): void {
  go({ threshold: value })
  moving.value = null
}
