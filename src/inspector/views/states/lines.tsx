import { effect } from '@preact/signals'
import { useMemo, useRef } from 'preact/hooks'
import { Chart } from '../../charts/chart.tsx'
import type { EChartsType } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { go } from '../../state/url.ts'
import { bands, followZoom, maskedStyle, optionOf, sides, stepAxis, visible, zoomOf } from './frame.ts'
import { hovered, pointer } from './signals.ts'

export interface Line { readonly name: string, readonly values: readonly (number | null)[] }

interface Props {
  /** What a screen reader says of it. */
  readonly label: string
  readonly labels: readonly string[]
  readonly masked: readonly { readonly from: number, readonly to: number }[]
  /** Each in a row of its own, with a scale of its own. */
  readonly rows: readonly (readonly Line[])[]
}

const rowHeight = 62

/** Curves over the steps, zoomed and pointed at together with the heatmaps. */
export function Lines ({ label, labels, masked, rows }: Props) {
  const colours = theme.value
  const place = useRef<HTMLDivElement>(null)
  const steps = useRef(labels.length)
  steps.current = labels.length
  const height = rows.length * rowHeight + 30
  const option = useMemo(() => optionOf({
    grid: rows.map((_, n) => ({ ...sides, top: n * rowHeight + 22, height: rowHeight - 30 })),
    xAxis: rows.map((_, n) => stepAxis(labels.map(visible), colours, { gridIndex: n, axisLabel: { show: n === rows.length - 1, color: colours.text } })),
    yAxis: rows.map((lines, n) => ({
      type: 'value', gridIndex: n, scale: true, splitNumber: 2, axisLabel: { color: colours.text, hideOverlap: true }, splitLine: { lineStyle: { color: colours.faint } }, name: lines.length === 1 ? lines[0].name : '', nameGap: 5, nameTextStyle: { color: colours.text, align: 'left' }
    })),
    legend: rows.some((lines) => lines.length > 1) ? { top: 0, data: rows.flat().map(({ name }) => name), textStyle: { color: colours.text } } : undefined,
    dataZoom: [zoomOf('steps', labels.length, { xAxisIndex: rows.map((_, n) => n) })],
    series: rows.flatMap((lines, n) => [
      bands('masked', masked, maskedStyle(colours), { xAxisIndex: n, yAxisIndex: n }),
      ...lines.map(({ name, values }, m) => ({ type: 'line', name, xAxisIndex: n, yAxisIndex: n, symbol: labels.length > 60 ? 'none' : 'circle', symbolSize: 5, silent: true, data: values, lineStyle: { width: 2 }, color: colours.lines[(lines.length === 1 ? n : m) % colours.lines.length] }))
    ])
  }), [rows, labels, masked, colours])

  const ready = (chart: EChartsType): (() => void) => followSteps(chart, place.current!, () => steps.current)
  return (
    <div class='crossed' ref={place}>
      <Chart option={option} height={height} onReady={ready} label={label} />
      <div class='cross-step' aria-hidden='true' />
    </div>
  )
}

/** Links a chart of curves with the pictures around it: pointer, click and zoom. top: where its lines begin. Returns how to leave. */
export function followSteps (chart: EChartsType, place: HTMLElement, count: () => number, top = 22): () => void {
  const zr = chart.getZr()
  const at = ({ offsetX, offsetY }: { offsetX: number, offsetY: number }): number | null => {
    if (!chart.containPixel({ xAxisIndex: 'all' } as never, [offsetX, offsetY])) return null
    const step = Math.round(Number(chart.convertFromPixel({ xAxisIndex: 0 }, offsetX)))
    return step < 0 || step >= count() ? null : step
  }
  zr.on('mousemove', (event) => {
    const step = at(event)
    hovered.value = step === null ? null : { step, unit: null }
  })
  zr.on('globalout', () => { hovered.value = null })
  zr.on('click', (event) => {
    const step = at(event)
    if (step !== null) go({ step })
  })
  const cross = (): void => {
    const line = place.querySelector<HTMLElement>('.cross-step')!
    const x = Number(chart.convertToPixel({ xAxisIndex: 0 }, pointer.value.step))
    line.hidden = !(x >= sides.left && x <= chart.getWidth() - sides.right)
    if (!line.hidden) Object.assign(line.style, { transform: `translate(${Math.round(x)}px,${top}px)`, width: '2px', height: `${chart.getHeight() - top - 30}px` })
  }
  const leave = effect(cross)
  chart.on('rendered', cross)
  const unzoom = followZoom(chart, () => ({ steps: count() }))
  return () => { leave(); unzoom() }
}
