import type { Option } from './echarts.ts'
import { css, divergingAt, type Theme } from './palette.ts'

export interface Cells {
  readonly columns: readonly string[]
  readonly rows: readonly string[]
  /** `[column, row, value]`, rows from above. */
  readonly data: readonly (readonly [number, number, number])[]
  /** What a value is for the eye; written into the cells where `written`. */
  readonly shown: (value: number) => string
  readonly written: boolean
  /** Room for the rows' names, in pixels. */
  readonly left?: number
}

/** A heatmap of a few thousand cells with named rows and columns, in colours around 0, or from 0 where no value is below it. Larger ones need pixels. */
export function cellsOption (theme: Theme, { columns, rows, data, shown, written, left = 110 }: Cells): Option {
  const { text, diverging } = theme
  const end = data.reduce((largest, [, , value]) => Math.max(largest, Math.abs(value)), 0) || 1
  const signed = data.some(([, , value]) => value < 0)
  const colours = signed ? diverging : diverging.slice((diverging.length - 1) / 2)
  const cell = ([column, row, value]: readonly [number, number, number]) => {
    const [red, green, blue] = divergingAt(theme, value / end)
    // Whichever is read better on the colour of the cell.
    return { value: [column, row, value], label: { color: 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? '#000000' : '#ffffff' } }
  }
  return {
    grid: { left, right: 20, top: 20, bottom: 80 },
    tooltip: {
      formatter: (item) => {
        const [column, row, value] = (item as unknown as { value: [number, number, number] }).value
        return `${rows[row]}, ${columns[column]}: ${shown(value)}`
      }
    },
    xAxis: { type: 'category', data: [...columns], axisLabel: { color: text, hideOverlap: true }, axisTick: { show: false } },
    yAxis: { type: 'category', data: [...rows], inverse: true, axisLabel: { color: text }, axisTick: { show: false } },
    visualMap: {
      type: 'continuous',
      min: signed ? -end : 0,
      max: end,
      calculable: false,
      orient: 'horizontal',
      left: 'center',
      bottom: 0,
      itemWidth: 12,
      itemHeight: 160,
      text: [shown(end), signed ? shown(-end) : '0'],
      textStyle: { color: text },
      inRange: { color: colours.map(css) }
    },
    series: [{ type: 'heatmap', data: data.map(cell), label: { show: written, formatter: (item) => shown((item.value as number[])[2]) } }]
  }
}
