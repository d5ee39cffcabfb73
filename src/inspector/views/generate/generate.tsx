import { useMemo, useState } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { sequencesOf } from '../../input/sequences.ts'
import { ColouredText, Scale } from '../../parts/coloured-text.tsx'
import { Figure } from '../../parts/figure.tsx'
import { Choice, LayerPicker, layerOf } from '../../parts/pickers.tsx'
import { ErrorNote } from '../../parts/waiting.tsx'
import { go, number, param, whole } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { useWriting, type Written } from './use-writing.ts'

const longest = 10_000

/** A model of characters writes on. */
export const generate: View = {
  id: 'generate',
  title: 'Writing',
  question: 'What does it write?',
  fits: (model) => model.text !== undefined && model.inputs.length === 1 && model.outputs.length === 1,
  Component: Generate
}

function Generate ({ model, given }: ViewProps) {
  const wish = wishOf(model)
  const colour = param('colour', 'probability')
  const layer = layerOf(model)
  const states = layer === undefined ? [] : statesOf(layer.key, layer.tensors)
  const state = states.includes(param('state')) ? param('state') : states[0]
  const unit = whole('unit', 0, 0, Math.max(0, (layer?.units ?? 1) - 1))
  const byUnit = colour === 'unit' && state !== undefined
  const call: Call | null = wish === null
    ? null
    : { method: 'POST', path: 'generate', accept: 'text/event-stream', body: { model: model.id, version: model.version, ...wish, probabilities: true, ...byUnit ? { states: { [layer.key]: [unit] } } : {} } }
  const { steps, pending, cancelled, error, cancel: handleCancel } = useWriting(call, wish?.length ?? 0)
  const stateOf = (step: Written): number | null => byUnit ? valueAt(step.states?.[layer.key], state) : null
  const values = steps.map((step) => byUnit ? stateOf(step) : colour === 'probability' ? step.probabilities[step.text] ?? null : null)
  const scale = byUnit ? Math.max(0, ...values.map((value) => Math.abs(value ?? 0))) : 1
  const place = whole('character', 0, 0, Math.max(0, steps.length - 1))
  const meaning = byUnit
    ? 'Each character stands on the value that the unit had when the character was said.'
    : colour === 'probability' ? 'Each character stands on the probability that the model itself gave it, before temperature and top K: those in the colours of 0 were unlikely.' : ''
  const column = byUnit ? `${layer.key} ${state} unit ${unit}` : null
  return (
    <>
      <Wish model={model} prompt={wish?.prompt ?? sequencesOf(model, given).labels(0).join('')} />
      <div class='waiting' aria-live='polite'>
        {pending ? <p class='progress'><progress aria-label='Writing' value={steps.length} max={wish?.length} /> {steps.length} of {wish?.length} characters <button type='button' onClick={handleCancel}>Cancel</button></p> : null}
        {cancelled ? <p class='progress'>Cancelled after {steps.length} of {wish?.length} characters.</p> : null}
        {error === null ? null : <ErrorNote error={error} />}
      </div>
      {call === null || steps.length === 0
        ? null
        : (
          <>
            <div class='controls'>
              <Choice name='colour' title='Coloured by' value={byUnit ? 'unit' : colour} options={[['probability', 'its own probability'], ...state === undefined ? [] : [['unit', 'the state of a unit'] as const], ['none', 'nothing']]} />
              {byUnit
                ? (
                  <>
                    <LayerPicker model={model} />
                    <Choice name='state' title='State' value={state} options={states} />
                    <label>Unit <input type='number' min={0} max={layer.units - 1} value={unit} onChange={(event) => go({ unit: event.currentTarget.value })} /> of 0 to {layer.units - 1}</label>
                  </>
                  )
                : null}
            </div>
            <Figure
              name='generate-text' title={`What ${model.id} writes`} call={call}
              note={`After the prompt “${wish!.prompt}”. ${meaning} Choose a character to see what else it might have been.`}
              table={() => ({
                columns: ['character', 'text', 'probability', ...column === null ? [] : [column]],
                rows: steps.map((step, n) => [n, step.text, step.probabilities[step.text] ?? null, ...column === null ? [] : [stateOf(step)]])
              })}
            >
              {colour === 'none' ? null : <Scale scale={scale} from={byUnit ? -1 : 0} />}
              <ColouredText texts={[steps.map(({ text }, n) => ({ text, value: values[n] }))]} scale={scale} marked={[0, place]} onChoose={(_, chosen) => go({ character: chosen })} />
            </Figure>
            <Opened step={steps[place]} place={place} count={steps.length} call={call} />
          </>
          )}
    </>
  )
}

interface Wished { readonly prompt: string, readonly length: number, readonly temperature: number, readonly topK?: number, readonly seed: number }

