import { Fault } from '../errors.ts'
import type { LoadCheck, Pool } from '../pool/protocol.ts'
import type { Entry, Served } from '../registry/entry.ts'
import type { Registry } from '../registry/registry.ts'
import { Holds } from './holds.ts'
import type { Memory } from './memory.ts'

/** Told of what happens that nobody asked for or waits for. */
export interface Log { readonly info: (about: object, words: string) => void, readonly error: (about: object, words: string) => void }

/** What brings models onto the engines. */
export interface EngineParts {
  readonly registry: Registry
  readonly pool: Pick<Pool, 'load' | 'unload'>
  readonly memory: Memory
  /** Milliseconds that administration waits for room in it. */
  readonly longest: number
  /** What a model is tried with. */
  readonly check: (entry: Served) => LoadCheck
  readonly log: Log
}

/** The models on the engines: brought there and tried, held while they answer, put aside for others, and taken off. */
export class Engines {
  readonly #parts: EngineParts
  readonly #holds: Holds
  #copies = 0

  constructor (parts: EngineParts) {
    this.#parts = parts
    this.#holds = new Holds((entry) => {
      this.#off(entry).catch((error: Error) => parts.log.error({ model: entry.key, reason: error.message }, 'a model that has gone could not be unloaded'))
    }, () => parts.memory.changed())
  }

  /** Uses a version until what comes back is called. */
  take (entry: Entry): () => void {
    this.#parts.memory.ask(entry.key)
    return this.#holds.take(entry)
  }

  /** It leaves when its last answer is out. One that is not there leaves nothing. */
  leave (entry: Entry): void {
    if (entry.status === 'ready') this.#holds.letGo(entry)
  }

  /** Versions that have left and still answer. */
  get draining (): number { return this.#holds.draining }

  /**
   * Brings a model onto the engines under a key of its own, once there is room for it, and tries it there.
   * @throws Fault bad_file, unsupported_layer, storage_full where it will never fit; not_ready where that is not the model's doing
   */
  async bring (entry: Served, until = performance.now() + this.#parts.longest): Promise<Served> {
    const own: Served = { ...entry, key: `${entry.id}/${entry.version}~${++this.#copies}` }
    const { pool, check, memory } = this.#parts
    await memory.room(own.key, own.file, until, async (keys) => await this.#free(keys))
    try {
      const { receipt, reason } = await pool.load(own.key, own.file, check(own))
      if (reason !== undefined) throw new Fault('bad_file', `the model does not pass its own check: ${reason}`)
      return { ...own, status: 'ready', receipt }
    } catch (error) {
      this.#holds.letGo(own)
      if (!(error instanceof Fault)) throw error
      // Whatever it is that fails, it fails for this model: its sample does not fit, or an engine cannot run it.
      throw error.status === 503 ? error : new Fault(error.code === 'unsupported_layer' ? error.code : 'bad_file', error.message)
    }
  }

  /** Puts the first of these that nobody uses aside; false where all are in use. It can still be asked. */
  async #free (keys: readonly string[]): Promise<boolean> {
    const { registry, log } = this.#parts
    const entries = registry.list()
    const entry = keys.map((key) => entries.find((one) => one.key === key)).find((one) => one?.status === 'ready' && !this.#holds.has(one))
    if (entry === undefined) return false
    registry.put({ ...entry, file: null, status: 'idle' })
    log.info({ model: entry.key }, 'a model was put aside for others: it is loaded when it is asked for')
    await this.#off(entry)
    return true
  }

  async #off ({ key }: Entry): Promise<void> {
    await this.#parts.pool.unload(key)
    this.#parts.memory.drop(key)
  }
}
