import { useEffect, useState } from 'preact/hooks'
import { ask } from '../api/call.ts'
import { useAsk } from '../api/use-ask.ts'
import type { Inputs, ModelAnswer } from '../api/wire.ts'
import { Choice } from '../parts/pickers.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { bodyOf, given } from '../state/model.ts'
import { go, hash, modelId, param } from '../state/url.ts'
import { carriedBy, hashOf } from './address.ts'
import { Give } from './give.tsx'
import type { Reading } from './reading.ts'
import { shapeWords } from './shape.ts'
import { wordsOf } from './text.ts'

/** Inputs that the reader gave: offered first, and taken once the service has accepted them. */
interface Own extends Reading {
  readonly name: string
  /** What the address carries of them; null where they are too many for a link. */
  readonly hash: string | null
}

/** Where the model's inputs come from: its sample, the address, or what the reader gives. */
export function InputBar ({ model }: { model: ModelAnswer }) {
  const path = `models/${encodeURIComponent(model.id)}/sample?version=${model.version}`
  const sample = useAsk(path, (signal) => ask<{ inputs: Inputs, raw?: boolean }>({ method: 'GET', path }, signal))
  const [own, setOwn] = useState<Own | null>(null)
  const [offered, setOffered] = useState<{ own: Own, turn: number } | null>(null)
  const offer = (next: Own): void => setOffered((before) => ({ own: next, turn: (before?.turn ?? 0) + 1 }))
  const usual = sample.answer?.raw === true
  const raw = model.raw === true && (param('raw') === '' ? usual : param('raw') === 'true')
  // Where the address names another model already, its inputs are not for this one.
  const leaving = modelId.value !== model.id
  const carried = leaving ? own?.hash ?? '' : hash.value
  const damaged = carriedBy(carried) === undefined

  // What the service itself says of them, before any view is asked: shapes, ids, characters, finite numbers.
  const checked = useAsk(offered === null || sample.answer === null ? null : String(offered.turn), async (signal) => {
    const { inputs, raw: wanted, name } = offered!.own
    await ask({ method: 'POST', path: 'predict', body: bodyOf(model, { inputs, raw: wanted ?? raw, name, source: 'given' }) }, signal)
    return offered!.own
  })
  useEffect(() => {
    if (checked.answer === null || checked.answer !== offered?.own) return
    const { raw: wanted = raw, hash: own } = checked.answer
    setOwn(checked.answer)
    setOffered(null)
    go({ raw: wanted === usual ? null : String(wanted), ...own === carried ? {} : { sequence: null } }, false, own ?? '')
  }, [checked.answer])

  // An address that was opened, or gone back to.
  useEffect(() => {
    if (carried === (own?.hash ?? '')) return
    const found = carriedBy(carried)
    if (found === null) setOwn(null)
    else if (found !== undefined) offer({ ...found, said: [], hash: carried })
  }, [carried])

  useEffect(() => {
    if (leaving || sample.answer === null || carried !== (own?.hash ?? '')) return
    given.value = own === null
      ? { inputs: sample.answer.inputs, raw, name: 'its sample', source: 'sample' }
      : { inputs: own.inputs, raw, name: own.name, source: 'given' }
  }, [sample.answer, own, raw, carried])

  const toSample = (): void => {
    setOwn(null)
    setOffered(null)
    go({ raw: null, sequence: null }, false, '')
  }
  const shown = given.value
  const texts = (shown?.inputs as { text?: string | readonly string[] } | null)?.text
  return (
    <div class='inputs'>
      <Waiting of={sample} what='Reading the sample' />
      {offered === null ? null : <Waiting of={checked} what='The service reads the inputs' />}
      {damaged ? <p class='error' role='alert'>The inputs in this address are damaged or cut off. Ask for the whole link, or use the sample.</p> : null}
      <div class='controls'>
        {shown === null ? null : <span id='given'>Inputs: {shown.name}, {shapeWords(model, shown.inputs)}</span>}
        {model.raw === true && shown !== null ? <Choice name='raw' title='They are' value={String(raw)} options={[['true', "in the data's units (raw)"], ['false', 'scaled, as the model takes them']]} /> : null}
        {own !== null || carried !== '' || checked.error !== null ? <button type='button' onClick={toSample}>Use the sample</button> : null}
      </div>
      {shown === null ? null : <Said said={[...own === null ? [] : own.said, ...texts === undefined || model.text === undefined ? [] : wordsOf([texts].flat(), model.text, model.inputs[0].shape[1])]} />}
      {own !== null && own.hash === null ? <p class='note'>These inputs are too many for the address: a link to this page does not carry them, and reloading it shows the sample.</p> : null}
      <Give model={model} onRead={(reading, name) => offer({ ...reading, name, hash: hashOf({ inputs: reading.inputs, name }) })} />
    </div>
  )
}

/** What was done to the inputs, or is. */
function Said ({ said }: { said: readonly string[] }) {
  return said.length === 0 ? null : <div role='status'><ul class='said'>{said.map((sentence) => <li key={sentence}>{sentence}</li>)}</ul></div>
}
