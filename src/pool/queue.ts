import { Fault } from '../errors.ts'
import type { Values } from '../model.ts'
import type { Batch } from '../request/probe.ts'
import { Order, Costs } from './order.ts'
import type { Job, Patience } from './protocol.ts'

/** Who made an answer gets its memory back. */
export interface Maker { takeBack: (memory: SharedArrayBuffer) => void }

/** A job that waits. */
export interface Queued {
  readonly model: string
  readonly job: Job
  /** What its inputs take: they are moved to the thread, and gone here. */
  readonly size: Size
  /** null: for ever. */
  readonly patience: Patience | null
  /** Told when it goes to a thread, with how many others. */
  readonly begun?: (together: number) => void
  /** The answer, and who made it. */
  readonly resolve: (body: Buffer, by: Maker) => void
  readonly reject: (error: Error) => void
}

/** How many numbers, and their bytes. */
export interface Size { readonly numbers: number, readonly bytes: number }

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

/** Jobs that wait, bounded in number and in bytes, in a fair order (order.ts). */
export class Queue {
  readonly #limits: Limits
  readonly #order: Order
  #length = 0
  #bytes = 0
  /** One was refused for its bytes, and none has left since. */
  #crowded = false

  constructor (limits: Limits, costs = new Costs()) {
    this.#limits = limits
    this.#order = new Order(costs)
  }

  get length (): number {
    return this.#length
  }

  get bytes (): number {
    return this.#bytes
  }

  /** What all of it will take of the threads. */
  get milliseconds (): number {
    return this.#order.milliseconds
  }

  /** One more would be refused, or a share of the places is taken. Whether there are bytes left for it is known only of one that has been tried. */
  full (share = 1): boolean {
    return this.#length >= this.#limits.requests * share || this.#crowded
  }

  /** Throws Fault queue_full. */
  push (queued: Queued): void {
    const { requests, bytes } = this.#limits
    if (this.#length >= requests) throw new Fault('queue_full', `${requests} requests are waiting already: try again in a second`)
    const { bytes: own } = queued.size
    if (this.#length > 0 && this.#bytes + own > bytes) {
      this.#crowded = true
      throw new Fault('queue_full', `${this.#length} requests with ${megabytes(this.#bytes)} MiB of inputs are waiting already, and ${megabytes(bytes)} MiB may wait: try again in a second`)
    }
    this.#order.push(queued)
    this.#length++
    this.#bytes += own
  }

  /** The job that is next, and others that can run with it: `share` jobs at most. Empty where none waits. */
  take (share: number): Queued[] {
    return this.#left(this.#order.take((first, others) => {
      const along: Queued[] = []
      if (!first.job.independent) return along
      let size = first.job.batch.size
      for (const other of others.slice(0, nearest)) {
        if (along.length + 1 >= share) break
        if (size + other.job.batch.size > rows || !fit(first, other)) continue
        along.push(other)
        size += other.job.batch.size
      }
      return along
    }))
  }

  /** Takes out those for whom `leaves` says so. */
  remove (leaves: (queued: Queued) => boolean): Queued[] {
    return this.#left(this.#order.remove(leaves))
  }

  #left (jobs: Queued[]): Queued[] {
    if (jobs.length > 0) this.#crowded = false
    this.#length -= jobs.length
    for (const { size } of jobs) this.#bytes -= size.bytes
    return jobs
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

/** What they take. */
export function sizeOf (batch: Batch): Size {
  let [numbers, bytes] = [0, 0]
  for (const { data } of arraysOf(batch)) {
    numbers += data.length
    bytes += data.byteLength
  }
  return { numbers, bytes }
}
