import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Fault } from '../errors.ts'
import type { Entry, Served } from '../registry/entry.ts'
import { findModels } from '../registry/folders.ts'
import { readMeta } from '../registry/meta.ts'
import { readModel, type Limits } from '../registry/read.ts'
import { openPlace } from '../registry/registry.ts'
import { readManifest, type Manifest } from '../store/manifest.ts'
import type { Received, Staged, Store } from '../store/store.ts'
import { Engines, type EngineParts } from './engines.ts'
import { Labels } from './labels.ts'
import type { Memory } from './memory.ts'
import { reload } from './reload.ts'
import { storedDigest } from './stored.ts'
import { Turns } from './turns.ts'
import type { Told, Watch } from './watch.ts'

/** What a model's way through the service is joined from. */
export interface Parts extends EngineParts {
  /** Where uploads go; null where there is no MODELS_DIR. */
  readonly store: Store | null
  /** What reading a model file may take. */
  readonly limits: Limits
}

/** A version that a request is answered by, and what to call when it is answered. */
export interface Held { readonly entry: Entry, readonly release: () => void }

/** The files of a version that has arrived. */
export interface Arrived { readonly model: Received, readonly meta: Received | null }

/** Uploads under way at once: each may take the whole UPLOAD_LIMIT_MB of disk, and the memory that reading it takes. */
const most = 4

/** The way of models: they arrive, are loaded, serve, are replaced and go, while requests are answered. */
export class Lifecycle {
  readonly #parts: Parts
  readonly #turns = new Turns()
  readonly #engines: Engines
  readonly labels: Labels
  readonly #waking = new Map<string, Promise<unknown>>()
  #arriving = 0

