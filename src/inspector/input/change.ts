import type { Inputs, ModelAnswer } from '../api/wire.ts'
import { windowOf } from './text.ts'

/** Another number at one place of a sequence: of one feature, or what a step is as a whole, a token id or a place in the alphabet (`feature` null). */
export interface Change { readonly step: number, readonly feature: number | null, readonly value: number }

/** Changes as the address has them: `3:1:20.5` is step 3, feature 1; `3:12` is token 12 or character 12 of the alphabet at step 3. Several by commas; what is no change is left out. */
export function readChanges (text: string): Change[] {
  return text.split(',').flatMap((one) => {
    const found = /^(\d{1,7}):(?:(\d{1,7}):)?(-?[\d.]+(?:e[+-]?\d+)?)$/.exec(one)
    if (found === null || !Number.isFinite(Number(found[3]))) return []
    return [{ step: Number(found[1]), feature: found[2] === undefined ? null : Number(found[2]), value: Number(found[3]) }]
  })
}

export const writeChanges = (changes: readonly Change[]): string =>
  changes.map(({ step, feature, value }) => [step, ...feature === null ? [] : [feature], value].join(':')).join(',')

/** `changes` with one more, which takes the place of what is there; `value` null takes it away. */
export function withChange (changes: readonly Change[], step: number, feature: number | null, value: number | null): Change[] {
  const others = changes.filter((change) => change.step !== step || change.feature !== feature)
  return value === null ? others : [...others, { step, feature, value }].sort((a, b) => a.step - b.step || (a.feature ?? -1) - (b.feature ?? -1))
}

/** One sequence of the inputs of a request, as inputs of a batch of one; null where they are in a form that the page does not take apart (base64). */
export function oneOf (model: ModelAnswer, inputs: Inputs, sequence: number): Inputs | null {
  if (inputs === null || typeof inputs !== 'object') return null
  if (Array.isArray(inputs)) return sequence < inputs.length ? [inputs[sequence]] : null
  const given = inputs as Readonly<Record<string, unknown>>
  const names = Object.keys(given)
  if (names.length === model.inputs.length && model.inputs.every(({ name }) => Object.hasOwn(given, name))) {
    const parts = names.map((name) => [name, oneOf({ ...model, inputs: [] }, given[name], sequence)] as const)
    return parts.some(([, part]) => part === null) ? null : Object.fromEntries(parts)
  }
  for (const form of ['text', 'oneHot']) {
    const list = given[form]
    if (typeof list === 'string') return sequence === 0 ? inputs : null
    if (Array.isArray(list)) return sequence < list.length ? { [form]: [list[sequence]] } : null
  }
  const { shape, data, order } = given
  if (!Array.isArray(shape) || !Array.isArray(data) || order === 'F' || !(sequence < shape[0])) return null
  const each = data.length / shape[0]
  return { ...given, shape: [1, ...shape.slice(1)], data: data.slice(sequence * each, (sequence + 1) * each) }
}

/**
 * The inputs of one sequence with `changes` in them, the first input of a model with several; null where they are in a form that the page cannot write to. What lies
 * outside of the sequence changes nothing.
 */
export function changed (model: ModelAnswer, one: Inputs, changes: readonly Change[]): Inputs | null {
  if (changes.length === 0) return one
  const [{ name }] = model.inputs
  if (one !== null && typeof one === 'object' && !Array.isArray(one) && Object.hasOwn(one, name)) {
    const part = changed(model, (one as Record<string, unknown>)[name], changes)
    return part === null ? null : { ...one, [name]: part }
  }
  const { text } = one as { text?: string | readonly string[] }
  if (text !== undefined) return { text: [inText(model, [text].flat()[0], changes)] }
  if (!Array.isArray(one) || !Array.isArray(one[0])) return null
  const steps = structuredClone(one[0]) as (number[] | number)[]
  for (const { step, feature, value } of changes) {
    if (step >= steps.length) continue
    const row = steps[step]
    if (typeof row === 'number') steps[step] = value
    else if (feature === null) steps[step] = row.map((_, n) => n === value ? 1 : 0)
    else if (typeof row[feature] === 'number') row[feature] = value
  }
  return [steps]
}

/** Steps are those of the model: of a long text its last characters, before a short one those that stand for none, which a text cannot change. */
function inText ({ text, inputs: [{ shape }] }: ModelAnswer, given: string, changes: readonly Change[]): string {
  if (text === undefined) return given
  const characters = [...text.lowercase === true ? given.toLowerCase() : given]
  const { cut, padded } = windowOf(given, text, shape[1])
  for (const { step, value } of changes) {
    const place = step - padded + cut
    const character = text.alphabet[value]
    if (step >= padded && place < characters.length && character !== undefined) characters[place] = character
  }
  return characters.join('')
}

/** How many steps before a text stand for none, so that nothing can be written there: 0 of inputs that are no text. */
export function paddedSteps (model: ModelAnswer, one: Inputs): number {
  const [{ name, shape }] = model.inputs
  const own = one !== null && typeof one === 'object' && Object.hasOwn(one, name) ? (one as Record<string, unknown>)[name] : one
  const text = (own as { text?: string | readonly string[] } | null)?.text
  return text === undefined || model.text === undefined ? 0 : windowOf([text].flat()[0], model.text, shape[1]).padded
}
