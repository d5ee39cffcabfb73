import type { ModelAnswer, RecurrentLayer } from '../api/wire.ts'
import { go, param, whole } from '../state/url.ts'

/** A choice among `options` that stands in the address under `name`. */
export function Choice ({ name, title, options, value }: { name: string, title: string, options: readonly (string | readonly [value: string, shown: string])[], value: string }) {
  return (
    <label>{title}{' '}
      <select value={value} onChange={(event) => go({ [name]: event.currentTarget.value })}>
        {options.map((option) => {
          const [own, shown] = typeof option === 'string' ? [option, option] : option
          return <option key={own} value={own}>{shown}</option>
        })}
      </select>
    </label>
  )
}

/** The sequence of the address, among `count`. */
export const sequenceOf = (count: number): number => whole('sequence', 0, 0, Math.max(0, count - 1))

/** Which of the sequences is looked at; nothing where there is one. */
export function SequencePicker ({ count }: { count: number }) {
  if (count < 2) return null
  return (
    <label>Sequence{' '}
      <input type='number' min={0} max={count - 1} value={sequenceOf(count)} onInput={(event) => go({ sequence: event.currentTarget.value })} /> of 0 to {count - 1}
    </label>
  )
}

/** The recurrent layer of the address, the first where it names none. */
export function layerOf (model: ModelAnswer): RecurrentLayer {
  return model.recurrentLayers.find(({ key }) => key === param('layer')) ?? model.recurrentLayers[0]
}

export function LayerPicker ({ model }: { model: ModelAnswer }) {
  if (model.recurrentLayers.length < 2) return null
  return <Choice name='layer' title='Layer' value={layerOf(model).key} options={model.recurrentLayers.map(({ key, type }) => [key, `${key} (${type})`] as const)} />
}
