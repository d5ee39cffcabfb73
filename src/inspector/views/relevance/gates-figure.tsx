import { useMemo } from 'preact/hooks'
import { ask, type Call } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import { useAskEach } from '../../api/use-ask-each.ts'
import { cellsOption } from '../../charts/cells.ts'
import { Chart } from '../../charts/chart.tsx'
import { narrow } from '../../charts/narrow.ts'
import { theme } from '../../charts/theme.ts'
import { EachWaiting } from '../../parts/each-waiting.tsx'
import { Figure } from '../../parts/figure.tsx'
import { Choice, LayerPicker, layerOf } from '../../parts/pickers.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { param } from '../../state/url.ts'
import { readsInputSteps } from '../states/link.ts'
import { heldCall, meansCall, plainCall } from './gate-calls.ts'
import { cellsOf, gatesOf, holds, lastSteps, meansOf, pick, stepsToHold, type Effect, type Hold } from './gates.ts'
import type { Subject } from './relevance.tsx'
import { listed, short } from './words.ts'

interface Plain { readonly steps: number, readonly layers: Readonly<Record<string, { readonly axes: readonly string[], readonly mask?: readonly (readonly unknown[])[] }>>, readonly outputs: Readonly<Record<string, readonly unknown[]>> }
interface Held { readonly outputs: Readonly<Record<string, readonly unknown[]>>, readonly intervened: Readonly<Record<string, readonly unknown[]>> }
interface Means { readonly layers: Readonly<Record<string, unknown>> }

const everyStep = 'every step'

/** Which gate decides: what the output changes by when a gate is held, at one step or at all. */
export function Gates (subject: Subject) {
  const { model, given, all } = subject
  const layer = layerOf(model)
  const hold = holds.find((one) => one === param('held')) ?? 'mean'
  const [means, plain] = [meansCall(model, all, layer), plainCall(model, given, layer)]
  const none = gatesOf(layer).length === 0
  const asked = useAsk(none ? null : JSON.stringify([means, plain, hold]), async (signal) => ({
    plain: await ask<Plain>(plain, signal),
    means: hold === 'mean' ? await ask<Means>(means, signal) : null
  }))
  const ready = asked.answer
  return (
    <>
      <h2 class='question'>Which gate decides?</h2>
      <div class='controls'>
        <LayerPicker model={model} />
        <Choice name='held' title='Held at' options={[['mean', 'what each unit is on average'], ['0', '0'], ['1', '1']]} value={hold} />
      </div>
      {none ? <p>{layer.key} ({layer.type}) has no gates that decide: each step writes the whole state anew.</p> : <Waiting of={asked} what='Reading the gates' />}
      {ready === null ? null : <Holding {...subject} hold={hold} plain={ready.plain} means={ready.means} meansCall={means} />}
    </>
  )
}

interface Run { readonly call: Call, readonly gate: ReturnType<typeof gatesOf>[number], readonly step: number | null }

