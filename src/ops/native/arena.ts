import { readBy, type Node } from './nodes.ts'
import type { Store } from './view.ts'

/** Floats of a line of the cache: where stores begin. */
const line = 16

/** Places for all that has none of its own, in one stretch of scratch memory: each free again after the last node that reads it. */
export function arrange (nodes: readonly Node[], elsewhere: ReadonlyMap<Store, number>): { offsets: ReadonlyMap<Store, number>, size: number } {
  const last = new Map<Store, number>()
  for (const [n, node] of nodes.entries()) for (const store of storesOf(node)) last.set(store, n)
  const offsets = new Map<Store, number>()
  const taken: { from: number, to: number, until: number }[] = []
  let size = 0
  for (const [n, node] of nodes.entries()) {
    for (const store of storesOf(node)) {
      const given = store.constant !== undefined || store.input !== undefined || store.placed !== undefined || elsewhere.has(store)
      if (given || offsets.has(store)) continue
      // The first gap that is wide enough; `taken` is in order.
      const wide = Math.ceil(store.size / line) * line
      let from = 0
      let at = 0
      for (; at < taken.length; at++) {
        if (taken[at].from - from >= wide) break
        from = Math.max(from, taken[at].to)
      }
      taken.splice(at, 0, { from, to: from + wide, until: last.get(store)! })
      offsets.set(store, from)
      size = Math.max(size, from + wide)
    }
    for (let k = taken.length - 1; k >= 0; k--) if (taken[k].until <= n) taken.splice(k, 1)
  }
  return { offsets, size }
}

/** What a node writes and reads, those of a loop's body included. */
function storesOf (node: Node): Store[] {
  const own = node.kind === 'scan'
    ? [...node.states, ...node.results].map(({ to }) => to.store).concat(node.body.flatMap(storesOf), node.body.flatMap((inner) => inner.kind !== 'scan' && inner.to.store.placed !== undefined ? [inner.to.store.placed.store] : []))
    : [node.to.store]
  return [...own, ...readBy(node).map(({ store }) => store)]
}
