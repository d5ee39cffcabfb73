import { refuse } from './refuse.ts'

/** The functions that a program needs beside those of its layers, in the order in which they are first met. */
export class Functions {
  readonly #helpers: Readonly<Record<string, string>>
  readonly #texts = new Map<string, string>()

  constructor (helpers: Readonly<Record<string, string>>) {
    this.#helpers = helpers
  }

  has (name: string): boolean { return this.#texts.has(name) }

  texts (): string[] { return [...this.#texts.values()] }

  /** The name of a helper, which the program has from now on. */
  helper (name: string): string {
    if (!Object.hasOwn(this.#helpers, name)) refuse(`decode does not write the operation ${name} down`)
    this.#texts.set(name, this.#helpers[name])
    return name
  }

  /** The name of a function with this text: another one where the name is taken, by an activation with other settings. */
  define (wanted: string, write: (name: string) => string): string {
    for (let n = 1; ; n++) {
      const name = n === 1 ? wanted : `${wanted}__${n}`
      const text = write(name)
      if ((this.#texts.get(name) ?? text) !== text) continue
      this.#texts.set(name, text)
      return name
    }
  }
}
