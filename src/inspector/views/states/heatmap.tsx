import { effect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { Chart } from '../../charts/chart.tsx'
import type { EChartsType } from '../../charts/echarts.ts'
import { css, divergingAt, type Theme } from '../../charts/palette.ts'
import { theme } from '../../charts/theme.ts'
import { shown } from '../../parts/table.ts'
import { go } from '../../state/url.ts'
import type { Curves } from './cell.ts'
import { followZoom, optionOf, sides, stepAxis, visible, zoomOf } from './frame.ts'
import { paint, rowsOf, shadesOf } from './paint.ts'
import { hovered, pointer } from './signals.ts'

interface Props {
  /** As it is said: `hidden`, `forget gate`. */
  readonly title: string
  readonly curves: Curves
  readonly order: Uint32Array
  readonly masked: readonly { readonly from: number, readonly to: number }[]
  readonly labels: readonly string[]
  /** The ends of the scale: from `low`, -limit or 0, to `limit`. */
  readonly low: number
  readonly limit: number
}

/** Where the cells stand in the chart, in its pixels: those of step 0 and row 0, a cell's size, and what of it is seen. */
interface Geometry { readonly left: number, readonly top: number, readonly cell: readonly [number, number], readonly box: Box }
interface Box { readonly x: number, readonly y: number, readonly width: number, readonly height: number }

/** Steps from left to right, units from top to bottom, a colour a cell. It is one image, painted from the numbers for what is seen at the size that it is seen. */
export function Heatmap ({ title, curves, order, masked, labels, low, limit }: Props) {
  const colours = theme.value
  const place = useRef<HTMLDivElement>(null)
  const geometry = useRef<Geometry | null>(null)
  const screen = useRef<ReturnType<EChartsType['getZr']> | null>(null)
  const latest = useRef({ curves, order })
  latest.current = { curves, order }
  const height = Math.max(110, Math.min(512, curves.units * 6)) + 58

  const option = useMemo(() => {
    const painter = painterOf(curves, order, masked, limit, colours)
    return optionOf({
      grid: { ...sides, top: 28, bottom: 30 },
      xAxis: stepAxis(labels.map(visible), colours),
      yAxis: { type: 'category', inverse: true, name: 'unit', nameLocation: 'start', nameGap: 6, nameTextStyle: { color: colours.text }, data: Array.from(order, String), axisTick: { show: false }, axisLabel: { color: colours.text }, axisLine: { show: false } },
      dataZoom: [zoomOf('steps', curves.steps, { xAxisIndex: 0 }), zoomOf('rows', curves.units, { yAxisIndex: 0 })],
      graphic: [legend(colours, low, limit)],
      series: [{
        type: 'custom',
        silent: true,
        clip: true,
        data: [[0, 0]],
        renderItem: ({ coordSys }: { coordSys: Box }, api: { coord: (at: number[]) => number[], size: (of: number[]) => number[], getZr: () => unknown }) => {
          const box = { x: coordSys.x, y: coordSys.y, width: coordSys.width, height: coordSys.height }
          const cell = api.size([1, 1]) as [number, number]
          const [middle, line] = api.coord([0, 0])
          const own = { left: middle - cell[0] / 2, top: line - cell[1] / 2, cell, box }
          // A file that is drawn of it stands elsewhere: the pointer is on the screen.
          if (screen.current === null || screen.current === api.getZr()) geometry.current = own
          return { type: 'image', style: { image: painter(own), ...box } }
        }
      }]
    })
  }, [curves, order, masked, labels, low, limit, colours])

  const ready = (chart: EChartsType): (() => void) => {
    const zr = screen.current = chart.getZr()
    const at = ({ offsetX, offsetY }: { offsetX: number, offsetY: number }): { step: number, unit: number } | null => {
      const { left, top, cell, box } = geometry.current!
      if (offsetX < box.x || offsetX >= box.x + box.width || offsetY < box.y || offsetY >= box.y + box.height) return null
      const { curves: { steps, units }, order } = latest.current
      const [step, row] = [Math.floor((offsetX - left) / cell[0]), Math.floor((offsetY - top) / cell[1])]
      return step < 0 || step >= steps || row < 0 || row >= units ? null : { step, unit: order[row] }
    }
    zr.on('mousemove', (event) => { hovered.value = at(event) })
    zr.on('globalout', () => { hovered.value = null })
    zr.on('click', (event) => {
      const found = at(event)
      if (found !== null) go(found)
    })
    const cross = (): void => drawCross(place.current!, geometry.current, pointer.value, latest.current.order)
    const leave = effect(cross)
    chart.on('rendered', cross)
    const unzoom = followZoom(chart, () => ({ steps: latest.current.curves.steps, rows: latest.current.curves.units }))
    return () => { leave(); unzoom() }
  }
  useEffect(() => { drawCross(place.current!, geometry.current, pointer.peek(), order) }, [order])

  return (
    <div class='crossed' ref={place}>
      <Chart option={option} height={height} onReady={ready} label={`Heatmap of ${title}: ${curves.steps} steps from left to right, ${curves.units} units from top to bottom`} />
      <div class='cross-step' aria-hidden='true' />
      <div class='cross-unit' aria-hidden='true' />
    </div>
  )
}

/** Paints what is seen at the size it is seen, with masked steps hatched; what it painted last once more as it is. */
function painterOf (curves: Curves, order: Uint32Array, masked: Props['masked'], limit: number, colours: Theme): (geometry: Geometry) => HTMLCanvasElement {
  const rows = rowsOf(curves, order)
  const shades = shadesOf(colours)
  let last: { readonly of: string, readonly canvas: HTMLCanvasElement } | null = null
  return (geometry) => {
    const of = JSON.stringify([geometry, devicePixelRatio])
    if (last?.of === of) return last.canvas
    const canvas = document.createElement('canvas')
    last = { of, canvas }
    const { left, top, cell, box } = geometry
    canvas.width = Math.max(1, Math.round(box.width * devicePixelRatio))
    canvas.height = Math.max(1, Math.round(box.height * devicePixelRatio))
    const within = (place: number, count: number): number => Math.max(0, Math.min(count, Math.round(place)))
    const seen = {
      fromStep: within((box.x - left) / cell[0], curves.steps),
      toStep: within((box.x + box.width - left) / cell[0], curves.steps),
      fromRow: within((box.y - top) / cell[1], curves.units),
      toRow: within((box.y + box.height - top) / cell[1], curves.units)
    }
    const { width, height, pixels } = paint(rows, curves.steps, seen, limit, shades, canvas.width, canvas.height)
    if (width === 0 || height === 0) return canvas
    const small = document.createElement('canvas')
    small.width = width
    small.height = height
    small.getContext('2d')!.putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer as ArrayBuffer), width, height), 0, 0)
    const context = canvas.getContext('2d')!
    // Cells have edges: no blur between them.
    context.imageSmoothingEnabled = false
    context.drawImage(small, 0, 0, canvas.width, canvas.height)
    hatch(context, masked.map(({ from, to }) => [(left + from * cell[0] - box.x) * devicePixelRatio, (to - from) * cell[0] * devicePixelRatio]), colours)
    return canvas
  }
}

