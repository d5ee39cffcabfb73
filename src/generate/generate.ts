import { Fault } from '../errors.ts'
import { carries } from '../plan/carried.ts'
import { planFor } from '../plan/kept.ts'
import type { Plan } from '../plan/plan.ts'
import type { Receipt, Served } from '../registry/entry.ts'
import { encoded } from '../request/coding.ts'
import type { Generation } from '../request/generation.ts'
import { readInitialState } from '../request/initial-state.ts'
import { checked } from '../request/inputs.ts'
import type { Batch, Probe } from '../request/probe.ts'
import { isObject, type Json } from '../request/words.ts'
import { draw, ranked } from './draw.ts'
import { uniform } from './random.ts'

/** One character, and what it came from. */
export interface Step {
  readonly text: string
  /** By character, what the model itself gave it. */
  readonly probabilities?: Readonly<Record<string, number>>
  /** By layer the states that the character was said from, as `final` of /hidden-states, `[unit]`. */
  readonly states?: Readonly<Record<string, unknown>>
}

/** A run of the model: its JSON answer. */
export type Run = (plan: Plan, batch: Batch) => Promise<Json>

/** Far more than float32 loses in a sum over letters. */
const tolerance = 1e-3

/**
 * Writes on from a prompt, a run of the model for each character. Where the model provably reads on from the states it left (plan/carried.ts) a run reads the new character alone;
 * else it reads the whole window again. A character goes on as its own index in the alphabet, whatever `lowercase` would make of it in a text.
 */
export async function * generate ({ file, meta }: Pick<Served, 'file' | 'meta'>, wish: Generation, seed: number, run: Run): AsyncGenerator<{ step: Step, receipt: Receipt }> {
  const { slot, coding, window, letters, length, states } = wish
  const random = uniform(seed)
  const carry = window === null && carries(file)
  const probe: Probe = { layers: carry ? null : [...states.keys()], tensors: ['final'], steps: 'all', outputs: true, raw: false }
  const plan = planFor(file, probe, meta)
  const [{ name: output }] = file.graph.outputs
  const batchOf = (ids: readonly number[], initial: Batch['initial']): Batch =>
    ({ inputs: { [slot.name]: checked({ ...encoded([ids], coding), where: () => '/prompt' }, slot) }, initial, size: 1 })

  let ids = wish.ids
  let batch = batchOf(ids, {})
  for (let n = 0; ; n++) {
    const answer = await run(plan, batch)
    const probabilities = distributionOf((answer.outputs as Json)[output], letters.length, output)
    const layers = answer.layers as Json | undefined ?? {}
    const next = draw(probabilities, wish, random)
    yield {
      step: {
        text: coding.alphabet[letters[next]],
        ...(wish.probabilities === 0 ? {} : { probabilities: Object.fromEntries(ranked(probabilities).slice(0, wish.probabilities).map((place) => [coding.alphabet[letters[place]], probabilities[place]])) }),
        ...(states.size === 0 ? {} : { states: Object.fromEntries([...states].map(([key, units]) => [key, finalOf(layers[key], units)])) })
      },
      receipt: answer.receipt as Receipt
    }
    if (n + 1 === length) return
    if (carry) {
      if (answer.nonFinite !== undefined) throw new Fault('invalid_value', 'the states of the model are no finite numbers any more')
      batch = batchOf([letters[next]], readInitialState(layers, file.graph, 1, '/prompt'))
    } else {
      // What falls out on the left is the oldest character, or padding: both make room alike.
      ids = [...window === null ? ids : ids.slice(1), letters[next]]
      batch = batchOf(ids, {})
    }
  }
}

/**
 * The probabilities of the last step, `[letter]`, from an output `[1][letter]` or `[1][step][letter]`. Throws invalid_value for numbers that are no distribution over
 * the letters: what else a model gives, as logits, nobody can tell from it.
 */
function distributionOf (output: unknown, count: number, name: string): number[] {
  const [sequence] = output as unknown[]
  const row = (Array.isArray(sequence) && Array.isArray(sequence.at(-1)) ? sequence.at(-1) : sequence) as unknown
  const wrong = (why: string): Fault => new Fault('invalid_value', `the output ${JSON.stringify(name)} is no distribution over the ${count} letters: ${why}`, '/model')
  if (!Array.isArray(row) || row.length !== count) throw wrong(`it gives ${Array.isArray(row) ? `${row.length} numbers` : 'one number'}`)
  if (!row.every((value): value is number => typeof value === 'number')) throw wrong('not all of its numbers are finite')
  const sum = row.reduce((a, b) => a + b)
  if (row.some((value) => value < 0) || Math.abs(sum - 1) > tolerance) throw wrong('its numbers are not from 0 to 1 with the sum 1, as those after a softmax')
  return row
}

/** The final states of a layer's answer without their batch axis, of the units alone that are asked for. */
function finalOf (layer: unknown, units: readonly number[] | null): unknown {
  if (!isObject(layer)) return {}
  if (isObject(layer.final)) {
    return Object.fromEntries(Object.entries(layer.final).map(([state, values]) => {
      const [row] = values as unknown[][]
      return [state, units === null ? row : units.map((unit) => row[unit])]
    }))
  }
  return Object.fromEntries(Object.entries(layer).filter(([, place]) => isObject(place)).map(([name, place]) => [name, finalOf(place, units)]))
}
