import { useMemo } from 'preact/hooks'
import type { ModelAnswer } from '../../api/wire.ts'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { shown } from '../../parts/table.ts'
import { visible } from '../../state/outputs.ts'
import { short } from '../relevance/words.ts'
import { lastVector } from './hold.ts'
import type { Predicted } from './what-if.tsx'

interface Props { readonly model: ModelAnswer, readonly without: Predicted, readonly changed: Predicted | null, readonly stale: boolean }

/** The prediction as it is and as it would be, each output in a picture. */
export function Beside ({ model, without, changed, stale }: Props) {
  return <>{Object.keys(without.outputs).map((name) => <Output key={name} {...{ model, without, changed, stale, name }} />)}</>
}

function Output ({ model, without, changed, stale, name }: Props & { name: string }) {
  const [before, after] = [without, changed].map((predicted) => predicted === null ? null : lastVector(predicted.outputs[name][0]))
  const labels = model.outputs.find((output) => output.name === name)?.labels
  const names = before!.map((_, unit) => labels?.length === before!.length ? labels[unit] : String(unit))
  const deep = Array.isArray((without.outputs[name][0] as unknown[] | undefined)?.[0])
  const difference = (unit: number): number | null => typeof before![unit] === 'number' && typeof after?.[unit] === 'number' ? after[unit] - before![unit] : null
  const { text, faint } = theme.value
  const option = useMemo<Option>(() => ({
    grid: { left: 60, right: 20, top: 40, bottom: 40 },
    tooltip: { trigger: 'axis', valueFormatter: (value) => typeof value === 'number' ? shown(value) : '' },
    legend: { top: 0, textStyle: { color: text }, data: after === null ? ['without'] : ['without', 'with'] },
    xAxis: { type: 'category', data: names.map(visible), axisLabel: { color: text } },
    yAxis: { type: 'value', axisLabel: { color: text }, splitLine: { lineStyle: { color: faint } } },
    series: [{ type: 'bar', name: 'without', data: before! }, ...after === null ? [] : [{ type: 'bar' as const, name: 'with', data: after }]]
  }), [without, changed, text])
  const table = () => ({ columns: ['unit', 'without', 'with', 'difference'], rows: names.map((unit, n) => [unit, before![n], after?.[n] ?? null, difference(n)]) })
  const said = (value: number | null): string => value === null ? 'none' : short(value)
  const order = names.map((_, unit) => unit).filter((unit) => difference(unit) !== null).sort((a, b) => Math.abs(difference(b)!) - Math.abs(difference(a)!)).slice(0, 4)
  return (
    <Figure
      name={`what-if-${name.replaceAll('/', '-')}`} title={`${name}, without and with`} table={table} call={changed === null ? without.call : [without.call, changed.call]}
      note={`The prediction of this sequence as it is, and with what is changed or held above.${deep ? ' Of an output with steps this is the last.' : ''}`}
    >
      <p class='answer' aria-live='polite' data-stale={stale}>
        {after === null
          ? stale ? 'The prediction with the change is not there yet.' : 'Nothing is changed or held yet.'
          : order.length === 0 || difference(order[0]) === 0
            ? 'That changes nothing in the prediction.'
            : order.map((unit) => `${visible(names[unit])}: ${said(before![unit])} → ${said(after[unit])} (${difference(unit)! > 0 ? '+' : ''}${said(difference(unit))})`).join('; ') + (names.length > order.length ? '; the others change less.' : '.')}
      </p>
      <Chart option={option} height={280} label={`Bars of ${name} without and with the change`} />
    </Figure>
  )
}
