import type { ModelAnswer } from '../../api/wire.ts'
import { withChange, writeChanges, type Change } from '../../input/change.ts'
import type { Sequences } from '../../input/sequences.ts'
import { Choice } from '../../parts/pickers.tsx'
import { shown } from '../../parts/table.ts'
import { visible } from '../../state/outputs.ts'
import { go, param, whole } from '../../state/url.ts'
import { Slider } from './slider.tsx'

interface Props { readonly model: ModelAnswer, readonly sequences: Sequences, readonly sequence: number, readonly changes: readonly Change[], readonly padded: number }

/** More features than these are changed one at a time. */
const atOnce = 16

const put = (changes: readonly Change[]): void => go({ change: writeChanges(changes) })

/** Which step is changed, and to what: numbers by a slider each, characters by a list. */
export function InputControls ({ model, sequences, sequence, changes, padded }: Props) {
  const labels = sequences.labels(sequence)
  const steps = labels.length
  if (steps <= padded) return <fieldset><legend>The input</legend><p>This input has no steps that the page can change.</p></fieldset>
  const step = whole('step', steps - 1, padded, steps - 1)
  const numeric = sequences.features.length > 0 && sequences.at(sequence, 0, 0) !== null
  const tokens = sequences.features.length === 0 && !sequences.text && sequences.at(sequence, 0, 0) !== null
  const alphabet = sequences.text || tokens ? model.text?.alphabet ?? null : null
  if (!numeric && !tokens && alphabet === null) return <fieldset><legend>The input</legend><p>A step of this input is more than a list of numbers: the page does not change it.</p></fieldset>
  const options = labels.map((label, n) => [String(n), `t-${steps - n}: ${label === String(n) && numeric ? `step ${n}` : `${visible(label)} (step ${n})`}`] as const).slice(padded).reverse()
  const own = (feature: number | null): Change | undefined => changes.find((change) => change.step === step && change.feature === feature)
  return (
    <fieldset>
      <legend>The input</legend>
      <Choice name='step' title='Step' options={options} value={String(step)} />
      {numeric ? <Features {...{ sequences, sequence, changes, padded, step }} /> : null}
      {alphabet === null
        ? null
        : <Character alphabet={alphabet} was={labels[step]} value={own(null)?.value ?? null} onChoose={(value) => put(withChange(changes, step, null, value))} />}
      {tokens && alphabet === null
        ? <label>Token <input type='number' min={0} step={1} value={own(null)?.value ?? labels[step]} onInput={(event) => { if (event.currentTarget.validity.valid && event.currentTarget.value !== '') put(withChange(changes, step, null, Number(event.currentTarget.value))) }} /> was {labels[step]}</label>
        : null}
      <Changed {...{ model, sequences, sequence, changes, padded }} />
    </fieldset>
  )
}

function Features ({ sequences, sequence, changes, step }: Omit<Props, 'model'> & { step: number }) {
  const { features, at } = sequences
  const wanted = param('feature')
  const several = features.length <= atOnce
  const chosen = features.findIndex((_, n) => String(n) === wanted)
  const shownFeatures = chosen >= 0 ? [chosen] : several ? features.map((_, n) => n) : [0]
  return (
    <>
      {features.length < 2
        ? null
        : <Choice name='feature' title='Feature' options={[...several ? [['', 'all of them'] as const] : [], ...features.map((name, n) => [String(n), visible(name)] as const)]} value={chosen >= 0 ? String(chosen) : several ? '' : '0'} />}
      {shownFeatures.map((feature) => {
        const was = at(sequence, step, feature) ?? 0
        const [from, to] = rangeOf(sequences, feature)
        const change = changes.find((one) => one.step === step && one.feature === feature)
        return (
          <Slider
            key={feature} title={visible(features[feature])} from={from} to={to} value={change?.value ?? was} was={was}
            onChange={(value) => put(withChange(changes, step, feature, value === was ? null : value))}
          />
        )
      })}
    </>
  )
}

function Character ({ alphabet, was, value, onChoose }: { alphabet: readonly string[], was: string, value: number | null, onChoose: (value: number | null) => void }) {
  const before = alphabet.indexOf(was)
  return (
    <label>Character{' '}
      <select value={String(value ?? before)} onChange={(event) => { const chosen = Number(event.currentTarget.value); onChoose(chosen === before ? null : chosen) }}>
        {before < 0 ? <option value='-1'>{visible(was)}</option> : null}
        {alphabet.map((character, n) => <option key={n} value={String(n)}>{visible(character)}</option>)}
      </select> was {visible(was)}
    </label>
  )
}

/** What is changed, with a way back for each. */
function Changed ({ model, sequences: { features, at, labels, text }, sequence, changes, padded }: Props) {
  const own = labels(sequence)
  const steps = own.length
  const said = changes.filter(({ step }) => step >= padded && step < steps)
  if (said.length === 0) return <p class='note'>Nothing is changed.</p>
  const alphabet = features.length > 0 && !text ? null : model.text?.alphabet
  const name = (value: number): string => alphabet?.[value] === undefined ? String(value) : visible(alphabet[value])
  return (
    <ul class='changes' aria-label='Changes'>
      {said.map(({ step, feature, value }) => (
        <li key={`${step}:${feature}`}>
          {`t-${steps - step} `}{feature === null ? `${visible(own[step])} → ${name(value)}` : `${visible(features[feature] ?? `feature ${feature}`)}: ${shown(at(sequence, step, feature))} → ${shown(value)}`}{' '}
          <button type='button' aria-label={`Undo t-${steps - step}${feature === null ? '' : ` ${features[feature] ?? feature}`}`} onClick={() => put(withChange(changes, step, feature, null))}>Undo</button>
        </li>
      ))}
    </ul>
  )
}

/** From the least to the most that any given sequence has of a feature; a little room where all have the same. */
function rangeOf ({ count, steps, at }: Sequences, feature: number): [number, number] {
  let [from, to] = [Infinity, -Infinity]
  for (let n = 0; n < count; n++) {
    for (let step = 0; step < steps; step++) {
      const value = at(n, step, feature)
      if (value === null) continue
      from = Math.min(from, value)
      to = Math.max(to, value)
    }
  }
  return from < to ? [from, to] : [from - 1, to + 1]
}
