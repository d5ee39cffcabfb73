import { effect } from '@preact/signals'
import { useMemo, useRef } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import { Chart } from '../../charts/chart.tsx'
import type { EChartsType } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { float32, shown } from '../../parts/table.ts'
import { whole } from '../../state/url.ts'
import { spansAbove } from './cell.ts'
import { bands, maskedStyle, optionOf, sides, stepAxis, visible, zoomOf } from './frame.ts'
import { followSteps } from './lines.tsx'
import { moving, settleThreshold, threshold } from './signals.ts'
import type { Named } from './states.tsx'

interface Props {
  readonly call: Call
  readonly tensors: readonly Named[]
  readonly labels: readonly string[]
  readonly mask: Uint8Array | null
  readonly masked: readonly { readonly from: number, readonly to: number }[]
  /** The tensor that the threshold is of. */
  readonly chosen: Named
  readonly sequence: number
}

/** Room above the lines: a narrow screen has their names in three rows. */
const top = 84

/** One unit over the steps: what it keeps, what it lets in and out, and where it is above a threshold. */
export function Unit ({ call, tensors, labels, mask, masked, chosen, sequence }: Props) {
  const colours = theme.value
  const { steps, units } = chosen.curves
  const unit = whole('unit', 0, 0, units - 1)
  const at = threshold.value
  const place = useRef<HTMLDivElement>(null)
  const latest = useRef({ steps, axis: 0, limit: 1 })
  const cell = tensors.find(({ tensor }) => tensor === 'cell')
  /** Of states and gates, and of the cell. Both are symmetric, so that their zeros are one line. */
  const limits = [Math.max(...tensors.map(({ tensor, limit }) => tensor === 'cell' ? 0 : limit)), cell?.limit ?? 1]
  const axis = chosen.tensor === 'cell' ? 1 : 0
  latest.current = { steps, axis, limit: limits[axis] }
  const spans = useMemo(() => spansAbove(chosen.curves, mask, unit, at), [chosen, mask, unit, at])

  const lines = useMemo(() => tensors.map(({ tensor, title, curves }, n) => ({
    type: 'line',
    name: title,
    yAxisIndex: tensor === 'cell' ? 1 : 0,
    symbol: 'none',
    silent: true,
    data: Array.from({ length: steps }, (_, step) => curves.values[step * units + unit]),
    lineStyle: { width: tensor.startsWith('gates/') ? 1.5 : 2.5, type: tensor === 'cell' ? 'dashed' : 'solid' },
    color: colours.lines[n % colours.lines.length]
  })), [tensors, unit, colours])
  const option = useMemo(() => {
    const vertical = (n: number, name: string): object => ({
      type: 'value', position: n === 0 ? 'left' : 'right', min: -limits[n], max: limits[n], interval: limits[n] / 2, name, nameTextStyle: { color: colours.text, align: n === 0 ? 'left' : 'right' }, axisLabel: { color: colours.text, formatter: shown }, splitLine: { show: n === 0, lineStyle: { color: colours.faint } }
    })
    return optionOf({
      grid: { ...sides, right: 60, top, bottom: 30 },
      legend: { top: 0, data: tensors.map(({ title }) => title), textStyle: { color: colours.text } },
      xAxis: stepAxis(labels.map(visible), colours, { axisLine: { onZero: false } }),
      yAxis: [vertical(0, 'hidden, gates'), { ...vertical(1, 'cell'), show: cell !== undefined }],
      dataZoom: [zoomOf('steps', steps, { xAxisIndex: 0 })],
      series: [
        bands('masked', masked, maskedStyle(colours)),
        bands('above', spans, { fill: colours.lines[4], opacity: 0.35 }, { z: 0 }),
        ...lines,
        { type: 'line', name: 'threshold', yAxisIndex: axis, data: [], silent: true, markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: colours.text, type: 'solid', width: 2 }, data: [{ yAxis: at }] } }
      ]
    })
  }, [lines, spans, at, axis, labels, masked, colours, ...limits])

  const ready = (chart: EChartsType): (() => void) => {
    const leave = followSteps(chart, place.current!, () => latest.current.steps, top)
    const handle = place.current!.querySelector<HTMLElement>('.threshold')!
    const stand = (): void => {
      const y = Number(chart.convertToPixel({ yAxisIndex: latest.current.axis }, threshold.value))
      handle.hidden = !(y >= top && y <= chart.getHeight() - 30)
      Object.assign(handle.style, { transform: `translate(${sides.left}px,${Math.round(y) - 8}px)`, width: `${chart.getWidth() - sides.left - 60}px` })
    }
    const unstand = effect(stand)
    chart.on('rendered', stand)
    const undrag = draggable(handle, (event) => {
      const { axis, limit } = latest.current
      const value = Number(chart.convertFromPixel({ yAxisIndex: axis }, event.clientY - place.current!.getBoundingClientRect().top))
      return Math.round(Math.max(-limit, Math.min(limit, value)) * 1000) / 1000
    })
    return () => { leave(); unstand(); undrag() }
  }

  const table = () => ({
    columns: ['step', 'label', 'masked', ...tensors.map(({ tensor }) => tensor), `above ${at}`],
    rows: labels.map((label, step) => [step, label, mask?.[step] === 0 ? 1 : 0, ...tensors.map(({ curves }) => numberOf(curves.values[step * units + unit])), spans.some(({ from, to }) => step >= from && step < to) ? 1 : 0])
  })
  const range = limits[axis]
  return (
    <Figure name='states-unit' title={`Unit ${unit} over the steps`} call={call} table={table} note={<>What unit {unit} of sequence {sequence} holds and lets through. The shaded steps are those where its {chosen.title} is above the threshold, {at}: drag the line, or move the slider.{cell === undefined ? '' : ' The cell has the scale at the right; 0 is one line for both.'}</>}>
      <div class='controls'>
        <label>Threshold of {chosen.title}{' '}
          <input
            type='range' min={-range} max={range} step={range / 100} value={at} aria-valuetext={shown(at)}
            onInput={(event) => { moving.value = round(event.currentTarget.valueAsNumber) }} onChange={(event) => settleThreshold(round(event.currentTarget.valueAsNumber))}
          />
        </label>
        <label>at <input type='number' name='threshold' step='any' value={at} onChange={(event) => { if (Number.isFinite(event.currentTarget.valueAsNumber)) settleThreshold(event.currentTarget.valueAsNumber) }} /></label>
        <output class='spans'>{spans.length === 0 ? 'above at no step' : `above in ${spans.length} ${spans.length === 1 ? 'span' : 'spans'} of this sequence, ${spans.reduce((sum, { from, to }) => sum + to - from, 0)} of ${steps} steps`}</output>
      </div>
      <div class='crossed' ref={place}>
        <Chart option={option} height={330} onReady={ready} label={`Lines of unit ${unit}: ${tensors.map(({ title }) => title).join(', ')}, with the spans above ${at}`} />
        <div class='cross-step' aria-hidden='true' />
        <div class='threshold' aria-hidden='true' />
      </div>
    </Figure>
  )
}

const round = (value: number): number => Math.round(value * 1000) / 1000
const numberOf = (value: number): number | null => Number.isFinite(value) ? float32(value) : null

/** Follows a drag of `handle`; the threshold moves at most once a frame. Returns how to leave. */
function draggable (handle: HTMLElement, valueAt: (event: PointerEvent) => number): () => void {
  let frame = 0
  let last: number | null = null
  const flush = (): void => {
    frame = 0
    if (last !== null) moving.value = last
  }
  const down = (event: PointerEvent): void => {
    event.preventDefault()
    handle.setPointerCapture(event.pointerId)
  }
  const move = (event: PointerEvent): void => {
    if (!handle.hasPointerCapture(event.pointerId)) return
    last = valueAt(event)
    if (frame === 0) frame = requestAnimationFrame(flush)
  }
  const up = (): void => {
    cancelAnimationFrame(frame)
    frame = 0
    if (last !== null) settleThreshold(last)
    last = null
  }
  handle.addEventListener('pointerdown', down)
  handle.addEventListener('pointermove', move)
  handle.addEventListener('pointerup', up)
  handle.addEventListener('pointercancel', up)
  return () => { cancelAnimationFrame(frame) }
}
