import type { EChartsType, Option } from '../../charts/echarts.ts'
import type { Theme } from '../../charts/palette.ts'
import { setZoom, zoom, type Range } from './signals.ts'

/** Left and right of every picture, so that a step stands at one place in all of them. */
export const sides = { left: 46, right: 14 }

/** One line of a category axis that is zoomed with all others; the wheel scrolls the page unless a key is held. */
export function zoomOf (axis: 'steps' | 'rows', count: number, of: Record<string, unknown>): Record<string, unknown> {
  return {
    id: axis,
    type: 'inside',
    ...of,
    filterMode: 'none',
    zoomOnMouseWheel: axis === 'steps' ? 'ctrl' : 'shift',
    moveOnMouseMove: true,
    moveOnMouseWheel: false,
    ...percentOf(zoom.peek()[axis], count)
  }
}

export function stepAxis (labels: readonly string[], theme: Theme, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { type: 'category', data: labels, axisLabel: { color: theme.text }, axisTick: { show: false }, axisLine: { lineStyle: { color: theme.text } }, ...more }
}

/** Keeps a chart zoomed as the others are. counts: how many there are on each axis that it has. Returns how to leave. */
export function followZoom (chart: EChartsType, counts: () => { readonly steps: number, readonly rows?: number }): () => void {
  chart.on('datazoom', (event) => {
    const { batch } = event as { batch?: readonly { dataZoomId?: string, start?: number, end?: number }[] }
    const changes: { steps?: Range | null, rows?: Range | null } = {}
    for (const { dataZoomId, start, end } of batch ?? []) {
      if ((dataZoomId !== 'steps' && dataZoomId !== 'rows') || start === undefined || end === undefined) continue
      const last = (counts()[dataZoomId] ?? 1) - 1
      const range = { from: Math.round(start / 100 * last), to: Math.round(end / 100 * last) }
      changes[dataZoomId] = range.from === 0 && range.to === last ? null : range
    }
    if (Object.keys(changes).length > 0) setZoom({ ...zoom.peek(), ...changes, by: chart })
  })
  let drawn = zoom.peek()
  let waiting = 0
  let onScreen = true
  const catchUp = (): void => {
    waiting = 0
    const now = zoom.peek()
    if (!onScreen || now === drawn) return
    drawn = now
    // By hand it is so already.
    if (now.by === chart) return
    const all = counts()
    const batch = [{ dataZoomId: 'steps', ...percentOf(now.steps, all.steps) }]
    if (all.rows !== undefined) batch.push({ dataZoomId: 'rows', ...percentOf(now.rows, all.rows) })
    // Without the event that would bring it back here.
    chart.dispatchAction({ type: 'dataZoom', batch }, { silent: true })
  }
  // At most once a frame, and not where nobody sees it: of eight large pictures two or three are on the screen.
  const schedule = (): void => { if (waiting === 0) waiting = requestAnimationFrame(catchUp) }
  const watch = new IntersectionObserver(([entry]) => {
    onScreen = entry.isIntersecting
    if (onScreen) schedule()
  }, { rootMargin: '100px' })
  watch.observe(chart.getDom())
  const leave = zoom.subscribe(schedule)
  return () => {
    leave()
    watch.disconnect()
    cancelAnimationFrame(waiting)
  }
}

/** As a data zoom has it, in hundredths of the way from the first to the last. */
function percentOf (range: Range | null, count: number): { start: number, end: number } {
  if (range === null || count < 2) return { start: 0, end: 100 }
  const last = count - 1
  const from = Math.min(range.from, last)
  return { start: from / last * 100, end: Math.min(Math.max(range.to, from), last) / last * 100 }
}

/** A series of spans of steps over the whole height, exactly from edge to edge: masked steps, or those above a threshold. */
export function bands (name: string, runs: readonly { readonly from: number, readonly to: number }[], style: Record<string, unknown>, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    type: 'custom',
    name,
    silent: true,
    clip: true,
    z: 1,
    data: runs.map(({ from, to }) => [from, 0, to]),
    encode: { x: 0, y: 1 },
    ...more,
    renderItem: ({ coordSys }: { coordSys: { x: number, y: number, width: number, height: number } }, api: BandApi) => {
      const width = api.size([1, 0])[0]
      const left = api.coord([api.value(0), 0])[0] - width / 2
      const right = left + width * (api.value(2) - api.value(0))
      const [from, to] = [Math.max(left, coordSys.x), Math.min(right, coordSys.x + coordSys.width)]
      return from >= to ? null : { type: 'rect', shape: { x: from, y: coordSys.y, width: to - from, height: coordSys.height }, style }
    }
  }
}

interface BandApi { readonly size: (of: readonly number[]) => number[], readonly coord: (at: readonly number[]) => number[], readonly value: (dimension: number) => number }

/** Grey stripes would be lost in lines: masked steps are a grey ground. */
export const maskedStyle = (theme: Theme): Record<string, unknown> => ({ fill: theme.faint, opacity: 0.8 })

/** An option whose series ECharts knows at run time better than its types do. */
export const optionOf = (option: Record<string, unknown>): Option => option as Option

/** A step or a unit as its label, where the axis has room for it. */
export const visible = (label: string): string => ({ ' ': '␣', '\n': '⏎', '\t': '⇥', '': '·' })[label] ?? label
