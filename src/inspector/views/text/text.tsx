import type { Call } from '../../api/call.ts'
import { askTensors, type Tensor } from '../../api/tensors.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { ModelAnswer, RecurrentLayer } from '../../api/wire.ts'
import { sequencesOf } from '../../input/sequences.ts'
import { ColouredText, Scale } from '../../parts/coloured-text.tsx'
import { Figure } from '../../parts/figure.tsx'
import { Choice } from '../../parts/pickers.tsx'
import { float32, shown } from '../../parts/table.ts'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf } from '../../state/model.ts'
import { go, param, whole } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { Ranking } from './ranking-list.tsx'
import { mover } from './steps.ts'

/** Text coloured by one unit, as Karpathy drew it ("The Unreasonable Effectiveness of Recurrent Neural Networks", 2015). */
export const text: View = {
  id: 'text',
  title: 'Text by a unit',
  question: 'What does a unit track?',
  fits: (model) => model.text !== undefined && layersOf(model).length > 0,
  Component: Text
}

/** The layers that have a value for each unit at each step. */
const layersOf = ({ recurrentLayers }: ModelAnswer): readonly RecurrentLayer[] => recurrentLayers.filter(({ axes }) => axes.join() === 'batch,step,unit')

/** What `tensors` of a request calls a tensor of this name. */
const kindOf = (name: string): string => name.includes('/gates/') ? 'gates' : name.split('/').at(-1)!

function Text ({ model, given }: ViewProps) {
  const layers = layersOf(model)
  const layer = layers.find(({ key }) => key === param('layer')) ?? layers[0]
  const names = layer.tensors.filter((name) => !name.includes('/final/'))
  const name = names.includes(param('tensor')) ? param('tensor') : names[0]
  const sequences = sequencesOf(model, given)
  const moved = mover(model, layer.key)
  const readable = sequences.text || model.text?.encoding === 'ids'
  const call: Call = { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: layer.key, tensors: kindOf(name) } }
  const asked = useAsk(readable && moved === null ? JSON.stringify(call) : null, (signal) => askTensors(call, signal))
  const tensor = asked.answer?.tensors.get(name)
  const texts = Array.from({ length: sequences.count }, (_, n) => sequences.labels(n))
  const fitting = tensor !== undefined && tensor.shape.length === 3 && tensor.shape[0] === texts.length && texts.every(({ length }) => length === tensor.shape[1])
  return (
    <>
      <div class='controls'>
        {layers.length > 1 ? <Choice name='layer' title='Layer' value={layer.key} options={layers.map(({ key, type }) => [key, `${key} (${type})`] as const)} /> : null}
        <Choice name='tensor' title='Value' value={name} options={names.map((own) => [own, own.slice(layer.key.length + 1)] as const)} />
      </div>
      {readable ? null : <p>These inputs are numbers, not text: give a text above.</p>}
      {moved === null ? null : <p>The steps of {layer.key} need not be those of the text: between them stands {moved}. A character could stand on another one's value, so nothing is drawn.</p>}
      <Waiting of={asked} what='Reading the text' />
      {tensor !== undefined && !fitting && !asked.pending ? <p>The layer has {tensor.shape[1]} steps and the text {texts[0]?.length}: they are not the same ones.</p> : null}
      {tensor !== undefined && fitting ? <ByUnit texts={texts} tensor={tensor} mask={asked.answer?.tensors.get(`${layer.key}/mask`)} name={name} call={call} /> : null}
    </>
  )
}

interface ByUnitProps { readonly texts: readonly (readonly string[])[], readonly tensor: Tensor, readonly mask: Tensor | undefined, readonly name: string, readonly call: Call }

/** `tensor` is `[batch, step, unit]`, its steps the characters of the texts; `mask` is `[batch, step]`. */
function ByUnit ({ texts, tensor, mask, name, call }: ByUnitProps) {
  const [, steps, units] = tensor.shape
  const unit = whole('unit', 0, 0, units - 1)
  const at = (sequence: number, step: number, of = unit): number => tensor.data[(sequence * steps + step) * units + of]
  const read = (sequence: number, step: number): boolean => mask === undefined || mask.data[sequence * steps + step] !== 0
  const coloured = texts.map((characters, n) => characters.map((character, step) => ({ text: character, value: read(n, step) ? at(n, step) : null })))
  const scale = float32(Math.max(0, ...coloured.map((line) => line.reduce((most, { value }) => Math.max(most, Math.abs(value ?? 0)), 0))))
  return (
    <>
      <div class='controls'>
        <button type='button' disabled={unit === 0} onClick={() => go({ unit: unit - 1 })}>Previous unit</button>
        <label>Unit <input type='number' min={0} max={units - 1} value={unit} onChange={(event) => go({ unit: event.currentTarget.value })} /> of 0 to {units - 1}</label>
        <button type='button' disabled={unit === units - 1} onClick={() => go({ unit: unit + 1 })}>Next unit</button>
      </div>
      <Figure
        name='text-unit' title={`${name}, unit ${unit}`} call={call}
        note={`Each character stands on the value of the unit just after it was read: blue below 0, orange above, the more the farther from it. The outermost colours are at ${shown(scale)} from 0, as far as this unit goes here. A dot is a step of zeros, before a short text or for a character outside the alphabet${mask === undefined ? '' : '; masked steps have no colour'}.`}
        table={() => ({
          columns: ['sequence', 'step', 'character', `${name} unit ${unit}`],
          rows: texts.flatMap((characters, n) => characters.map((character, step) => [n, step, character, float32(at(n, step))]))
        })}
      >
        <Scale scale={scale} from={-1} />
        <ColouredText texts={coloured} scale={scale} />
      </Figure>
      <Ranking texts={texts} read={(n, step) => texts[n][step] !== '' && read(n, step)} tensor={tensor} unit={unit} />
    </>
  )
}
