import { useMemo } from 'preact/hooks'
import { cellsOption } from '../../charts/cells.ts'
import { Chart } from '../../charts/chart.tsx'
import { narrow } from '../../charts/narrow.ts'
import { theme } from '../../charts/theme.ts'
import { sequencesOf } from '../../input/sequences.ts'
import { Figure } from '../../parts/figure.tsx'
import { visible } from '../../state/outputs.ts'
import type { Answered } from './answered.ts'
import type { Subject } from './relevance.tsx'
import { short } from './words.ts'

/** Steps that a picture has room for; the table has all. */
const room = 60
/** Features that it has room for: those with the largest parts. */
const rowsOfIt = 24

/** Which feature of which step: integrated gradients of one sequence. */
export function FeatureMap ({ of: { call, method, answer }, model, given, output, sequence }: Omit<Subject, 'of'> & { of: Answered }) {
  const sequences = useMemo(() => sequencesOf(model, given), [given])
  const told = answer.methods[method]
  const inputs = answer.stepInputs
  if (sequence === null) return <p class='note'>With one sequence, the gradients also say which feature of which step: choose <q>one sequence</q> above.</p>
  const [name] = inputs
  const batch = inputs.length > 1 ? (told.features as Record<string, unknown>)[name] : told.features
  const [rows] = (batch ?? []) as (number | null)[][][]
  if (!Array.isArray(rows) || !Array.isArray(rows[0]) || rows[0].some((value) => Array.isArray(value))) return null
  const width = rows[0].length
  const embedded = model.inputs.find((input) => input.name === name)?.shape.length === 2
  const named = model.features?.length === width ? model.features : Array.from({ length: width }, (_, n) => `${embedded ? 'embedding' : 'feature'} ${n}`)
  const last = answer.lastStep?.[0] ?? rows.length - 1
  const labels = name === model.inputs[0].name ? sequences.labels(0) : []
  // A text shorter than what the model reads is padded on the left.
  const before = rows.length - labels.length
  const lagOf = (step: number): string => step > last ? 'masked' : `t-${last - step + 1}`
  const titles = rows.map((_, step) => {
    const label = labels[step - before]
    return label === undefined || label === String(step) ? lagOf(step) : `${visible(label)} ${lagOf(step)}`
  })
  // Characters that are not there would be most of the picture.
  const largest = named.map((_, feature) => rows.reduce((most, row) => Math.max(most, Math.abs(row[feature] ?? 0)), 0))
  const used = named.map((_, feature) => feature).filter((feature) => largest[feature] > 0).sort((a, b) => largest[b] - largest[a]).slice(0, rowsOfIt).sort((a, b) => a - b)
  const small = narrow.value
  const from = Math.max(0, rows.length - room)
  const option = useMemo(() => cellsOption(theme.value, {
    columns: titles.slice(from),
    rows: used.map((feature) => visible(named[feature])),
    data: rows.slice(from).flatMap((row, column) => used.flatMap((feature, n) => row[feature] === null ? [] : [[column, n, row[feature]] as const])),
    shown: short,
    written: used.length * Math.min(room, rows.length) <= 50 && !small,
    left: 30 + 7 * Math.max(3, ...used.map((feature) => named[feature].length))
  }), [answer, small, theme.value])
  const table = () => ({ columns: ['step', 'lag', 'feature', method], rows: rows.flatMap((row, step) => row.map((value, feature) => [step, lagOf(step), named[feature], value])) })
  return (
    <Figure
      name='relevance-features' call={call} table={table}
      title={`Which feature of which step: ${output.title}, sequence ${sequence}`}
      note={`Integrated gradients of each number that goes in: orange raises the output, blue lowers it; together they are what the steps are in the bars above.${inputs.length > 1 ? ` Of the inputs ${inputs.join(', ')} this is ${name}.` : ''}${used.length < width ? ` The ${used.length} features with the largest parts of ${width}; the table has all.` : ''}${from > 0 ? ` The last ${room} of ${rows.length} steps.` : ''}`}
    >
      {used.length === 0 ? <p>No feature plays a part.</p> : <Chart option={option} height={120 + Math.max(4, used.length) * 26} label={`Heatmap of ${used.length} features by ${rows.length - from} steps`} />}
    </Figure>
  )
}
