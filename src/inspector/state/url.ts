import { computed, signal } from '@preact/signals'

/** The page's address is its state: every view has a URL, and what a reader chose stands in its query. */
const query = signal(new URLSearchParams(location.search))

/** What stands behind the query: the inputs that the address carries (input/address.ts). Changed by `go` alone. */
export const hash = signal(location.hash)

addEventListener('popstate', () => {
  clearTimeout(waiting)
  waiting = undefined
  query.value = new URLSearchParams(location.search)
  hash.value = location.hash
})

/** Browsers refuse an address that changes hundreds of times in ten seconds, as a slider's would: one that changes again so soon is written a little later. */
const apart = 200
let written = 0
let waiting: ReturnType<typeof setTimeout> | undefined
const write = (): void => {
  clearTimeout(waiting)
  waiting = undefined
  written = Date.now()
  history.replaceState(null, '', `${location.pathname}${hrefOf(query.value)}${hash.value}`)
}
addEventListener('pagehide', () => { if (waiting !== undefined) write() })

/** The value of one parameter; `fallback` where the address has none. */
export const param = (name: string, fallback = ''): string => query.value.get(name) ?? fallback

/** A whole number of the address, `fallback` where it has none or no such number, held between `from` and `to` inclusive. */
export function whole (name: string, fallback: number, from = 0, to = Number.MAX_SAFE_INTEGER): number {
  const given = query.value.get(name)
  const value = given === null || !/^-?\d+$/.test(given) ? fallback : Number(given)
  return Math.max(from, Math.min(to, value))
}

/** A number of the address, or null. */
export function number (name: string): number | null {
  const given = query.value.get(name)
  const value = given === null || given === '' ? Number.NaN : Number(given)
  return Number.isFinite(value) ? value : null
}

/**
 * Changes parameters; null removes one. A choice of another model or view is a step of the browser's history, a smaller one is not.
 * @param carried what shall stand behind the query; as it is unless given
 */
export function go (changes: Readonly<Record<string, string | number | null>>, step = false, carried = hash.value): void {
  const next = new URLSearchParams(query.value)
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') next.delete(name)
    else next.set(name, String(value))
  }
  if (step) {
    if (waiting !== undefined) write()
    query.value = next
    hash.value = carried
    history.pushState(null, '', `${location.pathname}${hrefOf(next)}${carried}`)
    return
  }
  query.value = next
  hash.value = carried
  if (Date.now() - written > apart) write()
  else waiting ??= setTimeout(write, apart)
}

/** Looks at another model, in the same view: whatever else was chosen, inputs too, was chosen of the one before. */
export function open (model: string): void {
  const others = [...query.value.keys()].filter((name) => name !== 'model' && name !== 'view')
  go({ ...Object.fromEntries(others.map((name) => [name, null])), model }, true, '')
}

/** The address with `changes`, for a link. */
export function link (changes: Readonly<Record<string, string | null>>): string {
  const next = new URLSearchParams(query.value)
  for (const [name, value] of Object.entries(changes)) value === null ? next.delete(name) : next.set(name, value)
  return `${hrefOf(next)}${hash.value}`
}

const hrefOf = (parameters: URLSearchParams): string => `?${parameters.toString()}`

/** The id of the model that is looked at, '' before one is chosen. */
export const modelId = computed(() => param('model'))
