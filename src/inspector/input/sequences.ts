import type { ModelAnswer } from '../api/wire.ts'
import type { Given } from '../state/model.ts'
import { windowOf } from './text.ts'

/** The given sequences as a reader sees them. */
export interface Sequences {
  readonly count: number
  /** Steps of each sequence. */
  readonly steps: number
  /** Names of the numbers of a step; none where steps are characters or token ids. */
  readonly features: readonly string[]
  /** The number at a place; null where the inputs say it in another way (text). */
  readonly at: (sequence: number, step: number, feature: number) => number | null
  /** What each step is called: its character as the model reads it ('' for a step of zeros), its token id, or its index. */
  readonly labels: (sequence: number) => readonly string[]
  /** Whether steps are characters. */
  readonly text: boolean
}

type Rows = readonly (readonly (readonly number[] | number)[])[]

/** Reads the inputs of a request: nested arrays `[batch][step][feature]`, ids `[batch][step]`, or `{"text": [...]}`. Of a model with several inputs the first. */
export function sequencesOf (model: ModelAnswer, { inputs }: Given): Sequences {
  const first = ownOf(model, inputs)
  const texts = (first as { text?: string | readonly string[] } | null)?.text
  if (texts !== undefined) return ofTexts(model, [texts].flat())
  const rows = (Array.isArray(first) ? first : []) as Rows
  const steps = rows[0]?.length ?? 0
  const width = Array.isArray(rows[0]?.[0]) ? rows[0][0].length : 0
  const oneHot = model.text?.encoding === 'one-hot' && width === model.text.alphabet.length
  const character = (step: readonly number[] | number): string => typeof step === 'number'
    ? model.text?.alphabet[step] ?? String(step)
    : model.text?.alphabet[step.indexOf(1)] ?? ''
  return {
    count: rows.length,
    steps,
    features: oneHot ? [] : Array.from({ length: width }, (_, n) => model.features?.length === width ? model.features[n] : `feature ${n}`),
    at: (sequence, step, feature) => {
      const place = rows[sequence]?.[step]
      const value = typeof place === 'number' ? place : place?.[feature]
      return typeof value === 'number' ? value : null
    },
    labels: (sequence) => (rows[sequence] ?? []).map((step, n) => oneHot || typeof step === 'number' ? character(step) : String(n)),
    text: oneHot
  }
}

function ownOf (model: ModelAnswer, inputs: unknown): unknown {
  if (inputs === null || typeof inputs !== 'object' || Array.isArray(inputs)) return inputs
  const name = model.inputs[0].name
  return Object.hasOwn(inputs, name) ? (inputs as Record<string, unknown>)[name] : inputs
}

/** Texts as the model reads them: a step is a character, '' where zeros stand before a short text. */
function ofTexts ({ text, inputs }: ModelAnswer, texts: readonly string[]): Sequences {
  const characters = texts.map((own) => text === undefined ? [...own] : windowOf(own, text, inputs[0].shape[1]).characters)
  return {
    count: texts.length,
    steps: Math.max(0, ...characters.map(({ length }) => length)),
    features: [],
    at: () => null,
    labels: (sequence) => characters[sequence] ?? [],
    text: true
  }
}
