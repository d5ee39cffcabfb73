import { Choice } from '../../parts/pickers.tsx'
import { go } from '../../state/url.ts'
import type { Holdable } from './hold.ts'
import { Slider } from './slider.tsx'

interface Props {
  readonly of: readonly Holdable[]
  readonly held: Holdable | undefined
  /** -1: all. */
  readonly unit: number
  readonly step: number
  readonly value: number
  /** Steps of the sequence; 0 where those of the layer are others, so that none can be named. */
  readonly steps: number
}

/** Which gate or state is kept, of which unit, at which step, and at what. */
export function HoldControls ({ of, held, unit, step, value, steps }: Props) {
  return (
    <fieldset>
      <legend>A gate or a state</legend>
      <Choice name='hold' title='Hold' options={[['', 'nothing'], ...of.map(({ tensor }) => [tensor, tensor] as const)]} value={held?.tensor ?? ''} />
      {held === undefined
        ? null
        : (
          <>
            <Choice name='holdUnit' title='Unit' options={[['', `all ${held.units}`], ...Array.from({ length: held.units }, (_, n) => [String(n), String(n)] as const)]} value={unit < 0 ? '' : String(unit)} />
            <Choice name='holdStep' title='At' options={[['', 'every step'], ...Array.from({ length: steps }, (_, n) => [String(steps - 1 - n), `t-${n + 1} (step ${steps - 1 - n})`] as const)]} value={step < 0 ? '' : String(step)} />
            {steps > 0 ? null : <p class='note'>The steps of {held.key} are not those of the model's first input: it is held at every step.</p>}
            <Slider title='Value' from={held.range[0]} to={held.range[1]} value={value} onChange={(value) => go({ value })} />
          </>
          )}
    </fieldset>
  )
}
