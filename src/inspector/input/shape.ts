import type { ModelAnswer } from '../api/wire.ts'
import { shapeOf } from './arrays.ts'
import { count, type Takes } from './reading.ts'
import { windowOf } from './text.ts'

type Known = Takes & Pick<ModelAnswer, 'recurrentLayers'>

/** The shape of what is given, for every input in axis words: `[batch 2, step 7, feature 4]`. */
export function shapeWords (model: Known, inputs: unknown): string {
  const { inputs: slots } = model
  const members = inputs as Readonly<Record<string, unknown>>
  const byName = typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs) && slots.every(({ name }) => Object.hasOwn(inputs, name))
  if (byName) return slots.map((slot) => `${slot.name} ${one(model, slot, members[slot.name])}`).join(', ')
  return one(model, slots[0], inputs)
}

function one (model: Known, { shape, tokens }: Takes['inputs'][number], given: unknown): string {
  const texts = typeof given === 'object' && given !== null && 'text' in given ? [(given as { text: string | readonly string[] }).text].flat() : null
  if (texts !== null && model.text !== undefined) {
    const { characters } = windowOf(texts[0] ?? '', model.text, shape[1])
    return `[batch ${texts.length}, step ${characters.length}] of characters`
  }
  const sizes = Array.isArray(given) ? shapeOf(given) : null
  if (sizes === null) return 'in a form that has no shape at sight'
  const axes = axesOf(model, sizes.length, tokens !== undefined)
  return `[${sizes.map((size, axis) => `${axes[axis]} ${size}`).join(', ')}]${tokens !== undefined ? ` of token ids (0 to ${tokens - 1})` : ''}`
}

/** The words of the axes of an input: those of the first recurrent layer where it reads as many, else what is usual. */
function axesOf ({ recurrentLayers }: Known, rank: number, ids: boolean): string[] {
  if (ids && rank === 2) return ['batch', 'step']
  const own = recurrentLayers[0]?.axes ?? []
  if (own.length === rank) return own.map((axis) => axis === 'unit' ? 'feature' : axis)
  if (rank === 2) return ['batch', 'feature']
  return Array.from({ length: rank }, (_, axis) => axis === 0 ? 'batch' : axis === 1 ? 'step' : axis === rank - 1 ? 'feature' : `axis ${axis}`)
}

/** `2 sequences`: how many there are, where that is plain. */
export function sizeOf (inputs: unknown): string {
  const first = typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs) ? 'text' in inputs ? [(inputs as { text: unknown }).text].flat() : Object.values(inputs)[0] : inputs
  return Array.isArray(first) ? count(first.length, 'sequence') : ''
}
