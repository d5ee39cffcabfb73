/** Calls, and their time together. */
interface Duration { count: number, ns: number }

/** What the statistics of one version of a model count: inferences over /v2, not what the other routes run. */
class Counters {
  last = 0
  sequences = 0
  readonly success: Duration = { count: 0, ns: 0 }
  readonly fail: Duration = { count: 0, ns: 0 }
  readonly input: Duration = { count: 0, ns: 0 }
  readonly compute: Duration = { count: 0, ns: 0 }
}

/** One inference that is under way. */
export interface Watch {
  /** The request is read. */
  read: () => void
  /** The answer is there; `sequences` is its batch. */
  done: (sequences: number) => void
  failed: () => void
}

/** Counts inferences by model and version, as the statistics extension reports them. */
export class Statistics {
  readonly #counters = new Map<string, Counters>()

  /** Begins to watch an inference. */
  start (key: string): Watch {
    const counters = this.#of(key)
    const began = process.hrtime.bigint()
    let since = began
    const add = (duration: Duration, from: bigint): void => {
      duration.count++
      duration.ns += Number(process.hrtime.bigint() - from)
    }
    return {
      read: () => {
        add(counters.input, since)
        since = process.hrtime.bigint()
      },
      done: (sequences) => {
        add(counters.compute, since)
        add(counters.success, began)
        counters.sequences += sequences
        counters.last = Date.now()
      },
      failed: () => {
        add(counters.fail, began)
        counters.last = Date.now()
      }
    }
  }

  /** `compute_infer` is the time from the pool's queue to the encoded answer: waiting, computing and writing are not told apart. */
  report (key: string, name: string, version: string): object {
    const { last, sequences, success, fail, input, compute } = this.#of(key)
    return {
      name,
      version,
      last_inference: last,
      inference_count: sequences,
      execution_count: compute.count,
      inference_stats: { success, fail, compute_input: input, compute_infer: compute }
    }
  }

  #of (key: string): Counters {
    const known = this.#counters.get(key) ?? new Counters()
    this.#counters.set(key, known)
    return known
  }
}
