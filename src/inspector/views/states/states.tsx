import { useEffect, useMemo } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import { askTensors } from '../../api/tensors.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { ModelAnswer, RecurrentLayer, Tensors } from '../../api/wire.ts'
import { sequencesOf } from '../../input/sequences.ts'
import { Figure } from '../../parts/figure.tsx'
import { Choice, LayerPicker, SequencePicker, layerOf, sequenceOf } from '../../parts/pickers.tsx'
import { float32 } from '../../parts/table.ts'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf } from '../../state/model.ts'
import { go, param, whole } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { axesToChoose, cellsOf, curvesOf, maskOf, maskedRuns, type Curves, type Place } from './cell.ts'
import { Heatmap } from './heatmap.tsx'
import { Inputs, Outputs } from './in-out.tsx'
import { readsInputSteps } from './link.ts'
import { sorts } from './order.ts'
import { scaleOf } from './paint.ts'
import { Readout } from './readout.tsx'
import { Search } from './search.tsx'
import { Unit } from './unit.tsx'
import { useOrder } from './use-order.ts'
import { begin, moving, setZoom, zoom } from './signals.ts'
import './states.css'

/** A tensor of a cell, its values in the sequence, and how it is said. */
export interface Named { readonly tensor: string, readonly title: string, readonly curves: Curves, readonly low: number, readonly limit: number }

/** Numbers that the page takes at once: a quarter of a gigabyte of them. */
const mostNumbers = 2 ** 26

/** What the layer holds and lets through at every step. */
export const states: View = {
  id: 'states',
  title: 'Inside',
  question: 'What happens inside, step by step?',
  fits: ({ recurrentLayers }) => recurrentLayers.some((layer) => cellsOf(layer).length > 0),
  Component: States
}

function States ({ model, given }: ViewProps) {
  const layer = layerOf(model)
  const call = useMemo<Call>(() => ({ method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: [layer.key], tensors: ['hidden', 'cell', 'gates'], outputs: true } }), [model, given, layer])
  const key = useMemo(() => JSON.stringify(call), [call])
  const sequences = useMemo(() => sequencesOf(model, given), [model, given])
  const cells = cellsOf(layer)
  const numbers = sequences.count * sequences.steps * cells.reduce((sum, { tensors }) => sum + tensors.length * layer.units, 0)
  const tooMany = numbers > mostNumbers
  const asked = useAsk(tooMany || cells.length === 0 ? null : key, async (signal) => await askTensors(call, signal))
  useEffect(begin, [])
  return (
    <>
      <div class='controls'><LayerPicker model={model} /></div>
      {cells.length === 0 ? <p>The layer {layer.key} has no states at every step.</p> : null}
      {tooMany ? <p>The states of {sequences.count} sequences of {sequences.steps} steps are {Math.round(numbers / 2 ** 18)} MB, more than a page should hold. Give fewer sequences, or ask for them with <code>/hidden-states</code>.</p> : null}
      <Waiting of={asked} what={`Reading ${layer.key}`} />
      {asked.answer === null ? null : <Layer tensors={asked.answer} call={call} layer={layer} model={model} sequences={sequences} body={bodyOf(model, given)} id={key} />}
    </>
  )
}

interface LayerProps {
  readonly model: ModelAnswer
  readonly layer: RecurrentLayer
  readonly call: Call
  readonly tensors: Tensors
  readonly sequences: ReturnType<typeof sequencesOf>
  readonly body: ReturnType<typeof bodyOf>
  readonly id: string
}

