import { useMemo, useRef } from 'preact/hooks'
import { Chart } from '../../charts/chart.tsx'
import type { EChartsType, Option } from '../../charts/echarts.ts'
import { theme } from '../../charts/theme.ts'
import { shown } from '../../parts/table.ts'
import { go } from '../../state/url.ts'
import { spotsOf, unitWords, type Spot, type UnitSummary } from './points.ts'

const axis = (name: string, text: string, faint: string) => ({
  type: 'value' as const,
  name,
  nameLocation: 'middle' as const,
  min: 0,
  max: 1,
  nameTextStyle: { color: text },
  axisLabel: { color: text },
  splitLine: { lineStyle: { color: faint } }
})

/** The units of one gate: how much of the time open, across, and shut, up. A click chooses the first unit of a point. */
export function Scatter ({ gate, units, chosen }: { gate: string, units: readonly UnitSummary[], chosen: number | null }) {
  const { text, faint, lines } = theme.value
  const spots = useMemo(() => spotsOf(units), [units])
  const latest = useRef(units)
  latest.current = units
  const option = useMemo<Option>(() => {
    const own = spots.filter((spot) => chosen !== null && spot.units.includes(chosen))
    const pointOf = ({ high, low }: Spot): number[] => [high, low]
    return {
      grid: { left: 56, right: 24, top: 16, bottom: 46 },
      tooltip: {
        trigger: 'item',
        formatter: (params: unknown) => {
          const { dataIndex, seriesName } = params as { dataIndex: number, seriesName: string }
          const { high, low, units } = (seriesName === 'chosen' ? own : spots)[dataIndex]
          return `${unitWords(units)}\nopen ${shown(100 * high)} %, shut ${shown(100 * low)} %`
        }
      },
      xAxis: { ...axis('open, share of the values', text, faint), nameGap: 28 },
      yAxis: { ...axis('shut, share of the values', text, faint), nameGap: 36 },
      series: [
        { type: 'line', name: 'always open or shut', data: [[0, 1], [1, 0]], symbol: 'none', silent: true, lineStyle: { color: text, width: 1, type: 'dashed', opacity: 0.5 }, tooltip: { show: false } },
        { type: 'scatter', name: gate, clip: false, data: spots.map(pointOf), symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) => 8 * Math.sqrt(Math.min(16, spots[dataIndex].units.length)), itemStyle: { opacity: 0.65 }, cursor: 'pointer' },
        { type: 'scatter', name: 'chosen', clip: false, data: own.map(pointOf), symbolSize: 16, itemStyle: { color: 'transparent', borderColor: lines[1], borderWidth: 3 } }
      ]
    }
  }, [spots, chosen, text])
  const onReady = (chart: EChartsType): undefined => {
    chart.on('click', ({ data }) => {
      const [high, low] = data as [number, number]
      go({ unit: latest.current.findIndex((one) => one.high === high && one.low === low) })
    })
  }
  return <Chart option={option} height={300} label={`Scatter of the ${gate} gate: open against shut, a point a unit`} onReady={onReady} />
}
