import { useMemo } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import type { Tensors } from '../../api/tensors.ts'
import { Chart } from '../../charts/chart.tsx'
import type { Option } from '../../charts/echarts.ts'
import { Heatmap } from '../../charts/heatmap.tsx'
import { reach } from '../../charts/raster.ts'
import { theme } from '../../charts/theme.ts'
import { Figure } from '../../parts/figure.tsx'
import { matrixOf } from '../../parts/matrix.ts'
import { float32, shown, type Table } from '../../parts/table.ts'
import { histogram, kindsOf, type Group, type Kind } from './arrays.ts'

/** What the arrays of a recurrent layer do, by their names in the equations. */
const meanings: Readonly<Record<string, readonly [title: string, note: string]>> = {
  W: ['W: what the gates hear of the input', 'A row is a feature of the input, a column a unit.'],
  U: ['U: what the gates hear of the state before', 'A row is a unit whose last value is heard, a column the unit that hears it.'],
  b: ['b: where the gates stand by themselves', 'One number a unit, added at every step.'],
  rb: ['rb: the bias of the recurrent part', 'One number a unit, added to what is heard of the state before.']
}

const bins = 41
/** A canvas of the browser is no longer than this. */
const longest = 16_384

/** The arrays of one kind, a heatmap and a histogram each, all in one scale; that of the same kind in the other direction too. */
export function KindFigure ({ group, kind, values, siblings, features, call }: { group: Group, kind: Kind, values: Tensors, siblings: readonly Group[], features: readonly string[] | null, call: Call }) {
  const dataOf = (path: string, name: string): Float32Array => (values.tensors.get(`${path}/${name}`)?.data ?? new Float32Array()) as Float32Array
  const scale = useMemo(() => reach(...siblings.flatMap((other) => kindsOf(other).filter(({ name }) => name === kind.name).flatMap(({ arrays }) => arrays.map(({ name }) => dataOf(other.path, name))))), [values, kind.name])
  const [title, note] = group.gates.length === 0 ? [kind.name, ''] : meanings[kind.name] ?? [kind.name, '']
  const all = kind.arrays.map((one) => ({ ...one, data: dataOf(group.path, one.name), matrix: matrixOf(one.line, features) }))
  const table = (): Table => ({
    columns: ['array', all[0].matrix.axes[0] === '' ? 'row' : all[0].matrix.axes[0], all[0].matrix.axes[1], 'value'],
    rows: all.flatMap(({ name, data, matrix: { rows, columns } }) => rows.flatMap((row, r) => columns.map((column, c) => [name, row, column, numberOf(data[r * columns.length + c])])))
  })
  return (
    <Figure name={`weights-${`${group.path}-${kind.name}`.replaceAll(/[^\w-]/g, '-')}`} title={`${group.path}, ${title}`} note={`${note} Blue is below 0, orange above; the ends of the scale are ${shown(scale)} from 0. Beside it: how many of the numbers are how large.`} call={call} table={table}>
      <div class='arrays'>
        {all.map(({ name, gate, line: { shape }, data, matrix }) => (
          <section key={name} aria-label={name}>
            <h3>{name}{gate === null ? '' : `, ${gate} gate`} <small>[{shape.join(', ')}]</small></h3>
            {Math.max(matrix.rows.length, matrix.columns.length) > longest
              ? <p>More than {longest} rows are no picture: the numbers are in the CSV.</p>
              : (
                <div class='array'>
                  <Heatmap data={data} rows={matrix.rows} columns={matrix.columns} axes={matrix.axes} scale={scale} height={heightOf(matrix.rows.length)} left={leftOf(matrix.rows)} label={`Heatmap of ${name}, ${shape.join(' by ')}`} />
                  <Histogram data={data} scale={scale} name={name} height={heightOf(matrix.rows.length)} />
                </div>
                )}
          </section>
        ))}
      </div>
    </Figure>
  )
}

const numberOf = (value: number): number | null => Number.isFinite(value) ? float32(value) : null
const heightOf = (rows: number): number => Math.max(140, Math.min(420, 80 + rows * (rows > 12 ? 6 : 16)))
const leftOf = (rows: readonly string[]): number => 24 + Math.min(110, 7 * Math.max(...rows.slice(0, 500).map(({ length }) => length)))

function Histogram ({ data, scale, name, height }: { data: Float32Array, scale: number, name: string, height: number }) {
  const { text, faint } = theme.value
  const option = useMemo<Option>(() => ({
    grid: { left: 48, right: 12, top: 34, bottom: 46 },
    tooltip: { trigger: 'axis' },
    xAxis: { type: 'category', data: Array.from({ length: bins }, (_, n) => shown((2 * n + 1 - bins) / bins * scale)), axisLabel: { color: text, interval: (bins - 3) / 2 } },
    yAxis: { type: 'value', minInterval: 1, splitNumber: 3, axisLabel: { color: text, hideOverlap: true }, splitLine: { lineStyle: { color: faint } } },
    series: [{ type: 'bar', name: 'numbers', barCategoryGap: '5%', data: histogram(data, scale, bins) }]
  }), [data, scale, text])
  return <Chart option={option} height={height} label={`Histogram of ${name}`} />
}
