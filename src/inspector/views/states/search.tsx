import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { ask, type Call } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import { Chart } from '../../charts/chart.tsx'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { Choice } from '../../parts/pickers.tsx'
import { shown } from '../../parts/table.ts'
import { Waiting } from '../../parts/waiting.tsx'
import { go, param, whole } from '../../state/url.ts'
import { optionOf, sides, stepAxis, visible } from './frame.ts'
import { settledThreshold } from './signals.ts'

interface Match { readonly sequence: number, readonly from: number, readonly to: number, readonly score: number, readonly units: readonly number[] }
interface SearchAnswer { readonly select: { readonly units: readonly number[] }, readonly found: number, readonly matches: readonly Match[] }

interface Props {
  readonly body: { readonly model: string, readonly version: number, readonly inputs: unknown }
  /** Of the body: a short name of the inputs in their place, so that they are not compared at each look. */
  readonly id: string
  readonly layer: string
  /** As the service names it below the layer: `hidden`, `forward/gates/forget`. */
  readonly tensor: string
  readonly title: string
  readonly units: number
  readonly steps: number
  readonly sequences: number
  readonly labels: (sequence: number) => readonly string[]
}

const most = 1000
const listed = 100

/** Where a unit is above the threshold, in all sequences; and where the units of a chosen span are so together. */
export function Search ({ body, id, layer, tensor, title, units, steps, sequences, labels }: Props) {
  const unit = whole('unit', 0, 0, units - 1)
  const sequence = whole('sequence', 0, 0, sequences - 1)
  const from = whole('from', -1, -1)
  const to = whole('to', -1, -1)
  const span = from >= 0 && to > from && to <= steps ? { sequence, from, to } : null
  const together = span !== null && param('units') === 'together'
  const select = { layer, tensor, ...together ? {} : { units: [unit] }, ...span ?? {}, threshold: settledThreshold.value }
  const key = `${id} ${JSON.stringify(select)}`
  const of = `${id} ${tensor}`
  const call = useMemo<Call>(() => ({ method: 'POST', path: 'search', body: { ...body, select, limit: most } }), [key])
  const settled = useSettled(key, 150)
  const asked = useAsk(settled === key ? key : null, async (signal) => ({ answer: await ask<SearchAnswer>(call, signal), call, together, title, of }))
  // The last one of this tensor stays until the next is there, with what it was asked: the threshold moves on meanwhile.
  const last = useRef(asked.answer)
  if (asked.answer !== null || asked.error !== null) last.current = asked.answer
  const what = together ? 'the units that are on throughout the span' : `unit ${unit}`
  return (
    <>
      <div class='controls'>
        <SpanFields span={span} steps={steps} />
        {span === null ? null : <Choice name='units' title='Look for' value={together ? 'together' : 'one'} options={[['one', `unit ${unit} alone`], ['together', 'all units that are on throughout the span']]} />}
      </div>
      <Waiting of={asked} what={`Looking for ${what}`} />
      {last.current === null || last.current.of !== of ? null : <Matches {...last.current} sequences={sequences} steps={steps} labels={labels} span={span} />}
    </>
  )
}

/** `value` when it has stood still for a while: what moves at every frame asks the service once. */
function useSettled<T> (value: T, milliseconds: number): T {
  const [settled, settle] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => settle(value), milliseconds)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}

function SpanFields ({ span, steps }: { span: { from: number, to: number } | null, steps: number }) {
  const first = span?.from ?? 0
  return (
    <>
      <label>Span from step <input
        type='number' name='from' min={0} max={steps - 1} value={span?.from ?? ''} onChange={(event) => {
          const from = event.currentTarget.value
          go({ from, to: from === '' ? null : Math.max(span?.to ?? 0, Number(from) + 1) })
        }}
                            />
      </label>
      <label>to before step <input
        type='number' name='to' min={first + 1} max={steps} value={span?.to ?? ''} onChange={(event) => {
          const to = event.currentTarget.value
          go({ from: to === '' ? null : Math.min(first, Number(to) - 1), to })
        }}
                            />
      </label>
      {span === null ? null : <button type='button' onClick={() => go({ from: null, to: null, units: null })}>No span</button>}
    </>
  )
}

