import type { ModelAnswer } from '../api/wire.ts'
import { param } from './url.ts'

/** One number of what a model predicts. */
export interface Output {
  readonly name: string
  /** Among the units of that output. */
  readonly index: number
  /** For a reader: its label, or its place. */
  readonly title: string
  /** As the address and POST /relevance name it: its label where no other has the same, else `NAME/INDEX`. */
  readonly asked: string
}

/** Every number that a model predicts for a step or a sequence, as far as its shape is known. */
export function outputsOf (model: ModelAnswer): Output[] {
  const all = model.outputs.flatMap((output) => {
    const units = output.labels?.length ?? unitsOf(model, output) ?? 1
    return Array.from({ length: units }, (_, index) => ({ name: output.name, index, label: output.labels?.[index] }))
  })
  return all.map(({ name, index, label }) => {
    const alone = label !== undefined && label !== '' && all.filter((other) => other.label === label).length === 1
    const place = model.outputs.length > 1 ? `${name} ${index}` : String(index)
    return { name, index, title: label === undefined ? `output ${place}` : visible(label), asked: alone ? label : `${name}/${index}` }
  })
}

/** A space as a reader sees it. */
export const visible = (text: string): string => text === ' ' ? '␣' : text === '\n' ? '↵' : text

function unitsOf ({ layers }: ModelAnswer, { layer, output = 0 }: ModelAnswer['outputs'][number]): number | undefined {
  const calls = layers.flatMap(({ calls }) => calls)
  const call = calls.find(({ key }) => key === layer)
  const shape = call?.shapes?.[output] ?? call?.shape
  if (shape === undefined) return undefined
  return shape.length < 2 ? 1 : shape.at(-1) ?? undefined
}

/** The activation at the end of an output, where its layer names one: what has a logit, and what is a distribution. */
export function activationOf ({ layers }: ModelAnswer, { layer }: ModelAnswer['outputs'][number]): string | null {
  const line = layers.find(({ keys }) => keys.includes(layer))
  if (line?.type === 'Softmax') return 'softmax'
  const { activation } = line?.config ?? {}
  return typeof activation === 'string' ? activation : null
}

/** The output of the address; null where it names none that there is. */
export const outputOf = (outputs: readonly Output[]): Output | null => outputs.find(({ asked }) => asked === param('output')) ?? null
