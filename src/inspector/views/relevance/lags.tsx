import { Fragment } from 'preact'
import { useMemo } from 'preact/hooks'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import type { Table } from '../../parts/table.ts'
import { lagsInTime } from './answer.ts'
import type { Answered } from './answered.ts'
import type { Subject } from './relevance.tsx'
import { check, type Check } from './sums.ts'
import { answerInWords, short } from './words.ts'

const meanings: Readonly<Record<Answered['method'], string>> = {
  shapley: 'what a step adds to the prediction, averaged over every order in which the steps could arrive',
  insertion: 'what each step adds to those after it: t-1 alone, then t-2 to it, and so on',
  'integrated-gradients': 'the gradient along the way from the baseline to the input, times that way',
  occlusion: 'what is lost where one step is not there',
  memory: 'which step wrote the memory that is there after the last step, as a share of it; not which input caused the prediction'
}

const standIns: Readonly<Record<string, string>> = { mean: 'the mean of the training data', zeros: 'zeros', masked: 'a masked step', given: 'what was given' }

/** How much the output takes from each of the last steps, by one method, with the sum that proves it. */
export function Lags ({ of: { call, method, answer }, output, unit, sequence }: Omit<Subject, 'of'> & { of: Answered }) {
  const lags = lagsInTime(answer)
  const told = answer.methods[method]
  const single = sequence !== null
  const checked = useMemo(() => check(method, answer), [answer])
  const { text, faint, lines } = theme.value
  const values = lags.map((lag) => single ? told.lags[lag][0] : answer.summary[lag].meanAbs)
  const ranges = lags.map((lag, n) => [n, answer.summary[lag].q05, answer.summary[lag].q95] as const)
  const option = useMemo<Option>(() => ({
    grid: { left: 60, right: 20, top: 40, bottom: 30 },
    tooltip: { trigger: 'axis', valueFormatter: (value) => typeof value === 'number' ? short(value) : Array.isArray(value) ? '' : String(value) },
    legend: single ? undefined : { top: 0, textStyle: { color: text }, data: ['mean absolute value', 'q05 to q95'] },
    xAxis: { type: 'category', data: lags, axisLabel: { color: text } },
    yAxis: { type: 'value', axisLabel: { color: text }, splitLine: { lineStyle: { color: faint } } },
    series: [
      { type: 'bar', name: single ? method : 'mean absolute value', data: values, label: { show: true, position: 'top', color: text, formatter: ({ value }) => typeof value === 'number' ? short(value) : '' } },
      ...single
        ? []
        : [{
            // A span beside the bar, with its ends: between which nine sequences of ten are.
            type: 'custom' as const,
            name: 'q05 to q95',
            itemStyle: { color: lines[1] },
            data: ranges.map((range) => [...range]),
            encode: { x: 0, y: [1, 2] },
            renderItem: (_: unknown, api: { value: (n: number) => number, coord: (at: number[]) => number[], size?: (of: number[]) => number[] | number }) => {
              const [x, low] = api.coord([api.value(0), api.value(1)])
              const [, high] = api.coord([api.value(0), api.value(2)])
              const at = x + ([api.size?.([1, 0]) ?? 0].flat()[0]) * 0.42
              const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: 'line' as const, shape: { x1, y1, x2, y2 }, style: { stroke: lines[1], lineWidth: 2 } })
              return { type: 'group' as const, children: [line(at, low, at, high), line(at - 5, low, at + 5, low), line(at - 5, high, at + 5, high)] }
            }
          }]
    ]
  } as Option), [answer, text])
  const table = (): Table => single
    ? {
        columns: ['lag', method, 'share'],
        rows: [
          ...method === 'memory' || method === 'occlusion' ? [] : [['baseline value', answer.baselineValue[0], null]],
          ...lags.map((lag) => [lag, told.lags[lag][0], answer.summary[lag].share]),
          ...method === 'memory' || method === 'occlusion' ? [] : [['value', answer.value[0], null]]
        ]
      }
    : { columns: ['lag', 'meanAbs', 'share', 'q05', 'q95', 'count'], rows: lags.map((lag) => { const { meanAbs, share, q05, q95, count } = answer.summary[lag]; return [lag, meanAbs, share, q05, q95, count] }) }
  const note = (
    <>
      {method}: {meanings[method]}. t-1 is the last step that the model reads, t-2 the one before it, <q>older</q> all before the window.{' '}
      {method === 'memory' ? '' : `A step that is not there is replaced by ${standIns[answer.baseline] ?? answer.baseline}. `}
      {single ? '' : `Bars are mean absolute values over ${answer.value.length} sequences; the line beside a bar is where nine sequences of ten lie, and may be on both sides of 0.`}
    </>
  )
  return (
    <Figure
      name='relevance-lags' call={call} table={table}
      title={`What ${output.title} takes from each step`}
      note={note}
    >
      <p class='answer'>{answerInWords(method, answer, output.title, unit)}</p>
      <Chart option={option} height={300} label={`Bars by lag: ${lags.map((lag, n) => `${lag} ${values[n] === null ? 'nothing' : short(values[n])}`).join(', ')}`} />
      <SumCheck of={checked} method={method} sequence={sequence} residual={told.residual} />
    </Figure>
  )
}

/** The sum, in words and numbers: what each sequence's lags add up to, and whether that is what the model says. */
function SumCheck ({ of: checked, method, sequence, residual }: { of: Check | null, method: string, sequence: number | null, residual?: number }) {
  if (checked === null) return <p class='sum'>{method === 'occlusion' ? 'What occlusion says of single steps does not add up to the prediction, and is not meant to.' : 'There is nothing to add up.'}</p>
  const { sums, worst, verdict } = checked
  const count = sums.length
  const whose = count === 1 ? (sequence === null ? '' : `Sequence ${sequence}: `) : `Sequence ${sums.indexOf(worst)}, the furthest off of ${count}: `
  const said = { yes: 'It adds up', nearly: 'It adds up no better than that: the gradients have not converged', no: 'It does NOT add up' }[verdict]
  return (
    <p class={`sum ${verdict === 'yes' ? '' : 'error'}`} role={verdict === 'no' ? 'alert' : undefined} data-adds-up={verdict}>
      {whose}
      {method === 'memory' ? `${short(worst.start)} (the state before)` : `${short(worst.start)} (without any of the steps)`}
      {worst.lags.map(([lag, value]) => <Fragment key={lag}> <span class='term'>{value < 0 ? '−' : '+'} {short(Math.abs(value))} ({lag})</span></Fragment>)}
      {' '}= <strong>{precise(worst.total)}</strong>, and {method === 'memory' ? 'shares add up to' : 'the model says'} <strong>{precise(worst.expected)}</strong>.{' '}
      {said}: the two are {worst.apart === 0 ? 'equal' : `${short(worst.apart)} apart`}{count > 1 && verdict === 'yes' ? ', and no other sequence further' : ''}.
      {residual === undefined ? '' : ` The service's own residual${method === 'memory' ? ', of the state itself,' : ''} is ${short(residual)}.`}
    </p>
  )
}

/** Enough digits that a sum which is off shows it. */
const precise = (value: number): string => String(Number(value.toPrecision(7)))
