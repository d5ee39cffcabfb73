import { useId } from 'preact/hooks'
import { shown } from '../../parts/table.ts'

interface Props {
  readonly title: string
  readonly from: number
  readonly to: number
  readonly value: number
  /** What it is without a change; nothing where there is no such value. */
  readonly was?: number
  readonly onChange: (value: number) => void
}

/** A slider with a number beside it, which may lie outside of the slider's range. */
export function Slider ({ title, from, to, value, was, onChange }: Props) {
  const id = useId()
  // Steps of a slider that reads well: a hundredth or so of the range, as a round number.
  const step = 10 ** Math.floor(Math.log10((to - from) / 50))
  const rounded = (given: number): number => Number((Math.round(given / step) * step).toPrecision(12))
  return (
    <div class='slider'>
      <label for={id}>{title}</label>
      <input
        id={id} type='range' min={from} max={to} step='any' value={value}
        onKeyDown={(event) => {
          const by = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step }[event.key]
          if (by === undefined) return
          event.preventDefault()
          // From where the slider is: a key that is held comes faster than the page is drawn.
          const slider = event.currentTarget
          slider.value = String(rounded(Number(slider.value) + by))
          onChange(Number(slider.value))
        }}
        onInput={(event) => onChange(Math.max(from, Math.min(to, rounded(Number(event.currentTarget.value)))))}
      />
      <input
        type='number' step='any' value={value} aria-label={`${title}, as a number`}
        onInput={(event) => { if (event.currentTarget.validity.valid && event.currentTarget.value !== '') onChange(Number(event.currentTarget.value)) }}
      />
      <small>{was === undefined ? '' : `was ${shown(was)}`}</small>
    </div>
  )
}
