import { useEffect, useMemo, useRef } from 'preact/hooks'
import { shown } from '../parts/table.ts'
import { Chart } from './chart.tsx'
import type { EChartsType, Option } from './echarts.ts'
import { css } from './palette.ts'
import { raster } from './raster.ts'
import { theme } from './theme.ts'

/** A place in the matrix. */
export interface Cell { readonly row: number, readonly column: number }

interface Props {
  /** `[rows, columns]` in C order; row 0 is drawn on top. */
  readonly data: ArrayLike<number>
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** What rows and columns are, in axis words: `unit`, `step`. */
  readonly axes: readonly [row: string, column: string]
  /** The distance from 0 that has the colour of the ends. */
  readonly scale: number
  readonly height: number
  readonly label: string
  readonly group?: string
  /** Pixels left of the matrix, where charts above each other stand in one line. */
  readonly left?: number
  /** The colours' own key; not there where another chart beside has it. */
  readonly keyed?: boolean
  readonly onHover?: (cell: Cell | null) => void
  readonly onSelect?: (cell: Cell) => void
}

/** A matrix as one image in diverging colours around 0, whatever its size, with the number under the pointer. */
export function Heatmap ({ data, rows, columns, axes, scale, height, label, group, left = 70, keyed = true, onHover, onSelect }: Props) {
  const colours = theme.value
  const matrix = useMemo(() => imageOf(raster(data, scale, colours), rows.length, columns.length), [data, scale, colours, rows.length, columns.length])
  const pointed = useRef<Cell | null>(null)
  const latest = useRef({ data, rows, columns, onHover, onSelect })
  useEffect(() => { latest.current = { data, rows, columns, onHover, onSelect } })

  const textAt = (cell: Cell | null): string => {
    if (cell === null) return ''
    const { data, rows, columns } = latest.current
    const names = [[axes[0], rows[cell.row]], [axes[1], columns[cell.column]]].filter(([, name]) => name !== '')
    return `${names.map((words) => words.join(' ')).join(', ')}\n${shown(data[cell.row * columns.length + cell.column])}`
  }

  const option = useMemo<Option>(() => ({
    grid: { left, right: 16, top: keyed ? 34 : 10, bottom: 46 },
    tooltip: {
      trigger: 'item',
      formatter: () => textAt(pointed.current)
    },
    visualMap: !keyed
      ? undefined
      : { type: 'continuous', seriesIndex: [], min: -scale, max: scale, orient: 'horizontal', right: 10, top: 0, itemWidth: 10, itemHeight: 80, hoverLink: false, text: [shown(scale), shown(-scale)], textStyle: { color: colours.text }, inRange: { color: colours.diverging.map(css) } },
    xAxis: { type: 'category', data: [...columns], name: axes[1], nameLocation: 'middle', nameGap: 28, nameTextStyle: { color: colours.text }, axisLabel: { color: colours.text, hideOverlap: true }, axisTick: { show: false }, splitLine: { show: false } },
    yAxis: { type: 'category', data: [...rows], inverse: true, name: axes[0], nameLocation: 'start', nameTextStyle: { color: colours.text }, axisLabel: { color: colours.text, hideOverlap: true, width: left - 12, overflow: 'truncate' }, axisTick: { show: false }, splitLine: { show: false } },
    series: [{
      type: 'custom',
      clip: true,
      data: [[0, 0]],
      renderItem: (params, api) => {
        const view = params.coordSys as unknown as Box
        const [width, height] = api.size!([1, 1]) as number[]
        const [x, y] = api.coord([0, 0])
        const { image, ...box } = visible(matrix, { x: x - width / 2, y: y - height / 2, width, height }, view)
        return { type: 'image', style: { image: image as unknown as string, ...box } }
      }
    }]
  }), [matrix, columns, rows, scale, left, keyed, axes[0], axes[1]])

  const onReady = (chart: EChartsType): (() => void) => {
    const place = chart.getDom()
    const cellAt = (event: MouseEvent): Cell | null => {
      const { left, top } = place.getBoundingClientRect()
      const point = [event.clientX - left, event.clientY - top]
      if (!chart.containPixel({ gridIndex: 0 }, point)) return null
      const [column, row] = chart.convertFromPixel({ gridIndex: 0 }, point)
      return row >= 0 && column >= 0 && row < latest.current.rows.length && column < latest.current.columns.length ? { row, column } : null
    }
    const point = (next: Cell | null): void => {
      if (next?.row === pointed.current?.row && next?.column === pointed.current?.column) return
      pointed.current = next
      place.dataset.pointed = textAt(next)
      latest.current.onHover?.(next)
    }
    const move = (event: MouseEvent): void => point(cellAt(event))
    const leave = (): void => point(null)
    const select = (event: MouseEvent): void => {
      const cell = cellAt(event)
      if (cell !== null) latest.current.onSelect?.(cell)
    }
    // Before the chart's own listeners, so that its tooltip never tells the number of the place before.
    place.addEventListener('pointermove', move, true)
    place.addEventListener('mousemove', move, true)
    place.addEventListener('pointerleave', leave)
    place.addEventListener('click', select)
    return () => {
      place.removeEventListener('pointermove', move, true)
      place.removeEventListener('mousemove', move, true)
      place.removeEventListener('pointerleave', leave)
      place.removeEventListener('click', select)
    }
  }

  return <Chart option={option} height={height} label={label} group={group} onReady={onReady} />
}

interface Box { readonly x: number, readonly y: number, readonly width: number, readonly height: number }

function imageOf (pixels: Uint8ClampedArray<ArrayBuffer>, rows: number, columns: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = columns
  canvas.height = rows
  if (pixels.length > 0) canvas.getContext('2d')!.putImageData(new ImageData(pixels, columns, rows), 0, 0)
  return canvas
}

/** The part of a matrix that is to be seen, as large as it is on the screen: sharp where a number has several pixels, a mean where it has less than one. `first` is where its first number lies. */
function visible (matrix: HTMLCanvasElement, first: Box, view: Box): Box & { image: HTMLCanvasElement } {
  const along = (start: number, size: number, count: number, from: number, length: number): { from: number, count: number } => {
    const own = Math.max(0, Math.floor((from - start) / size))
    return { from: own, count: Math.max(1, Math.min(count, Math.ceil((from + length - start) / size)) - own) }
  }
  const x = along(first.x, first.width, matrix.width, view.x, view.width)
  const y = along(first.y, first.height, matrix.height, view.y, view.height)
  const box = { x: first.x + x.from * first.width, y: first.y + y.from * first.height, width: x.count * first.width, height: y.count * first.height }
  const wide = resized(matrix, { x: x.from, y: y.from, width: x.count, height: y.count }, Math.ceil(box.width * devicePixelRatio), y.count)
  return { ...box, image: resized(wide, { x: 0, y: 0, width: wide.width, height: y.count }, wide.width, Math.ceil(box.height * devicePixelRatio)) }
}

function resized (from: HTMLCanvasElement, part: Box, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = width
  canvas.height = height
  const context = canvas.getContext('2d')!
  context.imageSmoothingEnabled = width < part.width || height < part.height
  context.imageSmoothingQuality = 'high'
  context.drawImage(from, part.x, part.y, part.width, part.height, 0, 0, width, height)
  return canvas
}
