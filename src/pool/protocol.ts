import type { FaultCode } from '../errors.ts'
import type { ModelFile, Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Receipt } from '../registry/entry.ts'
import type { Batch } from '../request/probe.ts'
import type { Format } from '../trace/encode.ts'

/** The only thing both sides of the thread boundary share. Everything here survives structured cloning. */
export interface Job {
  readonly plan: Plan
  readonly batch: Batch
  readonly format: Format
  /** Members that open the answer, as they are (`model`, `version`, `digest`). */
  readonly head: Readonly<Record<string, unknown>>
}

/** What a model is tried with when it is loaded. */
export interface LoadCheck {
  /** Every state, gate and output of it is repeated in float64. */
  readonly sample: Batch
  readonly plan: Plan
  /** Recorded by Keras. */
  readonly expected: Expected | null
}

/** Outputs by name, and the plan that gives them. */
export interface Expected { readonly inputs: Batch, readonly plan: Plan, readonly outputs: Readonly<Record<string, Values>>, readonly tolerance: number }

export type ToWorker =
  { readonly id: number } & (
    | { readonly type: 'load', readonly model: string, readonly file: ModelFile, readonly check: LoadCheck } |
    { readonly type: 'unload', readonly model: string } |
    { readonly type: 'run', readonly model: string, readonly job: Job })

export type FromWorker =
  { readonly type: 'started', readonly engine: EngineInfo } |
  { readonly type: 'loaded', readonly id: number, readonly receipt: Receipt, readonly reason?: string } |
  { readonly type: 'unloaded', readonly id: number } |
  { readonly type: 'answered', readonly id: number, readonly body: Uint8Array<ArrayBuffer> } |
  { readonly type: 'failed', readonly id: number, readonly code: FaultCode, readonly detail: string, readonly pointer?: string }

export type EngineName = 'onnx' | 'tfjs' | 'wasm'

/** What a worker is started with. */
export interface WorkerData { readonly engine: 'auto' | EngineName, readonly workers: number }

export interface EngineInfo {
  /** What answers: compiled plans on onnxruntime where it is to be had, else the reference. */
  readonly name: EngineName
  readonly version: string
  /** What computes op by op, and checks the compiled plans. */
  readonly reference: { readonly name: 'tfjs' | 'wasm', readonly version: string }
  /** TensorFlow's version under tfjs-node; null for wasm. */
  readonly tensorflow: string | null
  /** Why a slower engine serves, where one does. */
  readonly warning?: string
}

/** What the main thread sees of the pool. */
export interface Pool {
  readonly engine: EngineInfo
  /** `model` is the key under which jobs name it. A model that fails its self-check is not kept: `reason` says why. */
  load: (model: string, file: ModelFile, check: LoadCheck) => Promise<{ receipt: Receipt, reason?: string }>
  unload: (model: string) => Promise<void>
  /** The encoded answer. Throws Fault. */
  run: (model: string, job: Job) => Promise<Uint8Array<ArrayBuffer>>
  close: () => Promise<void>
}
