import { useMemo } from 'preact/hooks'
import { ask, type Call } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import { useLastWins } from '../../api/use-last-wins.ts'
import { changed, oneOf, paddedSteps, readChanges, type Change } from '../../input/change.ts'
import { sequencesOf } from '../../input/sequences.ts'
import { SequencePicker, sequenceOf } from '../../parts/pickers.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf } from '../../state/model.ts'
import { go, number, param, whole } from '../../state/url.ts'
import { readsInputSteps } from '../states/link.ts'
import type { View, ViewProps } from '../view.ts'
import { Beside } from './beside.tsx'
import { HoldControls } from './hold-controls.tsx'
import { holdables, interventionOf } from './hold.ts'
import { InputControls } from './input-controls.tsx'

/** Another input, or a gate kept at a value, and what that does to the prediction. */
export const whatIf: View = { id: 'what-if', title: 'What if', question: 'What if ...?', fits: () => true, Component: WhatIf }

export type Outputs = Readonly<Record<string, readonly unknown[]>>
interface Answer { readonly outputs: Outputs, readonly intervened?: Outputs }

/** A prediction with the request that it is to. */
export interface Predicted { readonly call: Call, readonly outputs: Outputs }

function WhatIf ({ model, given }: ViewProps) {
  const sequences = useMemo(() => sequencesOf(model, given), [model, given])
  const sequence = sequenceOf(sequences.count)
  const one = useMemo(() => oneOf(model, given.inputs, sequence), [model, given, sequence])
  const text = param('change')
  const changes = useMemo<Change[]>(() => readChanges(text), [text])
  const inputs = useMemo(() => one === null ? null : changed(model, one, changes), [one, changes])
  const held = holdables(model).find(({ tensor }) => tensor === param('hold'))
  const value = number('value') ?? 0
  const steps = held !== undefined && readsInputSteps(model, held.key) ? sequences.labels(sequence).length : 0
  const step = whole('holdStep', -1, -1, steps - 1)
  const unit = held === undefined ? -1 : whole('holdUnit', -1, -1, held.units - 1)

  const plain: Call | null = one === null ? null : { method: 'POST', path: 'predict', body: bodyOf(model, { ...given, inputs: one }) }
  const without = useAsk(plain === null ? null : JSON.stringify(plain), async (signal): Promise<Predicted> => ({ call: plain!, outputs: (await ask<Answer>(plain!, signal)).outputs }))
  const other = changes.length > 0 || held !== undefined
  const call = inputs === null || !other ? null : callOf()
  function callOf (): Call {
    const body = bodyOf(model, { ...given, inputs })
    if (held === undefined) return { method: 'POST', path: 'predict', body }
    return { method: 'POST', path: 'hidden-states', body: { ...body, tensors: 'final', steps: 'last', intervene: [interventionOf(held, unit < 0 ? null : unit, step < 0 ? null : step, value)] } }
  }
  const base = JSON.stringify(plain)
  const asked = useLastWins(call === null ? null : JSON.stringify(call), async (signal): Promise<Predicted & { base: string }> => {
    const { outputs, intervened } = await ask<Answer>(call!, signal)
    return { call: call!, outputs: intervened ?? outputs, base }
  })
  if (one === null) return <p>The page does not take these inputs apart. Give them as nested lists or as a text.</p>
  const reset = (): void => go({ change: null, hold: null, holdUnit: null, holdStep: null, value: null })
  const latest = JSON.stringify(asked.answer?.call) === JSON.stringify(call ?? undefined)
  // A change of the same sequence may stay until the next is there; what was cancelled leaves an answer to something else, which is not shown.
  const withThem = other && asked.answer?.base === base && (latest || asked.pending) ? asked.answer : null
  return (
    <>
      <div class='controls'>
        <SequencePicker count={sequences.count} />
        <button type='button' onClick={reset} disabled={!other}>Reset</button>
      </div>
      <div class='what-if-controls'>
        <InputControls model={model} sequences={sequences} sequence={sequence} changes={changes} padded={paddedSteps(model, one)} />
        {model.recurrentLayers.length === 0 ? null : <HoldControls of={holdables(model)} held={held} unit={unit} step={step} value={value} steps={steps} />}
      </div>
      {changes.length > 0 && inputs === null ? <p class='error'>The page cannot write to these inputs. Give them as nested lists or as a text.</p> : null}
      <Waiting of={without} what='Predicting' />
      <Waiting of={asked} what='Predicting with the change' />
      {without.answer === null ? null : <Beside model={model} without={without.answer} changed={withThem} stale={!latest} />}
    </>
  )
}
