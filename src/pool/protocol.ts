import type { FaultCode } from '../errors.ts'
import type { ModelFile, Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import type { Receipt } from '../registry/entry.ts'
import type { Batch } from '../request/probe.ts'
import type { Study } from '../studies/study.ts'
import type { Format } from '../trace/encode.ts'

/** One request, as the main thread hands it to the pool. */
export interface Job {
  /** The same object for the same plan: only what a thread has not seen crosses to it, and only jobs of one plan run together. */
  readonly plan: Plan
  /** Handed over: where an array has its buffer to itself, the buffer is moved to the thread and the array is empty afterwards. */
  readonly batch: Batch
  readonly format: Format
  /** Members that open the answer, as they are (`model`, `version`, `digest`). */
  readonly head: Readonly<Record<string, unknown>>
  /** No sequence's result depends on the others of its batch: the job may run with other requests' (plan/independent.ts). */
  readonly independent: boolean
  /** A question that takes more than one run: what it finds is the answer, as JSON or as its own bytes. Such a job is not `independent`, it goes alone. */
  readonly study?: Study
}

/** How long whoever asks for a job waits for it. */
export interface Patience {
  /** On the clock of performance.now(): a job that has no answer then is answered with `deadline`. */
  readonly until: number
  /** Nobody waits any more. Asked again and again until the job begins, where it ends it. */
  readonly gone: () => boolean
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

/** One of the jobs that run together. */
export interface Part extends Pick<Job, 'batch' | 'format' | 'head' | 'study'> { readonly id: number }

/** How many plans a thread keeps: `slot` is below it. */
export const slots = 256

/** The only thing both sides of the thread boundary share. Everything here survives structured cloning. */
export type ToWorker =
  { readonly type: 'load', readonly id: number, readonly model: string, readonly file: ModelFile, readonly check: LoadCheck } |
  { readonly type: 'unload', readonly id: number, readonly model: string } |
  /** Jobs of one model and plan that fit each other. The plan is where `slot` says; one that comes along takes that place. `sent`: memory of its answers that may be used again. */
  { readonly type: 'run', readonly model: string, readonly slot: number, readonly plan?: Plan, readonly parts: readonly Part[], readonly sent: readonly SharedArrayBuffer[] }

export type FromWorker =
  { readonly type: 'started', readonly engine: EngineInfo } |
  { readonly type: 'loaded', readonly id: number, readonly receipt: Receipt, readonly reason?: string } |
  { readonly type: 'unloaded', readonly id: number } |
  /** `milliseconds`: since the thread began with the jobs that ran together. */
  { readonly type: 'answered', readonly id: number, readonly body: Uint8Array, readonly milliseconds: number } |
  { readonly type: 'failed', readonly id: number, readonly code: FaultCode, readonly detail: string, readonly pointer?: string }

export type EngineName = 'native' | 'onnx' | 'tfjs' | 'wasm'

/**
 * What a worker is started with. `alive` is memory of two float64 in which it keeps how many tensors live in its reference engine, and their bytes: whoever
 * watches reads that without asking a thread that computes. `ending` is memory for `ending.ts`.
 */
export interface WorkerData { readonly engine: 'auto' | EngineName, readonly workers: number, readonly alive: SharedArrayBuffer, readonly ending: SharedArrayBuffer }

export interface EngineInfo {
  /** What answers first of all: compiled plans, by the native engine or on onnxruntime, where they are to be had; else the reference. */
  readonly name: EngineName
  /** Of the native engine the instructions of the processor that it uses. */
  readonly version: string
  /** onnxruntime's version, where it takes the plans that the native engine does not. */
  readonly onnx?: string
  /** What computes op by op, and checks the compiled plans. */
  readonly reference: { readonly name: 'tfjs' | 'wasm', readonly version: string }
  /** TensorFlow's version under tfjs-node; null for wasm. */
  readonly tensorflow: string | null
  /** Why a slower engine serves, where one does. */
  readonly warning?: string
}

/** How a job went, in milliseconds: told when it is answered or has failed. */
export interface Ran {
  /** The key of its model. */
  readonly model: string
  /** It waited for a thread. */
  readonly queued: number
  /** From there to its answer. */
  readonly ran: number
  /** Jobs that ran together, this one among them. */
  readonly together: number
}

/** What the pool is at now. */
export interface PoolState {
  readonly waiting: { readonly requests: number, readonly bytes: number }
  /** Each thread: has it an engine, does it compute (or load), and which tensors live in its reference engine? */
  /** Threads that were given up and are still in a native call: as long as there are some, the process cannot end by itself. */
  readonly lost: number
  readonly workers: readonly { readonly alive: boolean, readonly busy: boolean, readonly tensors: number, readonly bytes: number }[]
}

/** What the main thread sees of the pool. */
export interface Pool {
  readonly engine: EngineInfo
  /** Starts the threads beyond the first, once, and waits until they work, with the models that were loaded meanwhile. */
  whole: () => Promise<void>
  /** Asks no thread: to be read at any time. */
  state: () => PoolState
  /** One job more would be refused with queue_full, for all that is known of it now; or so large a share of the places is taken. */
  full: (share?: number) => boolean
  /** `model` is the key under which jobs name it. A model that fails its self-check is not kept: `reason` says why. */
  load: (model: string, file: ModelFile, check: LoadCheck) => Promise<{ receipt: Receipt, reason?: string }>
  unload: (model: string) => Promise<void>
  /** The encoded answer. Throws Fault, where that is queue_full the job was not touched; and Gone where nobody waits any more. Without `patience` it waits for ever. */
  run: (model: string, job: Job, patience?: Patience) => Promise<Buffer>
  /** An answer that nobody reads any more: its memory may hold the next one. */
  sent: (body: Buffer) => void
  close: () => Promise<void>
}
