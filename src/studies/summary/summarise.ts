import { serialize } from 'node:v8'
import type { Values } from '../../model.ts'
import type { Plan, PlannedLayer } from '../../plan/plan.ts'
import type { Receipt } from '../../registry/entry.ts'
import type { Batch, StepChoice } from '../../request/probe.ts'
import type { Traced } from '../../run/extract.ts'
import { chooseSteps } from '../../run/steps.ts'
import { runParts } from '../parts.ts'
import type { CarryOut } from '../study.ts'
import { coMomentsOf, type CoMoments } from './co-moments.ts'
import { momentsOf, sizeFor } from './moments.ts'
import type { Followed, SummaryStudy } from './study.ts'
import { addSummary, checkSize, sizeOf, whole, type LayerSummary, type Summary, type TensorSummary } from './summary.ts'

/** Runs a batch, in parts where that is possible, and gives a Summary in the form of `v8.serialize`: it is for adding, not for reading. */
export const summary: CarryOut<SummaryStudy> = async (subject, plan, batch, study) => {
  let all: Summary | null = null
  for await (const { part, traced, receipt } of runParts(subject, plan, batch, study.independent)) {
    const own = summaryOf(plan, part, traced, receipt, study)
    if (all === null) all = own
    else addSummary(all, own)
  }
  return Uint8Array.from(serialize(all))
}

/** The summary of one run. */
export function summaryOf (plan: Plan, batch: Batch, traced: Traced, receipt: Receipt, study: SummaryStudy): Summary {
  const all: Summary = { batch: traced.batch, steps: null, nonFinite: 0, receipt, layers: new Map() }
  for (const [n, layer] of plan.layers.entries()) {
    const { tensors } = traced.layers[n]
    addLayer(all, layer, tensors, batch, study)
  }
  return all
}

function addLayer (all: Summary, { key, internals }: PlannedLayer, tensors: Readonly<Record<string, Values>>, batch: Batch, study: SummaryStudy): void {
  const layer: LayerSummary = { tensors: new Map(), co: new Map() }
  all.layers.set(key, layer)
  for (const { name, stepAxis } of internals) {
    const values = tensors[name]
    if (stepAxis === null || isMask(name) || values === undefined) continue
    const { shape } = values
    const steps = stepsOf(study.steps, shape[stepAxis])
    all.steps = Math.max(all.steps ?? 0, shape[stepAxis])
    const mask = maskFor(name, tensors)
    const rows = (some: readonly number[]): Int32Array => rowsOf(values, stepAxis, some, mask)
    const units = shape[shape.length - 1]
    // Before there is room for it: a sequence can be of very many steps.
    checkSize(sizeOf(all) + (study.by === 'step' ? steps.length : 1) * sizeFor(units))
    const own: TensorSummary = new Map()
    const add = (step: number, chosen: Int32Array): void => {
      const { moments, nonFinite } = momentsOf(values.data, units, chosen, study)
      all.nonFinite += nonFinite
      own.set(step, moments)
    }
    if (study.by === 'step') for (const step of steps) add(step, rows([step]))
    else add(whole, rows(steps))
    layer.tensors.set(name, own)
    if (name === 'hidden' || name.endsWith('/hidden')) {
      const co = followedBy(values, batch, study.followed[key] ?? [], rows(steps))
      if (co.size > 0) layer.co.set(name.slice(0, -'hidden'.length), co)
    }
  }
}

const isMask = (name: string): boolean => /(^|\/)mask$/.test(name)

/** The chosen steps, each once. */
function stepsOf (choice: StepChoice, length: number): number[] {
  if (choice === 'last') return [length - 1]
  return [...new Set(chooseSteps(choice, length) ?? Array.from({ length }, (_, step) => step))]
}

/** The mask of the layer that a tensor is of: beside it, or beside a wrapper around it. */
function maskFor (name: string, tensors: Readonly<Record<string, Values>>): Values | undefined {
  const parts = name.split('/')
  for (let depth = parts.length - 1; depth >= 0; depth--) {
    const mask = tensors[[...parts.slice(0, depth), 'mask'].join('/')]
    if (mask !== undefined) return mask
  }
  return undefined
}

/** The rows of `[..., unit]` at some steps that are not masked: those of every sequence, and of every place of an image. */
function rowsOf ({ shape }: Values, stepAxis: number, steps: readonly number[], mask: Values | undefined): Int32Array {
  const outer = shape.slice(0, stepAxis).reduce((a, b) => a * b, 1)
  const inner = shape.slice(stepAxis + 1, -1).reduce((a, b) => a * b, 1)
  const rows = new Int32Array(outer * steps.length * inner)
  let count = 0
  for (let o = 0; o < outer; o++) {
    for (const step of steps) {
      const at = o * shape[stepAxis] + step
      if (mask !== undefined && mask.data[at] === 0) continue
      for (let i = 0; i < inner; i++) rows[count++] = at * inner + i
    }
  }
  return rows.subarray(0, count)
}

/** Co-moments with the inputs that have a row for each row of the tensor. */
function followedBy ({ shape, data }: Values, batch: Batch, followed: readonly Followed[], rows: Int32Array): Map<string, CoMoments> {
  const places = shape.slice(0, -1)
  const same = (axes: readonly number[]): boolean => axes.length === places.length && axes.every((size, axis) => size === places[axis])
  return new Map(followed.flatMap(({ input, tokens }) => {
    const { shape: given, data: values } = batch.inputs[input]
    const units = shape[shape.length - 1]
    if (tokens !== null) return same(given) ? [[input, coMomentsOf(data, units, { values, size: tokens, ids: true }, rows)]] : []
    return same(given.slice(0, -1)) ? [[input, coMomentsOf(data, units, { values, size: given[given.length - 1], ids: false }, rows)]] : []
  }))
}