function Holding ({ model, given, all, output, of, window, sequence, unit, hold, plain, means, meansCall }: Subject & { hold: Hold, plain: Plain, means: Means | null, meansCall: Call }) {
  const layer = layerOf(model)
  const { axes, mask } = plain.layers[layer.key]
  // Inside TimeDistributed a step is one of a sequence of sequences, and what is held at one is held in all of them; behind a layer that moves steps t-1 is no step of the input.
  const byStep = axes[1] === 'step' && plain.steps > 0 && readsInputSteps(model, layer.key)
  const count = plain.outputs[output.name].length
  const last = useMemo(() => lastSteps(byStep ? mask : undefined, count, plain.steps), [plain])
  const runs = useMemo(() => gatesOf(layer).flatMap((gate): Run[] => {
    const value = hold === 'mean' ? means === null ? null : meansOf(means, layer, gate) : Number(hold)
    if (value === null) return []
    return [null, ...byStep ? stepsToHold(last, window) : []].map((step) => ({ gate, step, call: heldCall(model, given, layer, gate, step, value) }))
  }), [plain, means, window, hold])
  const asked = useAskEach(JSON.stringify(runs.map(({ call }) => call)), runs.map(({ call }) => async (signal) => await ask<Held>(call, signal)))
  const effects = useMemo(() => runs.flatMap(({ gate, step }, n): Effect[] => {
    const answer = asked.answers[n]
    if (answer === null || answer instanceof Error) return []
    return last.flatMap((end, row) => {
      const lag = step === null ? everyStep : `t-${end - step + 1}`
      if (step !== null && (end - step < 0 || end - step >= window)) return []
      const [without, held] = [answer.outputs, answer.intervened].map((outputs) => pick(outputs[output.name][row], output.index, end, plain.steps))
      return without === null || held === null ? [] : [{ sequence: sequence ?? row, gate, lag, without, held, change: held - without }]
    })
  }), [asked.answers, output.asked])
  const single = sequence !== null
  const cells = cellsOf(effects, single)
  const titles = gatesOf(layer).map(({ title }) => title)
  const lags = [...byStep ? Array.from({ length: Math.min(window, plain.steps) }, (_, n) => `t-${n + 1}`).reverse() : [], everyStep].filter((lag) => !byStep || lag === everyStep || last.some((end) => end >= Number(lag.slice(2)) - 1))
  const turned = narrow.value
  const [columns, rows] = turned ? [titles, lags] : [lags, titles]
  const option = useMemo(() => cellsOption(theme.value, {
    columns,
    rows,
    data: cells.map(({ gate, lag, change }) => {
      const [column, row] = turned ? [gate.title, lag] : [lag, gate.title]
      return [columns.indexOf(column), rows.indexOf(row), change] as const
    }),
    shown: turned ? (value) => short(value, 2) : short,
    written: columns.length <= (turned ? 4 : 12),
    left: 30 + 7 * Math.max(...rows.map(({ length }) => length))
  }), [effects, turned, theme.value])
  const error = asked.answers.find((answer) => answer instanceof Error)
  const kept = hold === 'mean' ? `at its mean over ${all === given ? 'these' : 'all given'} sequences and steps` : `at ${hold}`
  const table = () => ({
    columns: ['sequence', 'gate', 'lag', 'output', 'held', 'change'],
    rows: effects.map(({ sequence, gate, lag, without, held, change }) => [sequence, gate.title, lag, without, held, change])
  })
  const note = (
    <>
      The model runs once as it is and once with one gate held: every unit of the gate is kept {kept}, at one step (t-1 is the last) or at every step, and all else goes on from there. The number is what that
      does to the prediction{single ? '' : ', the mean absolute change over the sequences'} ({of === 'logit' ? 'of the output itself, not of what is before it' : unit}). Where holding a gate changes much, what the gate does there
      decides; where it changes nothing, a constant would do as well. Gates act together: the changes do not add up.
      {byStep ? '' : ' This layer reads a sequence of sequences, or its steps are not those of the input: it is held at every step only.'}
    </>
  )
  return (
    <Figure
      name='relevance-gates' table={table} call={[...hold === 'mean' ? [meansCall] : [], ...runs.map(({ call }) => call)]}
      title={`What ${output.title} changes by when a gate of ${layer.key} is held`}
      note={note}
    >
      <EachWaiting of={asked} what={`Holding ${titles.length} gates`} />
      {error instanceof Error ? <p class='error' role='alert'>{error.message}</p> : null}
      {asked.pending || cells.length === 0 ? null : <p class='answer'>{gatesInWords(layer.key, cells.filter(({ lag }) => lag === everyStep), cells, output.title, kept, single)}</p>}
      <Chart option={option} height={110 + 44 * rows.length} label={`Heatmap of ${titles.length} gates by ${lags.length} lags: change of ${output.title}`} />
    </Figure>
  )
}

/** What a gate is about, for who has not met it. */
const about: Readonly<Record<string, string>> = {
  input: 'how much of what is new is let in',
  forget: 'how much of the memory is kept',
  candidate: 'what a step would write',
  output: 'how much of the memory is shown',
  update: 'how much of the state is kept',
  reset: 'how much of the state is read for what is new'
}

/** The gates in the order of what holding them at every step changes, and where the first of them acts. */
function gatesInWords (layer: string, every: ReturnType<typeof cellsOf>, cells: ReturnType<typeof cellsOf>, output: string, kept: string, single: boolean): string {
  const order = every.toSorted((a, b) => Math.abs(b.change) - Math.abs(a.change))
  if (order.length === 0) return ''
  const [first, ...rest] = order
  const by = (change: number): string => single ? `${change > 0 ? '+' : ''}${short(change)}` : short(change)
  if (first.change === 0) return `Held ${kept}, no gate of ${layer} changes ${output} at all: what it gives may not lead there.`
  const own = cells.filter(({ gate, lag }) => gate.title === first.gate.title && lag !== everyStep).toSorted((a, b) => Math.abs(b.change) - Math.abs(a.change))
  const where = own.length < 2 ? '' : ` Held at one step alone, ${first.gate.title} matters most at ${own[0].lag} (${by(own[0].change)}) and least at ${own.at(-1)!.lag} (${by(own.at(-1)!.change)}).`
  const others = rest.length === 0 ? '' : `, then ${listed(rest.map(({ gate, change }) => `${gate.title} by ${by(change)}`))}`
  return `The gate that decides is ${first.gate.title} (${about[first.gate.gate] ?? 'a gate of its own kind'}): held ${kept} at every step, it changes ${output} by ${by(first.change)}${single ? '' : ' on average'}${others}.${where}`
}
