import { useEffect, useRef } from 'preact/hooks'
import { ask, type Call } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { RecurrentLayer } from '../../api/wire.ts'
import { Figure } from '../../parts/figure.tsx'
import { Choice } from '../../parts/pickers.tsx'
import type { Table } from '../../parts/table.ts'
import { shown } from '../../parts/table.ts'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf } from '../../state/model.ts'
import { go, link, number, param, whole } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { gatedCells, gatesIn, type GatedCell, type UnitSummary } from './points.ts'
import { Scatter } from './scatter.tsx'
import './saturation.css'

interface SummaryAnswer { readonly batch: number, readonly layers: Readonly<Record<string, unknown>> }

const gated = (layer: RecurrentLayer): boolean => gatedCells(layer).length > 0

/** Gates that are always open or always shut (Karpathy, Johnson and Fei-Fei 2015, "Visualizing and understanding recurrent networks", figure 2). */
export const saturation: View = { id: 'saturation', title: 'Saturation', question: 'Which units are stuck open or shut?', fits: ({ recurrentLayers }) => recurrentLayers.some(gated), Component: Saturation }

function Saturation ({ model, given }: ViewProps) {
  const layers = model.recurrentLayers.filter(gated)
  const layer = layers.find(({ key }) => key === param('layer')) ?? layers[0]
  const cells = gatedCells(layer)
  const cell = cells.find(({ place }) => place === param('cell')) ?? cells[0]
  // A candidate goes from -1 to 1, the others from 0 to 1: what is shut of the one is -0.9, of the others 0.1.
  const candidate = param('gate') === 'candidate' && cell.gates.includes('candidate')
  const low = number('low') ?? (candidate ? -0.9 : 0.1)
  const high = number('high') ?? 0.9
  const call: Call = { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: [layer.key], tensors: ['gates'], summary: { low, high } } }
  const asked = useAsk(JSON.stringify(call), async (signal) => await ask<SummaryAnswer>(call, signal))
  return (
    <>
      <div class='controls'>
        {layers.length < 2 ? null : <Choice name='layer' title='Layer' value={layer.key} options={layers.map(({ key, type }) => [key, `${key} (${type})`] as const)} />}
        {cells.length < 2 ? null : <Choice name='cell' title='Cell' value={cell.place} options={cells.map(({ place }) => [place, place.replace(/\/$/, '')] as const)} />}
        {cell.gates.includes('candidate') ? <label>Look at{' '}<select value={candidate ? 'candidate' : 'gates'} onChange={(event) => go({ gate: event.currentTarget.value === 'candidate' ? 'candidate' : null, low: null, high: null })}><option value='gates'>gates, from 0 to 1</option><option value='candidate'>candidate, from -1 to 1</option></select></label> : null}
        <Threshold name='low' title='Shut below' value={low} />
        <Threshold name='high' title='Open above' value={high} />
      </div>
      <Waiting of={asked} what='Counting open and shut gates' />
      {asked.answer === null ? null : <Gates layer={layer} cell={cell} candidate={candidate} answer={asked.answer} low={low} high={high} call={call} />}
    </>
  )
}

function Threshold ({ name, title, value }: { name: string, title: string, value: number }) {
  const field = useRef<HTMLInputElement>(null)
  // Set here, so that an answer that arrives while someone types does not take the digits away.
  useEffect(() => { field.current!.value = String(value) }, [value])
  return (
    <label>{title}{' '}
      <input ref={field} type='number' step='any' name={name} onChange={(event) => { if (Number.isFinite(event.currentTarget.valueAsNumber)) go({ [name]: event.currentTarget.valueAsNumber }) }} />
    </label>
  )
}

interface GatesProps { readonly layer: RecurrentLayer, readonly cell: GatedCell, readonly candidate: boolean, readonly answer: SummaryAnswer, readonly low: number, readonly high: number, readonly call: Call }

function Gates ({ layer, cell, candidate, answer, low, high, call }: GatesProps) {
  const all = gatesIn(answer.layers[layer.key], cell.place)
  const gates = cell.gates.filter((gate) => (gate === 'candidate') === candidate && gate in all)
  const units = all[gates[0]]?.length ?? 0
  const unit = param('unit') === '' ? null : whole('unit', 0, 0, units - 1)
  const columns = ['count', 'low', 'high', 'mean', 'min', 'max'] as const
  const table = (): Table => ({ columns: ['gate', 'unit', ...columns], rows: gates.flatMap((gate) => all[gate].map((own, n) => [gate, n, ...columns.map((column) => own[column])])) })
  const { batch } = answer
  const counted = all[gates[0]]?.[0]?.count ?? 0
  return (
    <Figure
      name='saturation' title={`${layer.key}${cell.place === '' ? '' : `/${cell.place.replace(/\/$/, '')}`}: how often each unit's gates are open or shut`} call={call} table={table}
      note={<>A point is a unit, a larger one several. To the right: open (above {shown(high)}) for much of what was read. Up: shut (below {shown(low)}). At the lower left a gate stays between; on the slanted line it is always one or the other. Counted over {counted} values of each unit ({batch} {batch === 1 ? 'sequence' : 'sequences'}, steps that are masked left out).</>}
    >
      <div class='scatters'>
        {gates.map((gate) => (
          <section key={gate} aria-label={gate}>
            <h3>{gate}</h3>
            <Scatter gate={gate} units={all[gate]} chosen={unit} />
          </section>
        ))}
      </div>
      <Chosen layer={layer} cell={cell} gates={gates} all={all} units={units} unit={unit} />
    </Figure>
  )
}

/** One unit by its number: what its gates do, and the way to its states. */
function Chosen ({ layer, cell, gates, all, units, unit }: { layer: RecurrentLayer, cell: GatedCell, gates: readonly string[], all: Readonly<Record<string, readonly UnitSummary[]>>, units: number, unit: number | null }) {
  const share = (value: number | null): string => value === null ? 'never counted' : `${shown(100 * value)} %`
  const to: Record<string, string | null> = unit === null ? {} : { view: 'states', layer: layer.key, cell: cell.place === '' ? null : cell.place, tensor: `gates/${gates[0]}`, unit: String(unit), low: null, high: null, gate: null }
  return (
    <div class='controls'>
      <label>Unit{' '}
        <input type='number' name='unit' min={0} max={units - 1} value={unit ?? ''} onInput={(event) => go({ unit: event.currentTarget.value })} /> of 0 to {units - 1}
      </label>
      {unit === null
        ? <span class='note'>Choose a point, or a number, to see one unit.</span>
        : (
          <>
            <output>{gates.map((gate) => `${gate}: open ${share(all[gate][unit].high)}, shut ${share(all[gate][unit].low)}`).join('; ')}</output>
            <a href={link(to)} onClick={(event) => { event.preventDefault(); go(to, true) }}>The states of unit {unit}</a>
          </>
          )}
    </div>
  )
}
