import type { Curves } from './cell.ts'
import { clusterOrder } from './cluster.ts'

/** A worker of its own: half a thousand units take seconds, in which the page must not stand still. */
addEventListener('message', ({ data: { curves, mask } }: MessageEvent<{ curves: Curves, mask: Uint8Array | null }>) => {
  postMessage(clusterOrder(curves, mask))
})