/** Covers what was not read: at a masked step states are carried over and gates are 0, and neither is a thought of the layer. spans: left edge and width. */
function hatch (context: CanvasRenderingContext2D, spans: readonly (readonly number[])[], { background, text }: Theme): void {
  const { width, height } = context.canvas
  for (const [left, wide] of spans) {
    context.save()
    context.beginPath()
    context.rect(left, 0, wide, height)
    context.clip()
    context.globalAlpha = 0.75
    context.fillStyle = background
    context.fill()
    context.globalAlpha = 0.5
    context.strokeStyle = text
    context.beginPath()
    for (let x = Math.max(left, 0) - height; x < Math.min(left + wide, width); x += 9 * devicePixelRatio) {
      context.moveTo(x, height)
      context.lineTo(x + height, 0)
    }
    context.stroke()
    context.restore()
  }
}

/** The pointer's step and unit as two frames over the picture, which stays as it is painted. */
function drawCross (place: HTMLElement, geometry: Geometry | null, { step, unit }: { step: number, unit: number }, order: Uint32Array): void {
  if (geometry === null) return
  const { left, top, cell, box } = geometry
  frame(place.querySelector<HTMLElement>('.cross-step')!, left + step * cell[0], cell[0], box.x, box.width, (x, width) => ({ transform: `translate(${x}px,${box.y}px)`, width, height: box.height }))
  frame(place.querySelector<HTMLElement>('.cross-unit')!, top + order.indexOf(unit) * cell[1], cell[1], box.y, box.height, (y, height) => ({ transform: `translate(${box.x}px,${y}px)`, width: box.width, height }))
}

function frame (element: HTMLElement, from: number, size: number, low: number, room: number, placed: (from: number, size: number) => { transform: string, width: number, height: number }): void {
  const seen = from + size > low && from < low + room
  element.hidden = !seen
  if (!seen) return
  const { transform, width, height } = placed(Math.round(from), Math.max(2, Math.round(size)))
  Object.assign(element.style, { transform, width: `${width}px`, height: `${height}px` })
}

/** What the colours mean, in the picture: it is saved along. low: -limit, or 0 where nothing is below. */
function legend (colours: Theme, low: number, limit: number): object {
  const wide = low < 0 ? 120 : 60
  const stops = Array.from({ length: 13 }, (_, n) => ({ offset: n / 12, color: css(divergingAt(colours, (low + (limit - low) * n / 12) / limit)) }))
  const text = (x: number, textAlign: string, of: number): object => ({ type: 'text', x, y: 0, style: { text: shown(of), fill: colours.text, fontSize: 12, textAlign } })
  return {
    type: 'group',
    right: sides.right,
    top: 6,
    silent: true,
    children: [
      text(-5, 'right', low),
      { type: 'rect', shape: { x: 0, y: 0, width: wide, height: 11 }, style: { fill: { type: 'linear', x: 0, y: 0, x2: 1, y2: 0, colorStops: stops }, stroke: colours.text, lineWidth: 0.5 } },
      text(wide + 5, 'left', limit)
    ]
  }
}
