import { Fault } from '../errors.ts'
import type { Values } from '../model.ts'
import type { Batch } from '../request/probe.ts'
import type { Job } from './protocol.ts'

/** Who made an answer gets its memory back. */
export interface Maker { takeBack: (memory: SharedArrayBuffer) => void }

/** A job that waits. */
export interface Queued {
  readonly model: string
  readonly job: Job
  /** Told when it goes to a thread, with how many others. */
  readonly begun?: (together: number) => void
  /** The answer, and who made it. */
  readonly resolve: (body: Buffer, by: Maker) => void
  readonly reject: (error: Fault) => void
}

/** How much may wait. */
export interface Limits {
  readonly requests: number
  /** Of inputs. One job alone may have more: it would be refused for ever otherwise. */
  readonly bytes: number
}

/** Sequences that run together; a batch of as many goes alone. More gain nothing: the arithmetic of 32 fills the machine. */
const rows = 32
/** Among so many waiting jobs company is looked for. */
const nearest = 256

/** Jobs in the order they came, bounded in number and in bytes. */
export class Queue {
  readonly #limits: Limits
  #jobs: Queued[] = []
  #bytes = 0

  constructor (limits: Limits) {
    this.#limits = limits
  }

  get length (): number {
    return this.#jobs.length
  }

  get bytes (): number {
    return this.#bytes
  }

  /** Throws Fault queue_full. */
  push (queued: Queued): void {
    const { requests, bytes } = this.#limits
    if (this.#jobs.length >= requests) throw new Fault('queue_full', `${requests} requests are waiting already: try again in a second`)
    const own = bytesOf(queued.job.batch)
    if (this.#jobs.length > 0 && this.#bytes + own > bytes) {
      throw new Fault('queue_full', `${this.#jobs.length} requests with ${megabytes(this.#bytes)} MiB of inputs are waiting already, and ${megabytes(bytes)} MiB may wait: try again in a second`)
    }
    this.#jobs.push(queued)
    this.#bytes += own
  }

  /** The job that came first, and others that can run with it: `share` jobs at most. Empty where none waits. */
  take (share: number): Queued[] {
    const [first] = this.#jobs
    if (first === undefined) return []
    const taken = [first]
    let size = first.job.batch.size
    if (first.job.independent) {
      for (const other of this.#jobs.slice(1, nearest)) {
        if (taken.length >= share) break
        if (size + other.job.batch.size > rows || !fit(first, other)) continue
        taken.push(other)
        size += other.job.batch.size
      }
    }
    if (taken.length === 1) this.#jobs.shift()
    else this.#jobs = this.#jobs.filter((job) => !taken.includes(job))
    for (const { job } of taken) this.#bytes -= bytesOf(job.batch)
    return taken
  }

  /** All of them. */
  clear (): Queued[] {
    const all = this.#jobs
    this.#jobs = []
    this.#bytes = 0
    return all
  }
}

const megabytes = (bytes: number): string => String(Math.round(bytes / 2 ** 20 * 10) / 10)

/** Can two jobs run as one batch? The same model and plan, the same states brought, and arrays that differ in the number of sequences alone. */
function fit (a: Queued, b: Queued): boolean {
  if (a.model !== b.model || a.job.plan !== b.job.plan || !b.job.independent) return false
  const [x, y] = [a.job.batch, b.job.batch]
  return sameArrays(x.inputs, y.inputs) && sameKeys(x.initial, y.initial) && Object.keys(x.initial).every((key) => sameArrays(x.initial[key], y.initial[key]))
}

function sameKeys (a: object, b: object): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name))
}

function sameArrays (a: Readonly<Record<string, Values>>, b: Readonly<Record<string, Values>>): boolean {
  return sameKeys(a, b) && Object.keys(a).every((name) => a[name].shape.length === b[name].shape.length && a[name].shape.every((size, axis) => axis === 0 || size === b[name].shape[axis]))
}

/** Every array of a batch. */
export const arraysOf = ({ inputs, initial }: Batch): Values[] => [inputs, ...Object.values(initial)].flatMap((arrays) => Object.values(arrays))

const bytesOf = (batch: Batch): number => arraysOf(batch).reduce((sum, { data }) => sum + data.byteLength, 0)
