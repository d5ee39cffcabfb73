import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import { packed } from '../registry/parcel.ts'
import { Turns } from './turns.ts'

/** What is on the engines: bytes, and when it was last asked. */
interface Kept { readonly bytes: number, asked: number }

/** A budget for the weights of all models on the engines. A model counts with its weights once for each thread and once more, where they were read to. */
export class Memory {
  readonly #limit: number
  readonly #copies: number
  readonly #kept = new Map<string, Kept>()
  readonly #turns = new Turns()
  #clock = 0
  #told: (() => void)[] = []

  /** `limit` in bytes, Infinity for none; `threads` that compute. */
  constructor (limit: number, threads: number) {
    this.#limit = limit
    this.#copies = threads + 1
  }

  get limit (): number { return this.#limit }

  /** Bytes of all that is on the engines, or on its way there. */
  get bytes (): number {
    let sum = 0
    for (const { bytes } of this.#kept.values()) sum += bytes
    return sum
  }

  /** Of one model, by its key in the pool; 0 where it is not there. */
  bytesOf (key: string): number { return this.#kept.get(key)?.bytes ?? 0 }

  /** It is asked: others go before it. */
  ask (key: string): void {
    const kept = this.#kept.get(key)
    if (kept !== undefined) kept.asked = ++this.#clock
  }

  /** It has left the engines. */
  drop (key: string): void {
    this.#kept.delete(key)
    this.changed()
  }

  /** Something is not used any more, or has gone: whoever waits for room looks again. */
  changed (): void {
    for (const tell of this.#told.splice(0)) tell()
  }

  /** Takes the room that a model needs if it is there. Throws Fault storage_full where it never will be. */
  fits (key: string, file: ModelFile): boolean {
    const bytes = this.#needs(file)
    if (this.bytes + bytes > this.#limit) return false
    this.#keep(key, bytes)
    return true
  }

  /**
   * The same, and waits for it, at most until `until` (on the clock of performance.now()). `free` takes a model that nobody uses off the engines: it is given the keys of those there are, the one that was not asked
   * for longest first, and gives false where all are in use.
   * @throws Fault storage_full where it will never fit, not_ready where it does not in time
   */
  async room (key: string, file: ModelFile, until: number, free: (keys: readonly string[]) => Promise<boolean>): Promise<void> {
    const bytes = this.#needs(file)
    // One after the other, or two would share the room that one of them has made.
    await this.#turns.take('room', async () => {
      while (this.bytes + bytes > this.#limit) {
        if (performance.now() >= until) throw new Fault('not_ready', 'the other models are in use, and there is no memory for one more (MODELS_MEMORY_MB): try again in a moment')
        const keys = [...this.#kept].sort(([, a], [, b]) => a.asked - b.asked).map(([key]) => key)
        if (!await free(keys)) await this.#change(until)
      }
      this.#keep(key, bytes)
    })
  }

  #keep (key: string, bytes: number): void {
    this.#kept.set(key, { bytes, asked: ++this.#clock })
  }

  #needs (file: ModelFile): number {
    const bytes = packed(file).arrays.reduce((sum, { byteLength }) => sum + byteLength, 0) * this.#copies
    if (bytes > this.#limit) {
      throw new Fault('storage_full', `the model's weights take ${inMiB(bytes)} MiB (${this.#copies - 1} threads and once more), and all models may have ${inMiB(this.#limit)}: start the service with a larger MODELS_MEMORY_MB, or fewer WORKERS`)
    }
    return bytes
  }

  async #change (until: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(Math.max(0, until - performance.now()), 1000))
      this.#told.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

const inMiB = (bytes: number): number => Math.ceil(bytes / 2 ** 20 * 10) / 10