  constructor (parts: Parts) {
    this.#parts = parts
    this.#engines = new Engines(parts)
    this.labels = new Labels(parts.registry, parts.store, this.#turns)
  }

  /** The version that a request is answered by; null where there is none that is on the engines. */
  hold (id: string, version?: number): Held | null {
    const entry = this.#parts.registry.find(id, version)
    return entry?.status === 'ready' ? { entry, release: this.#engines.take(entry) } : null
  }

  /** Has the version that a request is answered by to be brought back onto the engines first? */
  isIdle (id: string, version?: number): boolean { return this.#parts.registry.find(id, version)?.status === 'idle' }

  /**
   * Brings it back, and holds it; null where there is none that can be asked any more. Several who ask wait for the same.
   * @throws Fault deadline where it is not there by `until` (on the clock of performance.now()), not_ready where the others are in use till then
   */
  async wake (id: string, version: number | undefined, until: number): Promise<Held | null> {
    while (this.isIdle(id, version)) {
      const { key, version: own } = this.#parts.registry.find(id, version)!
      const others = this.#waking.get(key)
      const waking = others ?? this.load(id, own, until).finally(() => this.#waking.delete(key))
      this.#waking.set(key, waking)
      await inTime(waking, until).catch((error: Fault) => {
        // What it is refused for, it is refused with to whoever asks now; and others may have had less time.
        if (error.status >= 500 && (others === undefined || error.code !== 'not_ready')) throw error
      })
      const held = this.hold(id, version)
      if (held !== null) return held
    }
    return this.hold(id, version)
  }

  /** Every version of a model. Throws Fault unknown_model. */
  versions (id: string): readonly Entry[] {
    const found = this.#parts.registry.list().filter((entry) => entry.id === id)
    if (found.length === 0) throw new Fault('unknown_model', `there is no model ${JSON.stringify(id)}: GET /models lists those there are`)
    return found
  }

  /**
   * A new version: `arrive` writes its files; they are read in a process of their own, the model is loaded and tried, stored for good, and serves. The
   * same files again are no error: `created` is false then.
   * @throws Fault version_exists, bad_file, unsupported_layer, storage_full, storage_failed, queue_full, and what `arrive` throws; nothing has changed then
   */
  async upload (id: string, version: number, arrive: (staged: Staged) => Promise<Arrived>): Promise<{ entry: Entry, created: boolean }> {
    const store = this.#store()
    this.#checkHome(id)
    if (this.#arriving >= most) throw new Fault('queue_full', `${most} uploads are under way already: try again when one is done`)
    this.#arriving++
    try {
      const staged = await store.begin()
      try {
        const arrived = await arrive(staged)
        const before = await this.#same(id, version, arrived)
        if (before !== null) return { entry: before, created: false }
        return await this.#take(store, staged, id, version, arrived)
      } finally {
        await staged.discard()
      }
    } finally {
      this.#arriving--
    }
  }

  async #take (store: Store, staged: Staged, id: string, version: number, arrived: Arrived): Promise<{ entry: Entry, created: boolean }> {
    const { registry, log } = this.#parts
    const { model, meta } = arrived
    const main = join(staged.folder, model.name)
    const file = await readModel({ main, weights: null }, { ...this.#parts.limits, digest: model.digest, disposable: true })
    const place = { id, version, main, weights: null, meta: meta === null ? null : join(staged.folder, meta.name), path: staged.folder }
    const ready = await this.#engines.bring({ key: '', id, version, status: 'loading', digest: file.digest, file, meta: place.meta === null ? {} : await readMeta(place.meta), place, stored: true })
    try {
      return await this.#turns.take(id, async () => {
        // Another upload may have been faster.
        this.#checkHome(id)
        const before = await this.#same(id, version, arrived)
        if (before !== null) {
          this.#engines.leave(ready)
          return { entry: before, created: false }
        }
        const manifest: Manifest = {
          digest: file.digest,
          files: Object.fromEntries([model, ...meta === null ? [] : [meta]].map(({ name, size, digest }) => [name, { size, digest }])),
          format: file.format,
          kerasVersion: file.kerasVersion,
          notes: [...file.notes],
          receipt: ready.receipt,
          stored: new Date().toISOString()
        }
        const path = await store.commit(staged, id, version, manifest)
        const entry = { ...ready, place: { ...place, main: join(path, model.name), meta: meta === null ? null : join(path, meta.name), path } }
        registry.put(entry)
        log.info({ model: `${id}/${version}`, digest: file.digest }, 'a version was stored')
        return { entry, created: true }
      })
    } catch (error) {
      this.#engines.leave(ready)
      throw error
    }
  }

  /**
   * Removes a version that was uploaded, from the disk too; what it is answering is still answered.
   * @throws Fault unknown_model, version_exists (it was put there by hand), not_ready, storage_full, storage_failed
   */
  async remove (id: string, version: number): Promise<void> {
    const { registry, log } = this.#parts
    await this.#turns.take(id, async () => {
      const entry = this.#settled(id, version)
      if (entry.place === undefined || (entry.stored !== true && entry.aside !== true)) {
        throw new Fault('version_exists', `version ${version} of "${id}" was not uploaded: take it out of MODELS_DIR by hand, or unload it with POST /models/${id}/versions/${version}/unload`)
      }
      await this.#store().remove(entry.place.path)
      registry.drop(entry)
      this.#engines.leave(entry)
      log.info({ model: `${id}/${version}` }, 'a version was removed')
    })
  }

  /** Takes a version off the engines; it stays on the disk, and is served again from the next start on, or by `load`. */
  async unload (id: string, version: number): Promise<Entry> {
    return await this.#turns.take(id, async () => {
      const entry = this.#settled(id, version)
      if (entry.status !== 'ready' && entry.status !== 'idle') return entry
      const { receipt: _, ...rest } = entry
      const unloaded: Entry = { ...rest, file: null, status: 'unloaded', reason: `it was unloaded: POST /models/${id}/versions/${version}/load loads it again` }
      this.#parts.registry.put(unloaded)
      this.#engines.leave(entry)
      return unloaded
    })
  }

