import { useMemo } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { kindsOf, type Group, type Stats } from './arrays.ts'

const columns = ['norm', 'mean', 'min', 'q05', 'q25', 'q50', 'q75', 'q95', 'max'] as const
const fileName = (what: string, { path }: Group): string => `weights-${path.replaceAll(/[^\w-]/g, '-')}-${what}`

/** How much each gate hears of the input, of the state before, and of neither: the norms of its arrays. */
export function Norms ({ group, stats, call }: { group: Group, stats: Stats, call: Call }) {
  const { text, faint } = theme.value
  const option = useMemo<Option>(() => ({
    grid: { left: 60, right: 20, top: 36, bottom: 30 },
    tooltip: { trigger: 'axis' },
    legend: { top: 0, textStyle: { color: text } },
    xAxis: { type: 'category', data: group.gates.map(({ gate }) => gate), axisLabel: { color: text } },
    yAxis: { type: 'value', axisLabel: { color: text }, splitLine: { lineStyle: { color: faint } } },
    series: kindsOf(group).map(({ name, arrays }) => ({ type: 'bar' as const, name, data: arrays.map((array) => stats.arrays[array.name].norm) }))
  }), [group, stats, text])
  const table = () => ({ columns: ['array', ...columns], rows: Object.entries(stats.arrays).map(([name, own]) => [name, ...columns.map((column) => own[column])]) })
  return (
    <Figure name={fileName('norms', group)} title={`${group.path}, how large the arrays of each gate are`} note='The Frobenius norm of each array: the higher a bar, the more its gate listens to the input (W), to the state before (U), or to nothing but itself (b).' call={call} table={table}>
      <Chart option={option} height={240} label='Bars of the norms by gate' />
    </Figure>
  )
}

/** How long each unit remembers by its biases alone. */
export function HalfLife ({ group, life: { gate, steps }, call }: { group: Group, life: NonNullable<Stats['halfLife']>, call: Call }) {
  const { text, faint } = theme.value
  const option = useMemo<Option>(() => ({
    grid: { left: 60, right: 20, top: 20, bottom: 46 },
    tooltip: { trigger: 'axis' },
    xAxis: { type: 'category', data: steps.map((_, unit) => String(unit)), name: 'unit', nameLocation: 'middle', nameGap: 28, nameTextStyle: { color: text }, axisLabel: { color: text, hideOverlap: true } },
    yAxis: { type: 'value', name: 'steps', nameTextStyle: { color: text }, axisLabel: { color: text }, splitLine: { lineStyle: { color: faint } } },
    series: [{ type: 'bar', name: 'half-life in steps', data: [...steps] }]
  }), [steps, text])
  const forever = steps.filter((value) => value === null).length
  return (
    <Figure
      name={fileName('half-life', group)} title={`${group.path}, how long each unit remembers at rest`}
      note={`Steps until half of a unit's memory is gone while nothing is read (x and h are 0), so that its ${gate} gate stands where its bias puts it.${forever === 0 ? '' : ` ${forever} units never lose half: they have no bar.`}`}
      call={call} table={() => ({ columns: ['unit', 'steps'], rows: steps.map((value, unit) => [unit, value]) })}
    >
      <Chart option={option} height={240} label='Bars of the half-life of each unit' />
    </Figure>
  )
}
