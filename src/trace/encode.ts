import type { Plan } from '../plan/plan.ts'
import { encodeJson } from './json.ts'
import { arraysOf, metadataOf, type Packer } from './named.ts'
import { packNpz } from './npz.ts'
import { packSafetensors } from './safetensors.ts'
import type { Trace } from './trace.ts'
import { encodeV2 } from './v2.ts'

/** Members that open an answer as they are: `model`, `version`, `digest`. */
export type Head = Readonly<Record<string, unknown>>

/** An answer's bytes in one format. */
export type Encoder = (head: Head, trace: Trace, plan: Plan) => Uint8Array

/** The formats that are arrays with names, for whatever has some. */
export const packers = {
  npz: packNpz,
  safetensors: packSafetensors
} as const satisfies Record<string, Packer>

const packed = (packer: Packer): Encoder => (head, trace, plan) => packer(metadataOf(head, trace, plan), arraysOf(trace))

/** Every format an answer can be had in. */
export const encoders = {
  json: encodeJson,
  npz: packed(packNpz),
  safetensors: packed(packSafetensors),
  v2: encodeV2
} as const satisfies Record<string, Encoder>

export type Format = keyof typeof encoders
