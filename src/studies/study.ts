import type { Plan } from '../plan/plan.ts'
import type { Batch } from '../request/probe.ts'
import type { Hosted } from '../run/hosted.ts'
import type { Relevance } from './relevance/study.ts'
import type { SearchStudy } from './search/study.ts'
import type { SummaryStudy } from './summary/study.ts'

/** A question that takes more than one run. Plain data: it crosses threads with the batch it is asked of. */
export type Study = Relevance | SummaryStudy | SearchStudy

/** What a study may ask of a model: checked runs, compiled where possible. */
export type Subject = Omit<Hosted, 'dispose'>

/** Members of the answer, as `trace/members.ts` writes them; bytes go as they are. */
export type Findings = Readonly<Record<string, unknown>> | Uint8Array<ArrayBuffer>

/** Carries one kind of study out. Throws Fault for what the run alone could show. */
export type CarryOut<Kind extends Study> = (subject: Subject, plan: Plan, batch: Batch, study: Kind) => Promise<Findings>
