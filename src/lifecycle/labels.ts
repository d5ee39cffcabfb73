import { Fault } from '../errors.ts'
import type { Registry } from '../registry/registry.ts'
import type { Store } from '../store/store.ts'
import type { Turns } from './turns.ts'

export const labelPattern = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/

/** Names for versions, by model: `stable`, `canary`. They lie beside the uploads, and outlive the process as those do. */
export class Labels {
  readonly #registry: Registry
  readonly #store: Store | null
  readonly #turns: Turns
  #known: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map()

  constructor (registry: Registry, store: Store | null, turns: Turns) {
    this.#registry = registry
    this.#store = store
    this.#turns = turns
  }

  /** Reads what an earlier run kept. Throws Fault where that is damaged. */
  async open (): Promise<void> {
    const kept = await this.#store?.readLabels() ?? {}
    this.#known = new Map(Object.entries(kept).map(([id, labels]) => [id, new Map(Object.entries(labels))]))
  }

  /** Those of a model. */
  of (id: string): ReadonlyMap<string, number> { return this.#known.get(id) ?? new Map() }

  /** The version that a label names now. Throws Fault unknown_model, where there is none; the message lists those there are. */
  version (id: string, label: string): number {
    const labels = this.of(id)
    const version = labels.get(label)
    if (version !== undefined) return version
    const names = [...labels.keys()].map((name) => JSON.stringify(name)).join(', ')
    throw new Fault('unknown_model', `model ${JSON.stringify(id)} has no label ${JSON.stringify(label)}; its labels are ${names === '' ? 'none: PUT /models/ID/labels/LABEL sets one' : names}`, '/version')
  }

  /** Has a label name a version from here on; null takes it away. Throws Fault unknown_model, forbidden without MODELS_DIR, storage_full, storage_failed; nothing has changed then. */
  async set (id: string, label: string, version: number | null): Promise<void> {
    const store = this.#store
    if (store === null) throw new Fault('forbidden', 'labels are kept in MODELS_DIR, and the service was started with model files and without a folder: set MODELS_DIR too')
    // The name of a model has no blank.
    await this.#turns.take('all labels', async () => {
      if (version === null) this.version(id, label)
      else if (!this.#registry.list().some((one) => one.id === id && one.version === version)) throw new Fault('unknown_model', `there is no version ${version} of a model ${JSON.stringify(id)}: GET /models lists what there is`, '/version')
      const labels = new Map(this.of(id))
      if (version === null) labels.delete(label)
      else labels.set(label, version)
      const all = new Map(this.#known).set(id, labels)
      if (labels.size === 0) all.delete(id)
      await store.writeLabels(Object.fromEntries([...all].map(([id, labels]) => [id, Object.fromEntries(labels)])))
      this.#known = all
    })
  }
}