/** What the address asks to be written; null where it asks nothing. */
function wishOf ({ text }: ModelAnswer): Wished | null {
  if (text === undefined || param('prompt') === '' || param('seed') === '') return null
  const topK = whole('topK', 0)
  return { prompt: param('prompt'), length: whole('length', 200, 1, longest), temperature: Math.max(0, number('temperature') ?? 1), ...topK === 0 ? {} : { topK }, seed: whole('seed', 1) }
}

/** What to write on from, and how; it is written when the reader says so. */
function Wish ({ model, prompt }: { model: ModelAnswer, prompt: string }) {
  const [temperature, setTemperature] = useState(Math.max(0, number('temperature') ?? 1))
  const write = (event: SubmitEvent): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const another = (event.submitter as HTMLButtonElement | null)?.value === 'another'
    const seed = another ? crypto.getRandomValues(new Uint32Array(1))[0] : String(form.get('seed'))
    go({ prompt: String(form.get('prompt')), length: String(form.get('length')), temperature, topK: String(form.get('topK')), seed, character: null })
  }
  return (
    <form class='wish' onSubmit={write}>
      <label>Prompt<textarea name='prompt' rows={2} required defaultValue={prompt} /></label>
      <div class='controls'>
        <label>Characters <input name='length' type='number' min={1} max={longest} required defaultValue={String(whole('length', 200, 1, longest))} /></label>
        <label>Temperature <input type='range' min={0} max={2} step={0.05} value={temperature} onInput={(event) => setTemperature(Number(event.currentTarget.value))} /> {temperature}{temperature === 0 ? ', the likeliest each time' : ''}</label>
        <label>Top K <input name='topK' type='number' min={1} max={model.text?.alphabet.length} placeholder='all' defaultValue={param('topK')} /></label>
        <label>Seed <input name='seed' type='number' min={0} max={Number.MAX_SAFE_INTEGER} required key={param('seed')} defaultValue={param('seed', '1')} /></label>
        <button type='submit'>Write</button>
        <button type='submit' value='another'>Write with another seed</button>
      </div>
    </form>
  )
}

const barsShown = 20

/** What a character might have been: the probabilities that the model gave. */
function Opened ({ step, place, count, call }: { step: Written, place: number, count: number, call: Call }) {
  const { text, faint, lines } = theme.value
  const ranked = useMemo(() => Object.entries(step.probabilities).sort(([, a], [, b]) => b - a), [step])
  const named = (character: string): string => character === ' ' ? '␣' : character === '\n' ? '↵' : character
  const option = useMemo<Option>(() => ({
    grid: { left: 60, right: 20, top: 20, bottom: 30 },
    tooltip: { trigger: 'axis' },
    xAxis: { type: 'category', data: ranked.slice(0, barsShown).map(([character]) => named(character)), axisLabel: { color: text, interval: 0 } },
    yAxis: { type: 'value', min: 0, max: 1, axisLabel: { color: text }, splitLine: { lineStyle: { color: faint } } },
    series: [{ type: 'bar' as const, name: 'probability', data: ranked.slice(0, barsShown).map(([character, value]) => ({ value, itemStyle: { color: lines[character === step.text ? 1 : 0] } })) }]
  }), [ranked, text])
  const own = ranked.findIndex(([character]) => character === step.text)
  return (
    <>
      <div class='controls'>
        <button type='button' disabled={place === 0} onClick={() => go({ character: place - 1 })}>Previous character</button>
        <label>Character <input type='number' min={0} max={count - 1} value={place} onChange={(event) => go({ character: event.currentTarget.value })} /> of 0 to {count - 1}</label>
        <button type='button' disabled={place === count - 1} onClick={() => go({ character: place + 1 })}>Next character</button>
      </div>
      <Figure
        name='generate-character' title={`Character ${place}: “${named(step.text)}”`} call={call}
        note={`It was number ${own + 1} of ${ranked.length} in likelihood (the other colour). These are the model's own probabilities, before temperature and top K${ranked.length > barsShown ? `; the ${barsShown} likeliest are drawn` : ''}.`}
        table={() => ({ columns: ['character', 'probability'], rows: ranked })}
      >
        <Chart option={option} height={240} label={`Bars of the likeliest characters at place ${place}`} />
      </Figure>
    </>
  )
}

/** The states of a layer that can colour a text, by their path in the answer: `hidden`, `forward/cell`. */
const statesOf = (key: string, tensors: readonly string[]): string[] => tensors.filter((name) => name.includes('/final/')).map((name) => name.slice(key.length + 1).replace('final/', ''))

/** The one number at a path of a layer's states. */
function valueAt (states: unknown, path: string): number | null {
  const found = path.split('/').reduce<unknown>((value, part) => (value as Readonly<Record<string, unknown>> | null | undefined)?.[part], states)
  const [value] = Array.isArray(found) ? found : []
  return typeof value === 'number' ? value : null
}
