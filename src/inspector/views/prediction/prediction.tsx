import { useMemo } from 'preact/hooks'
import { ask, type Call } from '../../api/call.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { Receipt, Tensor } from '../../api/wire.ts'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { TensorFigure } from '../../parts/tensor-figure.tsx'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf } from '../../state/model.ts'
import { visible } from '../../state/outputs.ts'
import type { View, ViewProps } from '../view.ts'

interface PredictAnswer { readonly outputs: Readonly<Record<string, unknown>>, readonly receipt: Receipt }

/** What the model says of each sequence. */
export const prediction: View = { id: 'prediction', title: 'Prediction', question: 'What does it say?', fits: () => true, Component: Prediction }

function Prediction ({ model, given }: ViewProps) {
  const call: Call = { method: 'POST', path: 'predict', body: bodyOf(model, given) }
  const asked = useAsk(JSON.stringify(call), (signal) => ask<PredictAnswer>(call, signal))
  return (
    <>
      <Waiting of={asked} what='Predicting' />
      {Object.entries(asked.answer?.outputs ?? {}).map(([name, values]) => (
        <Output key={name} name={name} call={call} values={values as unknown[]} labels={model.outputs.find((output) => output.name === name)?.labels} />
      ))}
      {asked.answer === null ? null : <ReceiptNote receipt={asked.answer.receipt} />}
    </>
  )
}

interface OutputProps { readonly name: string, readonly values: readonly unknown[], readonly labels?: readonly string[], readonly call: Call }

/** One output: `[batch, unit]` as bars; one with axes between them, a step's say, as a heatmap a sequence. */
function Output (props: OutputProps) {
  const { name, values, call } = props
  const tensor = useMemo(() => tensorOf(values), [values])
  return tensor.shape.length > 2 ? <TensorFigure name={`prediction-${name}`} title={name} note='what the model says.' tensor={tensor} call={call} /> : <Bars {...props} />
}

/** Nested lists of one shape as one tensor; null, a number that is not finite, is no number. */
function tensorOf (values: readonly unknown[]): Tensor {
  const shape: number[] = []
  for (let at: unknown = values; Array.isArray(at); at = at[0]) shape.push(at.length)
  return { shape, data: Float32Array.from(values.flat(Infinity) as (number | null)[], (value) => value ?? Number.NaN) }
}

/** Sequences that are drawn: more bars than these are no picture. */
const drawn = 6

function Bars ({ name, values, labels, call }: OutputProps) {
  const rows = useMemo(() => values.map((sequence) => [sequence].flat() as (number | null)[]), [values])
  const units = rows[0]?.length ?? 0
  const names = Array.from({ length: units }, (_, unit) => labels !== undefined && labels.length === units ? labels[unit] : String(unit))
  const { text, faint } = theme.value
  const option = useMemo<Option>(() => ({
    grid: { left: 60, right: 20, top: 30, bottom: 50 },
    tooltip: { trigger: 'axis' },
    legend: rows.length > 1 ? { top: 0, data: rows.slice(0, drawn).map((_, n) => `sequence ${n}`), textStyle: { color: text } } : undefined,
    xAxis: { type: 'category', data: names.map(visible), axisLabel: { color: text } },
    yAxis: { type: 'value', axisLabel: { color: text }, splitLine: { lineStyle: { color: faint } } },
    series: rows.slice(0, drawn).map((row, n) => ({ type: 'bar' as const, name: `sequence ${n}`, data: row }))
  }), [rows, text])
  const table = () => ({ columns: ['sequence', 'unit', name], rows: rows.flatMap((row, n) => row.map((value, unit) => [n, names[unit], value])) })
  const note = rows.length > drawn ? `The first ${drawn} of ${rows.length} sequences are drawn; the numbers of all are in the table.` : undefined
  return <Figure name={`prediction-${name}`} title={name} note={note} call={call} table={table}><Chart option={option} height={260} label={`Bars of ${name} for each sequence`} /></Figure>
}

function ReceiptNote ({ receipt }: { receipt: Receipt }) {
  return <p class='receipt'>Computed by {receipt.engine}; {receipt.sound ? 'a second way agrees' : <strong>a second way does not agree</strong>} within {receipt.maxDifference} (allowed: {receipt.tolerance}).</p>
}
