import { float32, shown } from '../../parts/table.ts'
import { go } from '../../state/url.ts'
import type { Named } from './states.tsx'
import { hovered, pointer } from './signals.ts'
import { visible } from './frame.ts'

interface Props {
  readonly tensors: readonly Named[]
  readonly labels: readonly string[]
  readonly mask: Uint8Array | null
  readonly features: readonly { readonly name: string, readonly values: readonly (number | null)[] }[]
}

/** The pointer's step and unit in numbers. Without a mouse the two fields say which. */
export function Readout ({ tensors, labels, mask, features }: Props) {
  const { steps, units } = tensors[0].curves
  const step = Math.min(pointer.value.step, steps - 1)
  const unit = Math.min(pointer.value.unit, units - 1)
  const label = labels[step]
  return (
    <section class='readout' aria-label='At the pointer'>
      <label>Step <input type='number' name='step' min={0} max={steps - 1} value={step} onInput={(event) => go({ step: event.currentTarget.value })} /></label>
      {label === String(step) ? null : <span class='letter'>{visible(label)}</span>}
      <label>Unit <input type='number' name='unit' min={0} max={units - 1} value={unit} onInput={(event) => go({ unit: event.currentTarget.value })} /></label>
      {mask?.[step] === 0 ? <strong>masked: not read</strong> : null}
      <dl>
        {tensors.map(({ tensor, title, curves }) => <Value key={tensor} name={tensor} title={title} value={numberOf(curves.values[step * units + unit])} />)}
        {features.map(({ name, values }) => <Value key={`feature ${name}`} name={name} title={name} value={values[step]} />)}
      </dl>
      <small>{hovered.value === null ? 'Point at a picture, or say which.' : 'Click to stay here.'}</small>
    </section>
  )
}

const numberOf = (value: number): number | null => Number.isFinite(value) ? float32(value) : null

function Value ({ name, title, value }: { name: string, title: string, value: number | null }) {
  return <div><dt>{title}</dt><dd data-name={name} data-value={value ?? ''}>{shown(value)}</dd></div>
}
