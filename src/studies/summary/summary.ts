import { Fault } from '../../errors.ts'
import type { Receipt } from '../../registry/entry.ts'
import { worse } from '../parts.ts'
import { addCoMoments, type CoMoments } from './co-moments.ts'
import { addMoments, type Moments } from './moments.ts'

/** What is known of the tensors of some sequences; two of the same question can be added. Plain data that crosses threads. */
export interface Summary {
  /** Sequences. */
  batch: number
  /** Steps of the longest one; null for a model that reads none. */
  steps: number | null
  /** Values that were NaN or infinite, and left out. */
  nonFinite: number
  receipt: Receipt
  /** By layer key, then by the tensor's name relative to the layer. Maps: keys are a stranger's words. */
  readonly layers: Map<string, LayerSummary>
}

export interface LayerSummary {
  readonly tensors: Map<string, TensorSummary>
  /** By the place of `hidden` in the layer ('' or `forward/`), then by input. */
  readonly co: Map<string, Map<string, CoMoments>>
}

/** By input step; by `whole` alone where steps are not told apart. */
export type TensorSummary = Map<number, Moments>
export const whole = -1

/** Adds `from` to `into`, which takes over what it had nothing of. */
export function addSummary (into: Summary, from: Summary): void {
  into.batch += from.batch
  into.steps = into.steps === null || from.steps === null ? into.steps ?? from.steps : Math.max(into.steps, from.steps)
  into.nonFinite += from.nonFinite
  into.receipt = worse(into.receipt, from.receipt)
  for (const [key, layer] of from.layers) {
    const own = into.layers.get(key)
    if (own === undefined) into.layers.set(key, layer)
    else addLayer(own, layer)
  }
}

function addLayer (into: LayerSummary, from: LayerSummary): void {
  for (const [name, steps] of from.tensors) {
    const own = into.tensors.get(name)
    if (own === undefined) {
      into.tensors.set(name, steps)
      continue
    }
    for (const [step, moments] of steps) {
      const known = own.get(step)
      if (known === undefined) own.set(step, moments)
      else addMoments(known, moments)
    }
  }
  for (const [place, inputs] of into.co) {
    // What only some sequences can tell is told of none.
    for (const [input, co] of inputs) {
      const other = from.co.get(place)?.get(input)
      if (other === undefined) inputs.delete(input)
      else addCoMoments(co, other)
    }
  }
}

/** The most numbers that a summary may hold: 32 MiB here, and about as much text in an answer. */
const mostNumbers = 2 ** 22

/** @throws Fault too_large for a summary of more numbers than an answer may hold */
export function checkSize (numbers: number): void {
  if (numbers > mostNumbers) throw new Fault('too_large', `the summary would have ${numbers} numbers or more, and ${mostNumbers} fit into an answer: choose fewer steps, layers or tensors, or "by": "all"`, '/summary')
}

/** How many numbers a summary holds. */
export function sizeOf ({ layers }: Summary): number {
  let numbers = 0
  for (const { tensors, co } of layers.values()) {
    for (const steps of tensors.values()) for (const moments of steps.values()) numbers += moments.length
    for (const inputs of co.values()) for (const { products } of inputs.values()) numbers += products.length
  }
  return numbers
}