function Matches ({ answer, call, together, title, sequences, steps, labels, span }: {
  answer: SearchAnswer, call: Call, together: boolean, title: string, sequences: number, steps: number, labels: (sequence: number) => readonly string[], span: { sequence: number, from: number, to: number } | null
}) {
  const { matches, found, select } = answer
  const { threshold } = (call.body as { select: { threshold: number } }).select
  const colours = theme.value
  const height = Math.max(60, Math.min(420, sequences * 18)) + 56
  const option = useMemo(() => {
    const best = Math.max(...matches.map(({ score }) => score), 1e-9)
    return optionOf({
      grid: { ...sides, top: 24, bottom: 30 },
      xAxis: stepAxis(Array.from({ length: steps }, (_, n) => String(n)), colours),
      yAxis: { type: 'category', inverse: true, name: 'sequence', nameLocation: 'start', nameGap: 6, nameTextStyle: { color: colours.text, align: 'left' }, data: Array.from({ length: sequences }, (_, n) => String(n)), axisTick: { show: false }, axisLabel: { color: colours.text } },
      series: [{
        type: 'custom',
        clip: true,
        data: matches.map(({ sequence, from, to, score }) => [from, sequence, to, score]),
        renderItem: (_: unknown, api: { coord: (at: number[]) => number[], size: (of: number[]) => number[], value: (n: number) => number }) => {
          const [width, row] = api.size([1, 1])
          const [x, y] = api.coord([api.value(0), api.value(1)])
          const tall = Math.max(2, row * 0.7)
          return {
            type: 'rect',
            shape: { x: x - width / 2, y: y - tall / 2, width: Math.max(1, width * (api.value(2) - api.value(0))), height: tall },
            style: { fill: colours.lines[0], opacity: 0.35 + 0.65 * Math.max(0, api.value(3)) / best, stroke: colours.background, lineWidth: width > 4 ? 1 : 0 }
          }
        }
      }]
    })
  }, [matches, steps, sequences, colours])
  const table = () => ({ columns: ['sequence', 'from', 'to', 'score', 'units', 'labels'], rows: matches.map(({ sequence, from, to, score, units }) => [sequence, from, to, score, units.join(' '), labels(sequence).slice(from, to).join('')]) })
  const who = together ? `units ${select.units.join(', ')}` : `unit ${select.units[0]}`
  return (
    <Figure
      name='states-search' title={`Where ${who} ${together ? 'are' : 'is'} above ${shown(threshold)}`} call={call} table={table}
      note={<>{found === 0 ? `${title} is above the threshold nowhere.` : `${found} ${found === 1 ? 'span' : 'spans'} of ${title} in ${sequences} ${sequences === 1 ? 'sequence' : 'sequences'}, the ${together ? 'best' : 'longest'} first${found > matches.length ? `; ${matches.length} of them are here` : ''}.`} {together ? 'The score counts the units that are on, less the share of the others that are on too; the darker the higher.' : ''} Choose a span to see which units are on in it, and where else they are.</>}
    >
      <Chart option={option} height={height} label={`Bars of the spans found: steps from left to right, ${sequences} sequences from top to bottom`} />
      <div class='scroll'>
        <ol class='matches'>
          {matches.slice(0, listed).map(({ sequence, from, to, score }) => (
            <li key={`${sequence} ${from} ${to}`}>
              <button type='button' aria-pressed={span?.sequence === sequence && span.from === from && span.to === to} onClick={() => go({ sequence, from, to, step: from })}>
                sequence {sequence}, {to - from === 1 ? `step ${from}` : `steps ${from} to ${to - 1}`}<Context labels={labels(sequence)} from={from} to={to} />
              </button> <small>{shown(score)}</small>
            </li>
          ))}
        </ol>
        {matches.length > listed ? <p>{matches.length - listed} more are in the CSV.</p> : null}
      </div>
    </Figure>
  )
}

/** The characters of a span, between those around it. */
function Context ({ labels, from, to }: { labels: readonly string[], from: number, to: number }) {
  if (labels.every((label, step) => label === String(step))) return null
  const text = (start: number, end: number): string => labels.slice(Math.max(0, start), end).map(visible).join('')
  return <code>: {text(from - 8, from)}<mark>{text(from, Math.min(to, from + 40))}</mark>{text(to, to + 8)}</code>
}
