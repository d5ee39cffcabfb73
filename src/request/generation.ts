import { Fault } from '../errors.ts'
import { isRecurrent, places } from '../plan/internals.ts'
import { unitsOf } from '../cells/cells.ts'
import type { Served } from '../registry/entry.ts'
import type { TextCoding } from '../registry/meta.ts'
import { codingOf, windowOf } from './coding.ts'
import { slotsOf, type Slot } from './inputs.ts'
import { at, invalid, isObject, list, onlyMembers } from './words.ts'

/** Each character is a run of the model: who wants more goes on from the text there is. */
const longest = 10_000

/** What a request to go on writing asks for. */
export interface Generation {
  readonly slot: Slot
  readonly coding: TextCoding
  /** The prompt as the model reads it: indices into the alphabet, -1 for a step of zeros. */
  readonly ids: readonly number[]
  /** How many steps the model reads at once, the last ones; null: any number, all there are. */
  readonly window: number | null
  /** What each place of the output stands for: an index into the alphabet. */
  readonly letters: readonly number[]
  /** Characters to write. */
  readonly length: number
  /** 0: the likeliest character each time. */
  readonly temperature: number
  readonly topK: number
  /** null: any. */
  readonly seed: number | null
  /** So many of the likeliest characters, with what the model gave them. */
  readonly probabilities: number
  /** By layer the units whose states to give; null: all of them. */
  readonly states: ReadonlyMap<string, readonly number[] | null>
}

/**
 * The body of a request to go on writing, held against the model it is for. `model` and `version` have found the entry before.
 * @throws Fault with a pointer; invalid_value for a model that takes no text, or does not give one distribution over letters
 */
export function readGeneration (body: unknown, { file, meta }: Pick<Served, 'file' | 'meta'>): Generation {
  if (!isObject(body)) throw invalid('an object with "prompt" and "length"', body, '')
  onlyMembers(body, ['model', 'version', 'prompt', 'length', 'temperature', 'topK', 'seed', 'probabilities', 'states'], '', 'a request to generate')
  const { graph } = file
  const slots = slotsOf(file)
  if (slots.length !== 1 || graph.outputs.length !== 1) throw new Fault('invalid_value', `only models of one input and one output write on; this one has ${slots.length} and ${graph.outputs.length}`, '/model')
  const [slot] = slots
  const coding = codingOf(meta.text, slot.expected, '/model')
  const { prompt } = body
  if (typeof prompt !== 'string') throw invalid('a text', prompt, '/prompt')
  const ids = windowOf(prompt, coding, slot.expected, '/prompt')
  if (ids.length === 0) throw new Fault('wrong_shape', 'expected a text of at least one character', '/prompt')
  const letters = lettersOf(coding, meta.outputLabels, graph.outputs[0].name)
  return {
    slot,
    coding,
    ids,
    window: coding.maxlen ?? slot.expected[1],
    letters,
    length: whole(body.length, 1, longest, '/length'),
    temperature: readTemperature(body.temperature, '/temperature'),
    topK: body.topK === undefined ? letters.length : whole(body.topK, 1, Number.MAX_SAFE_INTEGER, '/topK'),
    seed: body.seed === undefined ? null : whole(body.seed, 0, Number.MAX_SAFE_INTEGER, '/seed'),
    probabilities: readProbabilities(body.probabilities, letters.length, '/probabilities'),
    states: readStates(body.states, file, '/states')
  }
}

function whole (value: unknown, least: number, most: number, pointer: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most) throw invalid(`a whole number from ${least} to ${most}`, value, pointer)
  return value as number
}

function readTemperature (value: unknown, pointer: string): number {
  if (value === undefined) return 1
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw invalid('a number from 0 (0: the likeliest character each time)', value, pointer)
  return value
}

function readProbabilities (value: unknown, all: number, pointer: string): number {
  if (value === undefined || value === false) return 0
  if (value === true) return all
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw invalid('true, false, or how many of the likeliest', value, pointer)
  return Math.min(value as number, all)
}

/** The output's own labels where the model has some, else the alphabet in its order. */
function lettersOf ({ alphabet }: TextCoding, labels: Served['meta']['outputLabels'], output: string): number[] {
  const own = Array.isArray(labels) ? labels : labels !== undefined && Object.hasOwn(labels, output) ? labels[output] : alphabet
  const letters = own.map((label) => alphabet.indexOf(label))
  const wrong = letters.findIndex((letter, n) => letter < 0 || letters.indexOf(letter) !== n)
  if (wrong >= 0) throw new Fault('invalid_value', `this model writes no text until its statescope.json is put right: outputLabels has ${JSON.stringify(own[wrong])} ${letters[wrong] < 0 ? 'outside the alphabet' : 'twice'}`, '/model')
  return letters
}

function readStates (value: unknown, { graph }: Served['file'], pointer: string): Generation['states'] {
  if (value === undefined) return new Map()
  const recurrent = new Map(graph.nodes.filter(({ layer }) => isRecurrent(graph.layers[layer])).map(({ key, layer }) => [key, graph.layers[layer]]))
  const check = (key: string, place: string): void => {
    const layer = recurrent.get(key)
    if (layer === undefined) throw new Fault('unknown_name', `there is no recurrent layer ${JSON.stringify(key)}; there are: ${list([...recurrent.keys()])}`, place)
    if (places(layer).some(({ depth }) => depth > 0)) throw new Fault('invalid_value', `the layer inside ${JSON.stringify(key)} starts anew at each outer step: it has no state to follow`, place)
  }
  if (isObject(value)) {
    return new Map(Object.entries(value).map(([key, units]) => {
      const place = at(pointer, key)
      check(key, place)
      return [key, readUnits(units, Math.min(...places(recurrent.get(key)!).map(({ layer }) => unitsOf(layer))), place)]
    }))
  }
  const keys = typeof value === 'string' ? [value] : value
  if (!Array.isArray(keys)) throw invalid('a layer, a list of layers, or an object of units by layer', value, pointer)
  for (const [n, key] of keys.entries()) {
    const place = Array.isArray(value) ? at(pointer, n) : pointer
    if (typeof key !== 'string') throw invalid('the key of a layer', key, place)
    check(key, place)
  }
  return new Map((keys as string[]).map((key) => [key, null]))
}

function readUnits (value: unknown, count: number, pointer: string): number[] {
  if (!Array.isArray(value)) throw invalid('a list of units', value, pointer)
  return value.map((unit, n) => {
    if (!Number.isSafeInteger(unit) || unit < 0 || unit >= count) throw invalid(`a unit, from 0 to ${count - 1}`, unit, at(pointer, n))
    return unit as number
  })
}