  /**
   * Reads a version that is not on the engines and loads it, once there is room for it.
   * @throws Fault unknown_model, not_ready (it is as it was), bad_file, unsupported_layer, storage_full; the version has its reason then
   */
  async load (id: string, version: number, until = performance.now() + this.#parts.longest): Promise<Entry> {
    return await this.#turns.take(id, async () => {
      const entry = this.#settled(id, version)
      if (entry.status === 'ready') return entry
      if (entry.place === undefined) throw new Fault('bad_file', `version ${version} of "${id}" lies nowhere`)
      const { registry, limits } = this.#parts
      // One that was only put aside has to come back as it was.
      const digest = entry.status === 'idle' ? entry.digest : null
      const read = await openPlace(entry.place, { ...limits, disposable: digest === null }, async (place) => await storedDigest(place) ?? digest)
      if (read.file === null) {
        registry.put({ ...read, aside: entry.stored ?? entry.aside })
        throw new Fault('bad_file', read.reason!)
      }
      try {
        const ready = await this.#engines.bring({ ...read as Served, stored: entry.stored, ...digest === null ? {} : { meta: entry.meta } }, until)
        registry.put(ready)
        return ready
      } catch (error) {
        if ((error as Fault).code !== 'not_ready') registry.put({ ...read, file: null, status: 'refused', reason: (error as Error).message })
        throw error
      }
    })
  }

  /** Loads every version of a model that does not serve, and those that are new in the folder. Throws what `load` throws, once all have been tried. */
  async loadAll (id: string): Promise<void> {
    const { store, registry } = this.#parts
    const places = store === null ? [] : await findModels(store.folder)
    const { changed } = this.#reload()
    for (const place of places) {
      if (place.id === id && !registry.list().some((one) => one.id === id && one.version === place.version)) await changed(place, places)
    }
    const faults: unknown[] = []
    for (const { version, status } of [...this.versions(id)]) {
      if (status !== 'ready' && status !== 'idle') await this.load(id, version).catch((error: unknown) => faults.push(error))
    }
    if (faults.length > 0) throw faults[0]
  }

  /** Takes every version of a model off the engines. Throws what `unload` throws. */
  async unloadAll (id: string): Promise<void> {
    for (const { version } of [...this.versions(id)]) await this.unload(id, version)
  }

  /** What the models on the engines take, and may take. */
  get memory (): Pick<Memory, 'limit' | 'bytes' | 'bytesOf'> { return this.#parts.memory }

  /** Serves what changes in the folder from here on. */
  follow (watch: Watch): void {
    watch.run(this.#reload())
  }

  /** Is there a folder for uploads? */
  get uploads (): boolean { return this.#parts.store !== null }

  /** Versions that were replaced or removed and still answer. */
  get draining (): number { return this.#engines.draining }

  #reload (): Told { return reload({ ...this.#parts, engines: this.#engines, turns: this.#turns }) }

  #store (): Store {
    const { store } = this.#parts
    if (store === null) throw new Fault('forbidden', 'the service was started with model files and without a folder: set MODELS_DIR too')
    return store
  }

  /** A folder that holds a model itself has no versions beside it. */
  #checkHome (id: string): void {
    const home = join(this.#store().folder, id)
    if (this.#parts.registry.list().some(({ place }) => place?.path === home)) {
      throw new Fault('version_exists', `model "${id}" lies in its folder itself, and has one version only: move its files into ${id}/1/ in MODELS_DIR and start the service again, or take another id`)
    }
  }

  /** The version there is already, where it has the same files; null where there is none. Throws Fault version_exists where there is another. */
  async #same (id: string, version: number, { model, meta }: Arrived): Promise<Entry | null> {
    const entry = this.#parts.registry.list().find((one) => one.id === id && one.version === version)
    if (entry === undefined) return null
    const manifest = entry.stored === true ? await readManifest(entry.place!.path).catch(() => null) : null
    const same = entry.digest === model.digest && (manifest?.files['statescope.json'] as { digest: string } | undefined)?.digest === meta?.digest
    if (same) return entry
    throw new Fault('version_exists', `model "${id}" has a version ${version} already, ${entry.digest === model.digest ? 'with another statescope.json' : 'and it is another model'}: versions are never overwritten. Take another number, or delete that one first`)
  }

  /** A version that is not being loaded. */
  #settled (id: string, version: number): Entry {
    const versions = this.versions(id)
    const entry = versions.find((one) => one.version === version)
    if (entry === undefined) throw new Fault('unknown_model', `model "${id}" has no version ${version}; its versions are ${versions.map((one) => one.version).join(', ')}`)
    if (entry.status === 'loading') throw new Fault('not_ready', `version ${version} of "${id}" is being loaded: try again in a moment`)
    return entry
  }
}

/** Waits for it until then. What is waited for goes on. */
async function inTime<T> (work: Promise<T>, until: number): Promise<T> {
  const over = new AbortController()
  const late = wait(Math.max(0, until - performance.now()), undefined, { signal: over.signal }).then(() => {
    throw new Fault('deadline', 'the model is being loaded, and was not there in time: try again in a moment, or allow more time (X-Request-Timeout up to REQUEST_TIMEOUT_S)')
  })
  work.catch(() => {})
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    over.abort()
  }
}
