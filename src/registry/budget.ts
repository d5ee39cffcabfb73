import { Fault } from '../errors.ts'

/** Declared in all however small the file is: biases of zeros, and the text of a config, may be packed tightly. */
const free = 16 * 2 ** 20

/** How many times its size a file may declare. Weights that were trained hardly compress at all. */
const ratio = 20

/**
 * What a file of `size` bytes may declare to hold, all of it together. It is asked before anything is read: a few bytes can declare gigabytes,
 * at once or in many small parts.
 */
export class Budget {
  readonly #most: number
  readonly #size: number
  #taken = 0

  constructor (size: number) {
    this.#size = size
    this.#most = free + ratio * size
  }

  /** Counts `bytes` that `what` declares. Throws `bad_file` where that is more than there can be. */
  take (bytes: number, what: string): void {
    this.#taken += bytes
    // Written so that NaN is refused.
    if (!(this.#taken <= this.#most)) {
      throw new Fault('bad_file', `${what} declares ${bytes} bytes, with what comes before it ${this.#taken}, in a file of ${this.#size}: more than any model packs into it`)
    }
  }
}
