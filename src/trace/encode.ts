import type { Plan } from '../plan/plan.ts'
import { encodeJson } from './json.ts'
import type { Trace } from './trace.ts'

/** Members that open an answer as they are: `model`, `version`, `digest`. */
export type Head = Readonly<Record<string, unknown>>

/** An answer's bytes in one format. */
export type Encoder = (head: Head, trace: Trace, plan: Plan) => Uint8Array<ArrayBuffer>

/** Every format an answer can be had in. */
export const encoders = {
  json: encodeJson
} as const satisfies Record<string, Encoder>

export type Format = keyof typeof encoders
