import { Fault } from '../../errors.ts'
import type { Receipt } from '../../registry/entry.ts'
import { runParts, worse } from '../parts.ts'
import type { CarryOut } from '../study.ts'
import { onUnits, setOf, spansOf, throughout, unitsIn, type OnUnits, type Span } from './spans.ts'
import type { SearchStudy } from './study.ts'

/**
 * The spans of a set where the most of the selected units are on, as LSTMVis ranks them (Strobelt et al. 2018): most of the selected units, fewest others, longest;
 * then those where the units go on and off together. All sequences are run before any is searched: their units cross to bits, a 32nd of the states.
 */
export const search: CarryOut<SearchStudy> = async (subject, plan, batch, study) => {
  const [{ key, internals }] = plan.layers
  const name = internals.find(({ stepAxis, name }) => stepAxis !== null && name !== 'mask')!.name
  const sequences: OnUnits[] = []
  let receipt: Receipt | null = null
  let count = 0
  /** Of the selected span, for the message where nothing is on. */
  let values: Float32Array | null = null
  for await (const { traced, receipt: own } of runParts(subject, plan, batch, study.independent)) {
    const { tensors } = traced.layers[0]
    const { shape: [size, steps, units], data } = tensors[name]
    count = units
    for (let n = 0; n < size; n++) {
      if (sequences.length === study.span?.sequence) values = data.slice(n * steps * units, (n + 1) * steps * units)
      sequences.push(onUnits(data.subarray(n * steps * units, (n + 1) * steps * units), units, tensors.mask?.data.subarray(n * steps, (n + 1) * steps) ?? null, study.threshold))
    }
    receipt = receipt === null ? own : worse(receipt, own)
  }
  const [{ words, steps }] = sequences
  const unknown = study.units?.findIndex((unit) => unit >= count) ?? -1
  if (unknown >= 0) throw new Fault('invalid_value', `there is no unit ${study.units![unknown]}: there are ${count}, 0 to ${count - 1}`, `/select/units/${unknown}`)
  const span = study.span === null ? null : { sequence: study.span.sequence, ...placed(study.span, steps, sequences[study.span.sequence]) }
  const units = study.units ?? unitsIn(throughout(sequences[span!.sequence], span!.from, span!.to))
  if (units.length === 0) throw nothingOn(values!, count, span!, study.threshold)
  const selected = setOf(units, words)
  const best = new Best(study.limit, (found) => rank(found, count, span))
  for (const [sequence, own] of sequences.entries()) for (const found of spansOf(sequence, own, selected, study.units === null)) best.add(found)
  return {
    select: { layer: key, tensor: name, units, threshold: study.threshold, ...span },
    found: best.found,
    matches: best.take().map((found) => ({ sequence: found.sequence, from: found.from, to: found.to, score: scoreOf(found, count), units: found.units })),
    receipt
  }
}

/** Selected units that are on, less the share of the layer's units that are on beside them: the whole part tells of the first, the rest of the others. */
const scoreOf = ({ units, others }: Span, count: number): number => units.length - others / count

/** What decides, in order; the smaller goes first. The span that holds the selection goes before others of its score. */
function rank (found: Span, count: number, span: { readonly sequence: number, readonly from: number, readonly to: number } | null): number[] {
  const own = span !== null && found.sequence === span.sequence && found.from <= span.from && found.to >= span.to
  return [-scoreOf(found, count), own ? 0 : 1, found.from - found.to, -found.edges, found.sequence, found.from]
}

/** The selected steps as they are counted from the start. */
function placed ({ sequence, from, to }: NonNullable<SearchStudy['span']>, steps: number, { seen }: OnUnits): { from: number, to: number } {
  const [start, end] = [from, to ?? steps].map((step) => step < 0 ? step + steps : step)
  for (const [name, step, most] of [['from', start, steps - 1], ['to', end, steps]] as const) {
    if (step < 0 || step > most) throw new Fault('invalid_value', `step ${name === 'from' ? from : String(to)} is not there: the sequences have ${steps} steps`, `/select/${name}`)
  }
  if (start >= end) throw new Fault('invalid_value', `the steps from ${start} to ${end} are none: "to" is the first step after the span`, '/select/to')
  const masked = seen.subarray(start, end).indexOf(0)
  if (masked >= 0) throw new Fault('invalid_value', `step ${start + masked} of sequence ${sequence} is masked: select steps that the layer reads`, '/select/from')
  return { from: start, to: end }
}

function nothingOn (values: Float32Array, units: number, { from, to }: { from: number, to: number }, threshold: number): Fault {
  let [best, highest] = [0, -Infinity]
  for (let unit = 0; unit < units; unit++) {
    let lowest = Infinity
    for (let step = from; step < to; step++) lowest = Math.min(lowest, values[step * units + unit])
    if (lowest > highest) [best, highest] = [unit, lowest]
  }
  return new Fault('invalid_value', `no unit is above ${threshold} at every step of the selection; unit ${best} comes nearest: its lowest value there is ${highest.toPrecision(4)}`, '/select/threshold')
}

/** The best of many, in order. */
class Best {
  found = 0
  readonly #limit: number
  readonly #rank: (found: Span) => number[]
  #kept: { readonly span: Span, readonly rank: number[] }[] = []

  constructor (limit: number, rank: (found: Span) => number[]) {
    this.#limit = limit
    this.#rank = rank
  }

  add (span: Span): void {
    this.found++
    this.#kept.push({ span, rank: this.#rank(span) })
    if (this.#kept.length >= 4 * this.#limit + 1000) this.#cut()
  }

  take (): Span[] {
    this.#cut()
    return this.#kept.map(({ span }) => span)
  }

  #cut (): void {
    this.#kept = this.#kept.sort((a, b) => {
      const at = a.rank.findIndex((value, n) => value !== b.rank[n])
      return at < 0 ? 0 : a.rank[at] - b.rank[at]
    }).slice(0, this.#limit)
  }
}
