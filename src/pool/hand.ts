import { setTimeout as wait } from 'node:timers/promises'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import { end, endingBytes } from './ending.ts'
import type { Plan } from '../plan/plan.ts'
import { slots, type EngineInfo, type FromWorker, type ToWorker, type WorkerData } from './protocol.ts'
import { arraysOf, type Queued } from './queue.ts'

/** What a thread answers to a load or an unload. */
type Reply = Extract<FromWorker, { type: 'loaded' | 'unloaded' }>
type Answer = Extract<FromWorker, { type: 'answered' }>

/** How long the end of a thread is waited for, in milliseconds. */
const patience = 5_000
/** MiB of JavaScript's own memory that a thread may have: tensors and bodies lie outside of it. One that takes more dies before it takes the process with it. */
const heap = 2048

interface Waiting {
  readonly resolve: (message: Reply | Answer) => void
  readonly reject: (error: Fault) => void
}

/** Told by a thread, whenever it happens. */
export interface HandEvents {
  /** All that it ran is answered: those jobs, which took it so many milliseconds. */
  readonly onFree: (jobs: readonly Queued[], milliseconds: number) => void
  /** It stopped without being asked to. What it ran has been failed with `not_ready`. */
  readonly onDeath: (hand: Hand, reason: string) => void
}

/** One worker thread and what it owes: loads in order, and one run at a time. */
export class Hand {
  /** It runs, or may not be given anything to run yet. */
  busy = true
  /** Its engine has started, and it has not stopped since. */
  alive = false
  /** How often it has been started, and when last, on the clock of performance.now(). */
  lives = 0
  bornAt = 0
  readonly #data: Omit<WorkerData, 'alive' | 'ending'>
  /** What the thread of now shares with this side; one that was given up may still write to its own. */
  #alive = new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT)
  #ending = new SharedArrayBuffer(endingBytes)
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
  #jobs: readonly Queued[] = []
  #since = 0
  #closing = false
  /** Threads that shall end, until they do. */
  readonly #lost = new Set<Promise<unknown>>()

  constructor (data: Omit<WorkerData, 'alive' | 'ending'>, events: HandEvents) {
    this.#data = data
    this.#events = events
  }

  /** Starts the thread, at first or again. Nothing is known to it then. */
  async start (): Promise<EngineInfo> {
    return await new Promise((resolve, reject) => {
      this.#alive = new SharedArrayBuffer(this.#alive.byteLength)
      this.#ending = new SharedArrayBuffer(endingBytes)
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: { ...this.#data, alive: this.#alive, ending: this.#ending } satisfies WorkerData,
        resourceLimits: { maxOldGenerationSizeMb: heap },
        // The native library reads the process' environment, not a worker's copy of it.
        env: SHARE_ENV
      })
      this.#worker = worker
      this.lives++
      this.bornAt = performance.now()
      this.#plans = new Map()
      this.#sent = []
      let cause = ''
      let born = false
      worker.on('message', (message: FromWorker) => {
        // What one that was given up still says is nobody's.
        if (this.#worker !== worker) return
        if (message.type === 'started') {
          born = true
          this.alive = true
          resolve(message.engine)
        } else {
          this.#hear(message)
        }
      })
      worker.on('error', (error: Error) => { cause = error.message })
      worker.on('exit', (code) => {
        if (this.#worker !== worker) return
        cause ||= `it ended with code ${code}`
        this.#fail(new Fault('not_ready', 'the engine stopped while it worked on this; it is being started again: try once more in a few seconds'))
        if (!born) reject(new Error(cause))
        else if (!this.#closing) this.#events.onDeath(this, cause)
      })
    })
  }

  /** What it is working on, and since when on the clock of performance.now(); null where it runs nothing. */
  get work (): { readonly jobs: readonly Queued[], readonly since: number } | null {
    return this.#running === 0 ? null : { jobs: this.#jobs, since: this.#since }
  }

  /** Gives the thread up, as if it had died: it may be in the middle of a native call, which nothing can interrupt, and ends when it comes back from that. */
  giveUp (reason: string): void {
    const worker = this.#worker
    if (worker === null) return
    this.#worker = null
    this.#lose(worker)
    this.#fail(new Fault('deadline', 'the engine did not come back from this in time; it is being started again'))
    this.#events.onDeath(this, reason)
  }

  #fail (fault: Fault): void {
    this.#worker = null
    this.busy = true
    this.alive = false
    this.#running = 0
    this.#jobs = []
    const waiting = this.#waiting
    this.#waiting = []
    this.#free = []
    for (const one of waiting) one?.reject(fault)
  }

  /** The tensors that live in its reference engine, and their bytes. */
  get memory (): readonly [tensors: number, bytes: number] {
    const [tensors, bytes] = new Float64Array(this.#alive)
    return this.alive ? [tensors, bytes] : [0, 0]
  }

  /** A load or an unload; they are done between runs. */
  async ask<Type extends 'load' | 'unload'> (message: Omit<Extract<ToWorker, { type: Type }>, 'id'>): Promise<Reply> {
    return await new Promise((resolve, reject) => {
      if (this.#worker === null) throw new Fault('not_ready', 'the engine is being started again')
      const id = this.#wait({ resolve: resolve as Waiting['resolve'], reject })
      this.#worker.postMessage({ ...message, id })
    })
  }

  /** Runs jobs that fit each other; only while it is not busy. Each is answered as soon as its bytes are there. */
  run (jobs: readonly Queued[]): void {
    const [{ model, job: { plan } }] = jobs
    this.busy = true
    this.#running = jobs.length
    this.#jobs = jobs
    this.#since = performance.now()
    const parts = jobs.map(({ job: { batch, format, head, study }, resolve, reject }) => {
      const id = this.#wait({
        resolve: (message) => {
          const { body: { buffer, byteOffset, length }, milliseconds } = message as Answer
          resolve(Buffer.from(buffer, byteOffset, length), this)
          this.#done(milliseconds)
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

  /** Ends the thread. One in a native call is not waited for beyond `patience`. */
  async close (): Promise<void> {
    this.#closing = true
    const worker = this.#worker
    if (worker !== null) this.#lose(worker)
    await Promise.race([Promise.all(this.#lost), wait(patience, undefined, { ref: false })])
  }

  /** Threads that shall end and have not. */
  get lost (): number {
    return this.#lost.size
  }

  #lose (worker: Worker): void {
    const lost = end(worker, new Int32Array(this.#ending)).finally(() => this.#lost.delete(lost))
    this.#lost.add(lost)
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

  #done (milliseconds = performance.now() - this.#since): void {
    if (this.#running === 0 || --this.#running > 0) return
    this.busy = false
    const jobs = this.#jobs
    this.#jobs = []
    this.#events.onFree(jobs, milliseconds)
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
