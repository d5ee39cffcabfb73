import type { Entry } from '../registry/entry.ts'

/** Counts who uses which version, so that one that was replaced or removed serves on until the last answer that it began is out. */
export class Holds {
  /** 0 where nobody does any more: a Map whose entries come and go leaves its old tables behind (http/roster.ts). */
  readonly #counts = new WeakMap<Entry, number>()
  readonly #leaving = new Set<Entry>()
  readonly #gone: (entry: Entry) => void
  readonly #free: () => void

  /** `gone` is told, once, of each version that was let go and is not used any more; `free` whenever one is not used any more. */
  constructor (gone: (entry: Entry) => void, free: () => void) {
    this.#gone = gone
    this.#free = free
  }

  /** Does somebody use it? */
  has (entry: Entry): boolean { return (this.#counts.get(entry) ?? 0) > 0 }

  /** Uses a version until what comes back is called. */
  take (entry: Entry): () => void {
    this.#counts.set(entry, (this.#counts.get(entry) ?? 0) + 1)
    let released = false
    return () => {
      if (released) return
      released = true
      const left = this.#counts.get(entry)! - 1
      this.#counts.set(entry, left)
      if (left > 0) return
      if (this.#leaving.delete(entry)) this.#gone(entry)
      this.#free()
    }
  }

  /** Nobody will take this version any more. */
  letGo (entry: Entry): void {
    if (this.has(entry)) this.#leaving.add(entry)
    else this.#gone(entry)
  }

  /** Versions that were let go and are still used. */
  get draining (): number { return this.#leaving.size }
}
