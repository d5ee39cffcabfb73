import type { Call } from '../../api/call.ts'
import type { Method, RelevanceAnswer } from './answer.ts'

/** An answer of one method, with the request that it is to: what is shown is always of one choice. */
export interface Answered { readonly call: Call, readonly method: Method, readonly answer: RelevanceAnswer }
