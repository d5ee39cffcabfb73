import type { FastifyRequest } from 'fastify'
import { deserialize } from 'node:v8'
import { Fault } from '../errors.ts'
import { followedInputs } from '../plan/followed.ts'
import { independent } from '../plan/independent.ts'
import { planFor } from '../plan/kept.ts'
import type { Plan } from '../plan/plan.ts'
import type { Patience } from '../pool/protocol.ts'
import type { Served } from '../registry/entry.ts'
import type { Decoded } from '../request/decode.ts'
import { slotsOf } from '../request/inputs.ts'
import type { Batch, Probe } from '../request/probe.ts'
import type { SummaryChoice } from '../request/summary.ts'
import { answerOf, type FeatureName } from '../studies/summary/answer.ts'
import type { Followed, SummaryStudy } from '../studies/summary/study.ts'
import type { Summary } from '../studies/summary/summary.ts'
import { formatFor } from './accept.ts'
import { patienceOf } from './patience.ts'
import type { Service } from './service.ts'

/** A body read whose tensors are summarised. */
export interface Summarised extends Decoded { readonly summary: SummaryChoice }

/** More features than this are not told apart: what each unit follows is left out. */
const mostFeatures = 1024

/** The answer to one body. */
export async function summarise (pool: Service['pool'], entry: Served, { probe, batch, summary: choice }: Summarised, request: FastifyRequest): Promise<object> {
  formatFor(request.headers.accept, ['json'])
  const plan = planOf(entry, probe)
  return summaryAnswer(entry, plan, choice, await summaryOf(pool, entry, plan, batch, probe, choice, patienceOf(request)))
}

/** The plan of what is summarised: every step is run, and those asked for are chosen where they are counted. */
export function planOf (entry: Served, probe: Probe): Plan {
  const plan = planFor(entry.file, { ...probe, steps: 'all' }, entry.meta)
  const other = plan.layers.find(({ internals }) => !internals.some(({ stepAxis }) => stepAxis !== null))
  if (other !== undefined) throw new Fault('invalid_value', `layer ${JSON.stringify(other.key)} (${other.type}) is not recurrent: a summary is of the states and gates of recurrent layers`, '/layers')
  return plan
}

/** Asks a thread for the summary of a batch. */
export async function summaryOf (pool: Service['pool'], entry: Served, plan: Plan, batch: Batch, { steps }: Probe, choice: SummaryChoice, patience: Patience): Promise<Summary> {
  const study: SummaryStudy = { kind: 'summary', ...choice, steps, independent: independent(entry.file, plan, batch.initial), followed: followedIn(entry, plan) }
  const bytes = await pool.run(entry.key, { plan, batch, format: 'json', head: {}, independent: false, study }, patience)
  return deserialize(bytes) as Summary
}

/** The whole answer; `more` are members that open what is said of the summary. */
export function summaryAnswer (entry: Served, plan: Plan, choice: SummaryChoice, summary: Summary, more: object = {}): object {
  const describe = (key: string): object => {
    const { type, units } = plan.layers.find((layer) => layer.key === key)!
    return { type, ...(units === null ? {} : { units }) }
  }
  const { id, version, digest } = entry
  return { model: id, version, digest, ...answerOf(summary, choice, describe, namesOf(entry)), ...more }
}

const kept = new WeakMap<Plan, SummaryStudy['followed']>()

/** By layer, the inputs that it reads step by step. */
function followedIn ({ file }: Served, plan: Plan): SummaryStudy['followed'] {
  let followed = kept.get(plan)
  if (followed === undefined) {
    const slots = new Map(slotsOf(file).map((slot) => [slot.name, slot]))
    const ofInput = (input: string): Followed[] => {
      const { tokens, expected } = slots.get(input)!
      const features = tokens ?? expected[expected.length - 1]
      return features === null || features > mostFeatures ? [] : [{ input, tokens }]
    }
    followed = Object.fromEntries(plan.layers.map(({ key, node }) => [key, followedInputs(file.graph, node).flatMap(ofInput)]))
    kept.set(plan, followed)
  }
  return followed
}

/** Features by the names of statescope.json, else by their place; ids by the alphabet. */
function namesOf ({ file, meta }: Served): FeatureName {
  const slots = slotsOf(file)
  return (input, index) => {
    const { tokens, expected } = slots.find(({ name }) => name === input)!
    const names = tokens === null ? meta.features?.length === expected[expected.length - 1] ? meta.features : undefined : meta.text?.alphabet
    return { ...(slots.length === 1 ? {} : { input }), feature: names?.[index] ?? index }
  }
}
