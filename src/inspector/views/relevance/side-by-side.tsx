import { useMemo } from 'preact/hooks'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { lagsInTime, type Method } from './answer.ts'
import type { Answered } from './answered.ts'
import type { Subject } from './relevance.tsx'
import { percent } from './words.ts'

interface Props extends Subject { readonly answers: readonly Answered[], readonly refusals: readonly { readonly method: Method, readonly reason: string }[] }

/** Every method's shares beside each other: where they agree, it is the network that speaks and not the method. */
export function SideBySide ({ answers, refusals, output, sequence }: Props) {
  const lags = lagsInTime(answers[0].answer)
  const { text, faint } = theme.value
  const option = useMemo<Option>(() => ({
    grid: { left: 50, right: 20, top: 60, bottom: 30 },
    tooltip: { trigger: 'axis', valueFormatter: (value) => typeof value === 'number' ? percent(value) : 'none' },
    legend: { top: 0, textStyle: { color: text }, data: answers.map(({ method }) => method) },
    xAxis: { type: 'category', data: lags, axisLabel: { color: text } },
    yAxis: { type: 'value', min: 0, axisLabel: { color: text, formatter: (share: number) => `${Math.round(100 * share)} %` }, splitLine: { lineStyle: { color: faint } } },
    series: answers.map(({ method, answer }) => ({ type: 'bar' as const, name: method, data: lags.map((lag) => answer.summary[lag]?.share ?? null) }))
  }), [answers.map(({ call }) => JSON.stringify(call)).join(), text])
  const table = () => ({
    columns: ['lag', 'method', 'share', 'meanAbs', 'q05', 'q95'],
    rows: lags.flatMap((lag) => answers.map(({ method, answer }) => {
      const { share, meanAbs, q05, q95 } = answer.summary[lag]
      return [lag, method, share, meanAbs, q05, q95]
    }))
  })
  return (
    <Figure
      name='relevance-methods' call={answers.map(({ call }) => call)} table={table}
      title={`The methods side by side: shares of ${output.title}`}
      note={`Each method's own share of each lag${sequence === null ? ', of its mean absolute values' : ''}. They ask different questions (memory: what is remembered; the others: what changes the prediction); where all say the same it does not hang on the method.`}
    >
      <Chart option={option} height={320} label={`Bars of the share of each lag by ${answers.map(({ method }) => method).join(', ')}`} />
      {refusals.length === 0 ? null : <ul class='refusals'>{refusals.map(({ method, reason }) => <li key={method}><strong>{method}</strong> is left out: {reason}</li>)}</ul>}
    </Figure>
  )
}
