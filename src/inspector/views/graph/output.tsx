import type { Call } from '../../api/call.ts'
import { askTensors, type Tensor } from '../../api/tensors.ts'
import { useAsk } from '../../api/use-ask.ts'
import type { ModelAnswer } from '../../api/wire.ts'
import { Heatmap } from '../../charts/heatmap.tsx'
import { reach } from '../../charts/raster.ts'
import { Figure } from '../../parts/figure.tsx'
import { SequencePicker, sequenceOf } from '../../parts/pickers.tsx'
import { float32, shown, type Table } from '../../parts/table.ts'
import { Waiting } from '../../parts/waiting.tsx'
import { bodyOf, type Given } from '../../state/model.ts'
import { matrixOf } from '../weights/arrays.ts'

/** What a call of a layer gives for the given inputs, one sequence at a time. */
export function Output ({ model, given, of }: { model: ModelAnswer, given: Given, of: string }) {
  const call: Call = { method: 'POST', path: 'hidden-states', body: { ...bodyOf(model, given), layers: [of], tensors: ['output'] } }
  const asked = useAsk(JSON.stringify(call), (signal) => askTensors(call, signal))
  const outputs = [...asked.answer?.tensors ?? []].filter(([name]) => name.startsWith(`${of}/output`))
  return (
    <>
      <Waiting of={asked} what={`Asking what ${of} gives`} />
      {outputs.map(([name, tensor]) => <One key={name} name={name} tensor={tensor} call={call} />)}
    </>
  )
}

/** A canvas of the browser is no longer than this. */
const longest = 16_384

function One ({ name, tensor: { shape, data }, call }: { name: string, tensor: Tensor, call: Call }) {
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
    <Figure name={name.replaceAll(/[^\w-]/g, '-')} title={`${name} of sequence ${sequence}`} note={`[${shape.join(' × ')}], as Keras' own get_layer(name).output gives it. Across its last axis, down those before. Blue is below 0, orange above; the ends of the scale are ${shown(scale)} from 0.`} call={call} table={table}>
      <div class='controls'><SequencePicker count={shape[0]} /></div>
      {Math.max(matrix.rows.length, matrix.columns.length) > longest || size === 0
        ? <p>This is no picture: the numbers are in the CSV.</p>
        : <Heatmap data={values} rows={matrix.rows} columns={matrix.columns} axes={matrix.axes} scale={scale} height={Math.max(150, Math.min(420, 90 + 12 * matrix.rows.length))} label={`Heatmap of ${name}`} />}
    </Figure>
  )
}
