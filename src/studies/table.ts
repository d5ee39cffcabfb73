import type { Plan } from '../plan/plan.ts'
import type { Batch } from '../request/probe.ts'
import { relevance } from './relevance/relevance.ts'
import { search } from './search/search.ts'
import type { CarryOut, Findings, Study, Subject } from './study.ts'
import { summary } from './summary/summarise.ts'

const kinds: { readonly [Kind in Study['kind']]: CarryOut<Extract<Study, { readonly kind: Kind }>> } = { relevance, summary, search }

/** Carries out a study of any kind. */
export const carryOut = async (subject: Subject, plan: Plan, batch: Batch, study: Study): Promise<Findings> =>
  await (kinds[study.kind] as CarryOut<Study>)(subject, plan, batch, study)
