import { useMemo } from 'preact/hooks'
import { useAsk, type Asked } from '../../api/use-ask.ts'
import { param, whole } from '../../state/url.ts'
import type { Curves } from './cell.ts'
import { mostClustered, orderOf, sorts, type Sort } from './order.ts'

let asks = 0

/** The units of `curves` as the address sorts them. While they are being clustered they stand by their index. */
export function useOrder (curves: Curves, mask: Uint8Array | null): { order: Uint32Array, sort: Sort, asked: Asked<unknown>, enough: boolean } {
  const enough = curves.units <= mostClustered
  const wanted = param('sort', 'index')
  const sort: Sort = Object.hasOwn(sorts, wanted) && (wanted !== 'clusters' || enough) ? wanted as Sort : 'index'
  const step = sort === 'step' ? whole('step', 0, 0, curves.steps - 1) : 0
  const key = useMemo(() => String(asks++), [curves, mask])
  const asked = useAsk(sort === 'clusters' ? key : null, async (signal) => await clusters(curves, mask, signal))
  const order = useMemo(
    () => asked.answer !== null ? Uint32Array.from(asked.answer) : orderOf(curves, mask, sort === 'clusters' ? 'index' : sort, step),
    [curves, mask, sort, step, asked.answer])
  return { order, sort, asked, enough }
}

/** The order of `clusterOrder`, found beside the page: it stays smooth meanwhile. */
async function clusters (curves: Curves, mask: Uint8Array | null, signal: AbortSignal): Promise<number[]> {
  const worker = new Worker(new URL('inspector/cluster.js', document.baseURI), { type: 'module' })
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<number[]>) => resolve(data)
      worker.onerror = (event) => reject(new Error(`The units could not be clustered: ${event.message}`))
      signal.addEventListener('abort', () => reject(new Error('no longer wanted')))
      // A copy of this sequence alone: the view may be of a larger answer.
      worker.postMessage({ curves: { ...curves, values: curves.values.slice() }, mask: mask?.slice() ?? null })
    })
  } finally {
    worker.terminate()
  }
}