/** The pictures of one layer. */
function Layer ({ model, layer, call, tensors, sequences, body, id }: LayerProps) {
  const { axes, key } = layer
  const cells = cellsOf(layer)
  const cell = cells.find(({ place }) => place === param('cell')) ?? cells[0]
  const { shape } = tensors.tensors.get(`${key}/${cell.place}${cell.tensors[0]}`)!
  const sequence = sequenceOf(shape[0])
  const place = placeOf(axes, shape, sequence)
  const own = param('scale') === 'largest'
  const named = useMemo(() => cell.tensors.map((tensor): Named => {
    const curves = curvesOf(tensors.tensors.get(`${key}/${cell.place}${tensor}`)!, axes, place)
    return { tensor, title: titleOf(tensor), curves, ...scaleOf(tensor, curves, own) }
  }), [tensors, cell.place, JSON.stringify(place), own])
  const mask = useMemo(() => maskOf(tensors, key, cell, axes, place), [tensors, cell.place, JSON.stringify(place)])
  const masked = useMemo(() => maskedRuns(mask), [mask])
  const chosen = named.find(({ tensor }) => tensor === param('tensor')) ?? named[0]
  const { steps, units } = chosen.curves
  const plain = axes.join() === 'batch,step,unit'
  const linked = plain && model.inputs[0].shape.length <= 3 && sequences.steps === steps && sequences.count === shape[0] && readsInputSteps(model, key)
  const labels = useMemo(() => linked ? labelsOf(sequences.labels(sequence), steps) : indices(steps), [linked, sequences, sequence, steps])
  const { order, asked: clustering, sort, enough } = useOrder(chosen.curves, mask)
  const features = useMemo(() => linked && model.inputs[0].tokens === undefined
    ? sequences.features.map((name, feature) => ({ name, values: Array.from({ length: steps }, (_, step) => sequences.at(sequence, step, feature)) }))
    : [], [linked, sequences, sequence, steps])
  // Without a choice the unit that goes highest: something is to be seen of it.
  useEffect(() => { if (param('unit') === '') go({ unit: highest(chosen.curves) }) }, [chosen])
  // What was chosen of another unit or tensor does not move on.
  useEffect(() => { moving.value = null }, [chosen.tensor, key])

  return (
    <>
      <div class='controls'>
        <SequencePicker count={shape[0]} />
        {cells.length < 2 ? null : <Choice name='cell' title='Cell' value={cell.place} options={cells.map((one) => [one.place, one.place.replace(/\/$/, '')] as const)} />}
        {axesToChoose(axes).slice(1).map((axis) => <AxisPicker key={axis} axis={axis} size={shape[axes.indexOf(axis)]} at={place[axis]} />)}
        <Choice name='tensor' title='Look at' value={chosen.tensor} options={named.map(({ tensor, title }) => [tensor, title] as const)} />
        <Choice name='sort' title='Sort its units by' value={sort} options={Object.entries(sorts).filter(([name]) => name !== 'clusters' || enough)} />
        <Choice name='scale' title='Colours' value={own ? 'largest' : 'fixed'} options={[['fixed', 'from -1 to 1'], ['largest', 'to the largest of each picture']]} />
        <ZoomFields steps={steps} />
      </div>
      <Waiting of={clustering} what='Clustering the units' />
      <Readout tensors={named} labels={labels} mask={mask} features={features} />
      {masked.length === 0 ? null : <p class='note'>Hatched and grey steps are masked: the layer did not read them. Its states are carried over there, and its gates are 0.</p>}
      {linked ? null : <p class='note'>The steps of this layer are not those of the model's first input, so they have their index as a name, and no input curves.</p>}
      <div class='states-grid'>
        <Inputs call={call} features={features} labels={labels} masked={masked} sequence={sequence} />
        <Outputs call={call} model={model} tensors={tensors} sequence={sequence} labels={linked ? labels : null} masked={masked} />
        {named.map(({ tensor, title, curves, low, limit }) => (
          <Figure
            key={`${cell.place}${tensor}`} name={`states-${tensor.replace('gates/', 'gate-')}`} title={`${title[0].toUpperCase()}${title.slice(1)}`} call={call}
            note={noteOf(tensor, steps, units)} table={() => tableOf(curves, labels, mask)}
          >
            <Heatmap title={title} curves={curves} order={order} masked={masked} labels={labels} low={low} limit={limit} />
          </Figure>
        ))}
      </div>
      <Unit call={call} tensors={named} labels={labels} mask={mask} masked={masked} chosen={chosen} sequence={sequence} />
      {plain
        ? <Search body={body} id={id} layer={key} tensor={`${cell.place}${chosen.tensor}`} title={chosen.title} units={units} steps={steps} sequences={shape[0]} labels={(of) => linked ? labelsOf(sequences.labels(of), steps) : indices(steps)} />
        : <p class='note'>Where else a unit is above a threshold can be asked of layers with one step axis and one value a unit.</p>}
    </>
  )
}

/** Where the address is on the axes that are chosen on. */
function placeOf (axes: readonly string[], shape: readonly number[], sequence: number): Place {
  return Object.fromEntries(axesToChoose(axes).map((axis) => [axis, axis === 'batch' ? sequence : whole(parameter(axis), 0, 0, shape[axes.indexOf(axis)] - 1)]))
}

const parameter = (axis: string): string => axis.replaceAll(' ', '-')

function AxisPicker ({ axis, size, at }: { axis: string, size: number, at: number }) {
  return <label>{axis[0].toUpperCase()}{axis.slice(1)} <input type='number' min={0} max={size - 1} value={at} onInput={(event) => go({ [parameter(axis)]: event.currentTarget.value })} /> of 0 to {size - 1}</label>
}

/** The steps that are seen, for those who do not zoom by hand. */
function ZoomFields ({ steps }: { steps: number }) {
  const seen = zoom.value.steps ?? { from: 0, to: steps - 1 }
  const change = (from: number, to: number): void => {
    if (Number.isNaN(from) || Number.isNaN(to) || from < 0 || to < from) return
    setZoom({ ...zoom.peek(), steps: from === 0 && to >= steps - 1 ? null : { from, to: Math.min(to, steps - 1) }, by: null })
  }
  return (
    <>
      <label>Show steps <input type='number' min={0} max={steps - 1} value={seen.from} onChange={(event) => change(event.currentTarget.valueAsNumber, seen.to)} /></label>
      <label>to <input type='number' min={0} max={steps - 1} value={Math.min(seen.to, steps - 1)} onChange={(event) => change(seen.from, event.currentTarget.valueAsNumber)} /></label>
      {zoom.value.steps === null && zoom.value.rows === null ? null : <button type='button' onClick={() => setZoom({ steps: null, rows: null, by: null })}>Show all</button>}
    </>
  )
}

function highest ({ units, values }: Curves): number {
  let best = 0
  for (let n = 0; n < values.length; n++) if (values[n] > values[best] || Number.isNaN(values[best])) best = n
  return best % units
}

const indices = (steps: number): string[] => Array.from({ length: steps }, (_, n) => String(n))
const labelsOf = (labels: readonly string[], steps: number): readonly string[] => labels.length === steps ? labels : indices(steps)
const titleOf = (tensor: string): string => tensor.startsWith('gates/') ? tensor === 'gates/candidate' ? 'candidate' : `${tensor.slice(6)} gate` : tensor === 'cell' ? 'cell state' : 'hidden state'

function noteOf (tensor: string, steps: number, units: number): string {
  const more = units > 512 || steps > 250 ? ' Where there are more numbers than pixels, a pixel is the mean of those it stands for; zoom in to see each.' : ''
  if (tensor === 'hidden') return `What the layer says to what follows: blue below 0, orange above, and the ground's own colour at 0.${more}`
  if (tensor === 'cell') return `What the layer keeps for later: blue below 0, orange above. Nothing bounds it, so the ends are its largest magnitude.${more}`
  if (tensor === 'gates/candidate') return `What the layer would write into its state: blue below 0, orange above.${more}`
  return `The ground's colour is 0, closed: nothing passes. The strongest orange is 1, wide open.${more}`
}

/** A row a step, a column a unit. */
function tableOf ({ steps, units, values }: Curves, labels: readonly string[], mask: Uint8Array | null) {
  return {
    columns: ['step', 'label', 'masked', ...Array.from({ length: units }, (_, unit) => `unit ${unit}`)],
    rows: Array.from({ length: steps }, (_, step) => [step, labels[step], mask?.[step] === 0 ? 1 : 0, ...Array.from(values.subarray(step * units, (step + 1) * units), (value) => Number.isFinite(value) ? float32(value) : null)])
  }
}
