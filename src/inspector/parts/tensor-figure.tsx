import type { Call } from '../api/call.ts'
import type { Tensor } from '../api/tensors.ts'
import { Heatmap } from '../charts/heatmap.tsx'
import { reach } from '../charts/raster.ts'
import { Figure } from './figure.tsx'
import { matrixOf } from './matrix.ts'
import { SequencePicker, sequenceOf } from './pickers.tsx'
import { float32, shown, type Table } from './table.ts'

/** A canvas of the browser is no longer than this. */
const longest = 16_384

interface Props {
  readonly name: string
  readonly title: string
  /** What it is; how to read the picture is said after it. */
  readonly note: string
  readonly tensor: Tensor
  readonly call: Call
}

/** A tensor of any number of axes, one sequence at a time: a heatmap with its last axis across and those before down. */
export function TensorFigure ({ name, title, note, tensor: { shape, data }, call }: Props) {
  const sequence = sequenceOf(shape[0])
  const own = shape.slice(1)
  const size = own.reduce((a, b) => a * b, 1)
  const values = data.subarray(sequence * size, (sequence + 1) * size)
  const matrix = matrixOf({ shape: own, axes: own.map((_, axis) => `axis ${axis + 1}`) }, null)
  const scale = reach(values)
  const number = (value: number): number | null => Number.isFinite(value) ? float32(value) : null
  const table = (): Table => ({
    columns: ['sequence', matrix.axes[0] === '' ? 'row' : matrix.axes[0], matrix.axes[1], 'value'],
    rows: matrix.rows.flatMap((row, r) => matrix.columns.map((column, c) => [sequence, row, column, number(values[r * matrix.columns.length + c])]))
  })
  return (
    <Figure name={name} title={`${title} of sequence ${sequence}`} note={`[${shape.join(' × ')}], ${note} Across its last axis, down those before. Blue is below 0, orange above; the ends of the scale are ${shown(scale)} from 0.`} call={call} table={table}>
      <div class='controls'><SequencePicker count={shape[0]} /></div>
      {Math.max(matrix.rows.length, matrix.columns.length) > longest || size === 0
        ? <p>This is no picture: the numbers are in the CSV.</p>
        : <Heatmap data={values} rows={matrix.rows} columns={matrix.columns} axes={matrix.axes} scale={scale} height={Math.max(150, Math.min(420, 90 + 12 * matrix.rows.length))} label={`Heatmap of ${title}`} />}
    </Figure>
  )
}
