/** Work on the same thing waits for its turn; on different things it goes side by side. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<T> (name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name)
    const own = (before ?? Promise.resolve()).then(work)
    const quiet = own.catch(() => {})
    this.#last.set(name, quiet)
    try {
      return await own
    } finally {
      if (this.#last.get(name) === quiet) this.#last.delete(name)
    }
  }
}
