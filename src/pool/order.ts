import type { Queued } from './queue.ts'

/** Milliseconds of a job beside its numbers, and for each of them until that is known. */
const [overhead, unknown] = [0.5, 1e-3]
/** How much the last run says about the next. */
const weight = 0.2

/** What jobs will take, in milliseconds, from what jobs of their kind have taken. */
export class Costs {
  /** Milliseconds a number of the inputs, by model and kind of job. */
  readonly #rates = new Map<string, Map<string, number>>()

  /** Of one alone, with what goes to and fro. */
  of (queued: Queued): number {
    return overhead + this.time(queued)
  }

  /** Of its share of a thread. */
  time (queued: Queued): number {
    return queued.size.numbers * (this.#rates.get(queued.model)?.get(kindOf(queued)) ?? unknown)
  }

  /** Jobs of one kind ran together for so long. */
  learn (jobs: readonly Queued[], milliseconds: number): void {
    const [first] = jobs
    const numbers = jobs.reduce((sum, { size }) => sum + size.numbers, 0)
    const rates = this.#rates.get(first.model) ?? new Map<string, number>()
    this.#rates.set(first.model, rates)
    const kind = kindOf(first)
    const found = milliseconds / Math.max(1, numbers)
    const before = rates.get(kind) ?? found
    rates.set(kind, before + weight * (found - before))
  }

  forget (model: string): void {
    this.#rates.delete(model)
  }
}

const kindOf = ({ job: { study, plan } }: Queued): string => study?.kind ?? (plan.layers.length === 0 ? 'predict' : 'states')

/** A job that waits, and where: `rank` orders the jobs of its model. */
interface Place { readonly queued: Queued, readonly milliseconds: number, readonly cost: number, readonly rank: number }

/** The jobs of a model that wait, in the order they came. */
interface Flow { readonly model: string, places: Place[], /** Its time: what its jobs have cost. */ time: number, /** The same since it last had none that waited. */ served: number }

/**
 * Jobs in a fair order. Between models it is start-time fair queueing (Goyal, Vin, Cheng 1996) by predicted cost: each has its own time, which its jobs move on
 * by what they cost, and the model whose next job would end first is next; one that had nothing to do starts from the time of the others. Within a model small
 * jobs go before large ones, as far as that keeps nobody waiting: a job's rank is what its model had been served when it came, and its own cost. So one that came
 * later goes before it only where it is cheaper, and only until as much as the waiting one costs has been served since. Costs within a factor of two are the same.
 */
export class Order {
  readonly #costs: Costs
  /** Few: those of models that have jobs waiting, or had a moment ago. Not a Map, as they come and go with the jobs (http/roster.ts says why). */
  #flows: Flow[] = []
  #time = 0
  #milliseconds = 0

  constructor (costs: Costs) {
    this.#costs = costs
  }

  /** What those that wait will take of the threads, as it was foretold when they came. */
  get milliseconds (): number {
    return this.#milliseconds
  }

  push (queued: Queued): void {
    let flow = this.#flows.find(({ model }) => model === queued.model)
    if (flow === undefined) {
      flow = { model: queued.model, places: [], time: this.#time, served: 0 }
      this.#flows.push(flow)
    }
    if (flow.places.length === 0) {
      flow.time = Math.max(flow.time, this.#time)
      flow.served = 0
    }
    const cost = 2 ** Math.ceil(Math.log2(this.#costs.of(queued)))
    const milliseconds = this.#costs.time(queued)
    this.#milliseconds += milliseconds
    flow.places.push({ queued, milliseconds, cost, rank: flow.served + cost })
  }

  /** The job that is next, and of the others of its model, in the order they came, those that `choose` takes along. Empty where none waits. */
  take (choose: (first: Queued, others: readonly Queued[]) => readonly Queued[]): Queued[] {
    let next: { flow: Flow, place: Place, end: number } | null = null
    // Of the others nothing is left to remember.
    this.#flows = this.#flows.filter(({ places, time }) => places.length > 0 || time > this.#time)
    for (const flow of this.#flows) {
      if (flow.places.length === 0) continue
      const place = flow.places.reduce((best, one) => one.rank < best.rank ? one : best)
      const end = flow.time + place.cost
      if (next === null || end < next.end) next = { flow, place, end }
    }
    if (next === null) return []
    const { flow, place } = next
    const along = new Set(choose(place.queued, flow.places.filter((one) => one !== place).map(({ queued }) => queued)))
    const taken = [place, ...flow.places.filter(({ queued }) => along.has(queued))]
    flow.places = this.#without(flow, (one) => taken.includes(one))
    // Together they cost less, but each has its share of the thread.
    const cost = taken.reduce((sum, one) => sum + one.cost, 0)
    this.#time = Math.max(this.#time, flow.time)
    flow.time += cost
    flow.served += cost
    return taken.map(({ queued }) => queued)
  }

  /** Those for whom `leaves` says so, which wait no more. */
  remove (leaves: (queued: Queued) => boolean): Queued[] {
    const removed: Queued[] = []
    for (const flow of this.#flows) {
      if (!flow.places.some(({ queued }) => leaves(queued))) continue
      removed.push(...flow.places.filter(({ queued }) => leaves(queued)).map(({ queued }) => queued))
      flow.places = this.#without(flow, ({ queued }) => removed.includes(queued))
    }
    return removed
  }

  #without ({ places }: Flow, leaves: (place: Place) => boolean): Place[] {
    for (const place of places) if (leaves(place)) this.#milliseconds -= place.milliseconds
    return places.filter((place) => !leaves(place))
  }
}
