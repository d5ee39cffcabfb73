import { useMemo } from 'preact/hooks'
import type { Call } from '../../api/call.ts'
import type { ModelAnswer, Tensors } from '../../api/wire.ts'
import { Figure } from '../../parts/figure.tsx'
import { float32, shown } from '../../parts/table.ts'
import { whole } from '../../state/url.ts'
import { AxisStart } from './axis-start.tsx'
import { curvesOf } from './cell.ts'
import { writesInputSteps } from './link.ts'
import { Lines, type Line } from './lines.tsx'

interface Around {
  readonly call: Call
  readonly masked: readonly { readonly from: number, readonly to: number }[]
  readonly sequence: number
}

/** Rows of curves at once; there may be any number of features. */
const mostRows = 6

/** What the model reads: each feature over the steps, in the numbers that were given. Nothing where steps are characters: they stand at the axes. */
export function Inputs ({ call, features, labels, masked, sequence }: Around & { features: readonly Line[], labels: readonly string[] }) {
  const start = whole('feature', 0, 0, Math.max(0, features.length - 1))
  const rows = useMemo(() => features.slice(start, start + mostRows).map((line) => [line]), [features, start])
  if (features.length === 0) return null
  const table = () => ({ columns: ['step', 'label', ...features.map(({ name }) => name)], rows: labels.map((label, step) => [step, label, ...features.map(({ values }) => values[step])]) })
  return (
    <Figure name='states-input' title='Input' call={call} table={table} note={`What sequence ${sequence} says, each feature on its own scale, in the numbers that were given.`}>
      {features.length > mostRows ? <AxisStart name='feature' title='Features from' value={start} last={features.length - 1} shown={rows.length} /> : null}
      <Lines label={`Curves of ${rows.map(([{ name }]) => name).join(', ')} over the steps`} labels={labels} masked={masked} rows={rows} />
    </Figure>
  )
}

interface OutputProps extends Around {
  readonly model: ModelAnswer
  readonly tensors: Tensors
  /** Of the steps, where they are those of the input; null where they are not. */
  readonly labels: readonly string[] | null
}

/** What the model says in the end: curves where it says something at every step, else its largest values. */
export function Outputs ({ call, model, tensors, sequence, labels, masked }: OutputProps) {
  return (
    <>
      {model.outputs.map((output) => {
        const tensor = tensors.tensors.get(`outputs/${output.name}`)
        if (tensor === undefined) return null
        const { shape } = tensor
        if (labels !== null && shape.length === 3 && shape[1] === labels.length && writesInputSteps(model, output.layer)) {
          const { units, values } = curvesOf(tensor, ['batch', 'step', 'unit'], { batch: sequence })
          return <OutputCurves key={output.name} name={output.name} units={units} values={values} unitNames={output.labels} call={call} labels={labels} masked={masked} sequence={sequence} />
        }
        return shape.length === 2 ? <OutputValues key={output.name} name={output.name} values={tensor.data.subarray(sequence * shape[1], (sequence + 1) * shape[1]) as Float32Array} labels={output.labels} /> : null
      })}
    </>
  )
}

function OutputCurves ({ name, units, values, unitNames, call, labels, masked, sequence }: Around & { name: string, units: number, values: Float32Array, unitNames?: readonly string[], labels: readonly string[] }) {
  const lines = useMemo(() => Array.from({ length: units }, (_, unit): Line => ({
    name: unitNames?.length === units ? unitNames[unit] : `${name} ${unit}`,
    values: labels.map((_, step) => numberOf(values[step * units + unit]))
  })), [values, units, labels])
  const start = whole('output', 0, 0, units - 1)
  const rows = useMemo(() => [lines.slice(start, start + mostRows)], [lines, start])
  const table = () => ({ columns: ['step', 'label', ...lines.map((line) => line.name)], rows: labels.map((label, step) => [step, label, ...lines.map((line) => line.values[step])]) })
  return (
    <Figure name={`states-output-${name.replaceAll('/', '-')}`} title={`Output ${name}`} call={call} table={table} note={`What the model says of sequence ${sequence} at every step.`}>
      {units > mostRows ? <AxisStart name='output' title='Output units from' value={start} last={units - 1} shown={rows[0].length} /> : null}
      <Lines label={`Curves of the output ${name} over the steps`} labels={labels} masked={masked} rows={rows} />
    </Figure>
  )
}

const mostValues = 6

/** The largest of the values of an output that is said once. */
function OutputValues ({ name, values, labels }: { name: string, values: Float32Array, labels?: readonly string[] }) {
  const best = Array.from(values, (value, unit) => ({ value, name: labels?.length === values.length ? labels[unit] : String(unit) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, mostValues)
  return (
    <section class='output' aria-label={`Output ${name}`}>
      <h3>Output {name}</h3>
      <p class='note'>What the model says after the last step{values.length > mostValues ? `, the largest of ${values.length} values` : ''}.</p>
      <dl>{best.map((one) => <div key={one.name}><dt>{one.name === ' ' ? '␣' : one.name}</dt><dd data-value={numberOf(one.value) ?? ''}>{shown(numberOf(one.value))}</dd></div>)}</dl>
    </section>
  )
}

const numberOf = (value: number): number | null => Number.isFinite(value) ? float32(value) : null
