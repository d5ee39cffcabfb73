import { useMemo } from 'preact/hooks'
import { ask, type Call } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import { useAskEach } from '../../api/use-ask-each.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { oneOf } from '../../input/change.ts'
import { sequencesOf } from '../../input/sequences.ts'
import { Choice, SequencePicker, sequenceOf } from '../../parts/pickers.tsx'
import { EachWaiting } from '../../parts/each-waiting.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { activationOf, outputOf, outputsOf, type Output } from '../../state/outputs.ts'
import { bodyOf, type Given } from '../../state/model.ts'
import { go, param, whole } from '../../state/url.ts'
import type { View, ViewProps } from '../view.ts'
import { methods, type Method, type RelevanceAnswer } from './answer.ts'
import type { Answered } from './answered.ts'
import { FeatureMap } from './feature-map.tsx'
import { Gates } from './gates-figure.tsx'
import { Lags } from './lags.tsx'
import { SideBySide } from './side-by-side.tsx'

/** Which of the last steps a prediction takes from, and which gate makes it so. */
export const relevance: View = {
  id: 'relevance', title: 'Relevance', question: 'Which steps does it use, and which gate decides?', fits: ({ recurrentLayers }) => recurrentLayers.length > 0, Component: Relevance
}

/** What the pictures are of: the same for all of them. */
export interface Subject {
  readonly model: ModelAnswer
  /** The sequences that are asked about: one, or all that are given. */
  readonly given: Given
  /** All that are given. */
  readonly all: Given
  readonly output: Output
  readonly of: 'value' | 'logit'
  readonly window: number
  /** The sequence that is looked at; null: all, on average. */
  readonly sequence: number | null
  /** What the output's numbers are in, for a sentence. */
  readonly unit: string
}

function Relevance ({ model, given }: ViewProps) {
  const sequences = useMemo(() => sequencesOf(model, given), [model, given])
  const outputs = useMemo(() => outputsOf(model), [model])
  const sequence = sequenceOf(sequences.count)
  const part = useMemo(() => oneOf(model, given.inputs, sequence), [model, given, sequence])
  const single = part !== null && (sequences.count < 2 || param('over') === 'one')
  const asked = useMemo<Given>(() => single ? { ...given, inputs: part } : given, [given, part, single])
  const likeliest = useLikeliest(model, asked, outputs)
  const output = outputOf(outputs) ?? likeliest.output
  const activation = output === null ? null : activationOf(model, model.outputs.find(({ name }) => name === output.name)!)
  const ends = activation === 'softmax' || activation === 'sigmoid'
  const of = ends && param('of') === 'logit' ? 'logit' : 'value'
  const unit = of === 'logit' ? 'before the ' + activation! : activation === 'softmax' ? 'as a probability' : given.raw ? 'in the units of the data' : 'in the model\'s own units'
  const subject: Subject | null = output === null ? null : { model, given: asked, all: given, output, of, window: whole('window', 5, 1, 10), sequence: single ? sequence : null, unit }
  return (
    <>
      <div class='controls'>
        <Choice name='output' title='Output' options={outputs.map(({ asked, title }) => [asked, title] as const)} value={output?.asked ?? ''} />
        {ends ? <Choice name='of' title='Of' options={[['value', 'the output itself'], ['logit', `before the ${activation}`]]} value={of} /> : null}
        {sequences.count < 2 ? null : <Choice name='over' title='Over' options={[['all', `all ${sequences.count} sequences, on average`], ...part === null ? [] : [['one', 'one sequence'] as const]]} value={single ? 'one' : 'all'} />}
        {single ? <SequencePicker count={sequences.count} /> : null}
        <label>Window{' '}<input type='number' min={1} max={10} value={whole('window', 5, 1, 10)} onInput={(event) => { if (event.currentTarget.validity.valid) go({ window: event.currentTarget.value }) }} /> last steps</label>
        <Choice name='baseline' title='In place of a step' options={[['', 'what suits the model'], ['mean', 'the training mean'], ['zeros', 'zeros'], ['masked', 'a masked step']]} value={param('baseline')} />
      </div>
      <Waiting of={likeliest.asked} what='Predicting' />
      {subject === null ? null : <Told {...subject} />}
      {subject === null ? null : <Gates {...subject} />}
    </>
  )
}

/** Of a distribution the output that is looked at first is what the model holds likeliest, for the first sequence that is asked about; else the first one. */
function useLikeliest (model: ModelAnswer, given: Given, outputs: readonly Output[]) {
  const [first] = model.outputs
  const distribution = outputOf(outputs) === null && activationOf(model, first) === 'softmax'
  const call: Call = { method: 'POST', path: 'predict', body: bodyOf(model, given) }
  const asked = useAsk(distribution ? JSON.stringify(call) : null, (signal) => ask<{ outputs: Readonly<Record<string, unknown>> }>(call, signal))
  if (!distribution) return { asked, output: outputs[0] }
  let row: unknown = (asked.answer?.outputs[first.name] as unknown[] | undefined)?.[0]
  while (Array.isArray(row) && Array.isArray(row[0])) row = row.at(-1)
  const values = Array.isArray(row) ? row as (number | null)[] : []
  const best = values.reduce((one: number, value, n) => (value ?? -Infinity) > (values[one] ?? -Infinity) ? n : one, 0)
  return { asked, output: values.length === 0 ? null : outputs.find(({ name, index }) => name === first.name && index === best) ?? outputs[0] }
}

/** What each method says, asked one by one: what one of them cannot do is no other's trouble. */
function Told (subject: Subject) {
  const { model, given, output, of, window, sequence } = subject
  const chosen = methods.find((method) => method === param('method')) ?? 'shapley'
  const baseline = param('baseline')
  const order = useMemo<Method[]>(() => [chosen, ...methods.filter((method) => method !== chosen)], [chosen])
  const calls = order.map((method): Call => ({
    method: 'POST',
    path: 'relevance',
    body: { ...bodyOf(model, given), output: output.asked, ...of === 'logit' ? { of } : {}, window, ...baseline === '' ? {} : { baseline }, methods: method }
  }))
  const asked = useAskEach(JSON.stringify(calls), calls.map((call, n) => async (signal): Promise<Answered> => ({ call, method: order[n], answer: await ask<RelevanceAnswer>(call, signal) })), 1)
  const answers = asked.answers.flatMap((answer) => answer === null || answer instanceof Error ? [] : [answer])
  const refusals = asked.answers.flatMap((answer, n) => answer instanceof Error ? [{ method: order[n], reason: answer.message }] : [])
  const own = answers.find(({ method }) => method === chosen)
  const gradients = answers.find(({ method }) => method === 'integrated-gradients')
  return (
    <>
      <div class='controls'><Choice name='method' title='Method' options={methods} value={chosen} /></div>
      <EachWaiting of={asked} what={`Asking ${methods.length} methods`} />
      {refusals.filter(({ method }) => method === chosen).map(({ method, reason }) => <p key={method} class='error' role='alert'>{method}: {reason}</p>)}
      {own === undefined ? null : <Lags {...subject} of={own} />}
      {answers.length === 0 ? null : <SideBySide {...subject} answers={methods.flatMap((method) => answers.find((answer) => answer.method === method) ?? [])} refusals={refusals} />}
      {gradients === undefined ? null : <FeatureMap {...subject} of={gradients} sequence={sequence} />}
    </>
  )
}
