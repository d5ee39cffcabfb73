import { SHARE_ENV, Worker } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import type { Plan } from '../plan/plan.ts'
import { slots, type EngineInfo, type FromWorker, type ToWorker, type WorkerData } from './protocol.ts'
import { arraysOf, type Queued } from './queue.ts'

/** What a thread answers to a load or an unload. */
type Reply = Extract<FromWorker, { type: 'loaded' | 'unloaded' }>
type Answer = Extract<FromWorker, { type: 'answered' }>

interface Waiting {
  readonly resolve: (message: Reply | Answer) => void
  readonly reject: (error: Fault) => void
}

/** Told by a thread, whenever it happens. */
export interface HandEvents {
  /** All that it ran is answered. */
  readonly onFree: () => void
  /** It stopped without being asked to. What it ran has been failed with `not_ready`. */
  readonly onDeath: (hand: Hand, reason: string) => void
}

/** One worker thread and what it owes: loads in order, and one run at a time. */
export class Hand {
  /** It runs, or may not be given anything to run yet. */
  busy = true
  /** Its engine has started, and it has not stopped since. */
  alive = false
  readonly #data: WorkerData
  readonly #events: HandEvents
  /**
   * By the id of their message; an id that is answered is used again. Not a Map: V8 leaves an old table behind after some deletions, and old tables
   * keep one another, with all that they held, until the next collection of everything.
   */
  #waiting: (Waiting | undefined)[] = []
  #free: number[] = []
  /** Where it keeps the plans that it knows; the oldest makes room. */
  #plans = new Map<Plan, number>()
  /** Memory of its answers, to go back with the next run. */
  #sent: SharedArrayBuffer[] = []
  #worker: Worker | null = null
  #running = 0
  #closing = false

  constructor (data: WorkerData, events: HandEvents) {
    this.#data = data
    this.#events = events
  }

  /** Starts the thread, at first or again. Nothing is known to it then. */
  async start (): Promise<EngineInfo> {
    return await new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: this.#data,
        // The native library reads the process' environment, not a worker's copy of it.
        env: SHARE_ENV
      })
      this.#worker = worker
      this.#plans = new Map()
      this.#sent = []
      let cause = ''
      let born = false
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'started') {
          born = true
          this.alive = true
          resolve(message.engine)
        } else {
          this.#hear(message)
        }
      })
      worker.on('error', (error: Error) => { cause = error.message })
      worker.on('exit', () => {
        this.busy = true
        this.alive = false
        this.#running = 0
        const waiting = this.#waiting
        this.#waiting = []
        this.#free = []
        for (const one of waiting) one?.reject(new Fault('not_ready', 'the engine stopped while it worked on this; it is being started again: try once more in a few seconds'))
        if (!born) reject(new Error(cause))
        else if (!this.#closing) this.#events.onDeath(this, cause)
      })
    })
  }

  /** The tensors that live in its reference engine, and their bytes. */
  get memory (): readonly [tensors: number, bytes: number] {
    const [tensors, bytes] = new Float64Array(this.#data.alive)
    return this.alive ? [tensors, bytes] : [0, 0]
  }

  /** A load or an unload; they are done between runs. */
  async ask<Type extends 'load' | 'unload'> (message: Omit<Extract<ToWorker, { type: Type }>, 'id'>): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      const id = this.#wait({ resolve: resolve as Waiting['resolve'], reject })
      this.#worker!.postMessage({ ...message, id })
    })
  }

  /** Runs jobs that fit each other; only while it is not busy. Each is answered as soon as its bytes are there. */
  run (jobs: readonly Queued[]): void {
    const [{ model, job: { plan } }] = jobs
    this.busy = true
    this.#running = jobs.length
    const parts = jobs.map(({ job: { batch, format, head, study }, resolve, reject }) => {
      const id = this.#wait({
        resolve: (message) => {
          const { body: { buffer, byteOffset, length } } = message as Answer
          resolve(Buffer.from(buffer, byteOffset, length), this)
          this.#done()
        },
        reject: (error) => {
          reject(error)
          this.#done()
        }
      })
      return { id, batch, format, head, ...(study === undefined ? {} : { study }) }
    })
    const known = this.#plans.get(plan)
    const slot = known ?? this.#keep(plan)
    const message: ToWorker = { type: 'run', model, slot, ...(known === undefined ? { plan } : {}), parts, sent: this.#sent }
    this.#worker!.postMessage(message, movable(jobs))
    this.#sent = []
  }

  /** Memory of one of its answers that nobody reads any more. */
  takeBack (memory: SharedArrayBuffer): void {
    this.#sent.push(memory)
  }

  async close (): Promise<void> {
    this.#closing = true
    await this.#worker?.terminate()
  }

  #wait (waiting: Waiting): number {
    const id = this.#free.pop() ?? this.#waiting.length
    this.#waiting[id] = waiting
    return id
  }

  #hear (message: Exclude<FromWorker, { type: 'started' }>): void {
    const waiting = this.#waiting[message.id]
    this.#waiting[message.id] = undefined
    this.#free.push(message.id)
    if (message.type === 'failed') waiting?.reject(new Fault(message.code, message.detail, message.pointer))
    else waiting?.resolve(message)
  }

  #done (): void {
    if (this.#running === 0 || --this.#running > 0) return
    this.busy = false
    this.#events.onFree()
  }

  /** Where a plan that is new to the thread shall stand. */
  #keep (plan: Plan): number {
    const [oldest] = this.#plans
    const slot = this.#plans.size < slots ? this.#plans.size : oldest[1]
    if (this.#plans.size >= slots) this.#plans.delete(oldest[0])
    this.#plans.set(plan, slot)
    return slot
  }
}

/** The buffers of inputs that nothing else lies in. */
function movable (jobs: readonly Queued[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { job: { batch } } of jobs) {
    for (const { data } of arraysOf(batch)) {
      if (data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength) buffers.add(data.buffer)
    }
  }
  return [...buffers]
}
