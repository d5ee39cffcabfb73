import { Fault } from '../errors.ts'
import type { Entry, Receipt, Served } from './entry.ts'
import { findModels, idPattern, singleFile, type Place } from './folders.ts'
import { readMeta } from './meta.ts'
import { readModel, savedModelReason, type How } from './read.ts'

/** Brings a model onto the engines and tries it there; `reason` where it does not pass. */
export type Loader = (entry: Served) => Promise<{ receipt: Receipt, reason?: string }>

/**
 * The digest that the model at a place was stored with; null where it was put there by hand. Throws Fault bad_file where what says it is
 * damaged.
 */
export type StoredDigest = (place: Place) => Promise<string | null>

/** Is there memory for a model that was read? Throws Fault where there never will be. */
export type Fits = (entry: Served) => boolean

/** The models of a folder, or of single files: what is there, what it is, and whether it can be served. */
export class Registry {
  readonly #entries: Entry[]

  constructor (entries: readonly Entry[]) {
    this.#entries = [...entries]
  }

  /** Finds and reads the models of `folder` (none where it is null) and those of `files`. A model that cannot be read, within the limits of `how`, is kept with its reason; one that does not fit is idle. */
  static async open (folder: string | null, files: readonly string[] = [], how: How = {}, stored: StoredDigest = async () => null, fits: Fits = () => true): Promise<Registry> {
    const places = [...files.map(singleFile), ...folder === null ? [] : await findModels(folder)]
    const entries: Entry[] = []
    for (const place of places) {
      const taken = place.reason === undefined && entries.some(({ key }) => key === keyOf(place))
      entries.push(!taken ? await openPlace(place, how, stored).then((entry) => admitted(entry, fits)).catch((error: Fault) => refused(place, error.message)) : refused(place, `another model is named "${place.id}" already: give one of them another name`))
    }
    return new Registry(entries)
  }

  list (): readonly Entry[] { return this.#entries }

  /** Loads every model that could be read, one after the other; a model that fails is marked and the others go on. */
  async load (loader: Loader, onLoaded: (entry: Entry) => void = () => {}): Promise<void> {
    for (const entry of this.#entries) {
      if (entry.file === null || entry.status !== 'loading') continue
      try {
        const { receipt, reason } = await loader(entry as Served)
        entry.receipt = receipt
        entry.status = reason === undefined ? 'ready' : 'unsound'
        if (reason !== undefined) entry.reason = reason
      } catch (error) {
        entry.status = 'refused'
        entry.reason = (error as Error).message
      }
      onLoaded(entry)
    }
  }

  /** What there is of a model; without a version the one that a request gets: the largest of those that were neither damaged nor unloaded. */
  find (id: string, version?: number): Entry | undefined {
    const versions = this.#entries.filter((entry) => entry.id === id)
    if (version !== undefined) return versions.find((one) => one.version === version)
    const whole = versions.filter(({ aside, status }) => aside !== true && status !== 'unloaded')
    return (whole.length > 0 ? whole : versions).reduce<Entry | undefined>((a, b) => a === undefined || b.version > a.version ? b : a, undefined)
  }

  /** Puts a version among the others, in place of the one that was the same. From here on it is found. */
  put (entry: Entry): void {
    this.drop(entry)
    const after = this.#entries.findIndex((one) => one.id > entry.id || (one.id === entry.id && one.version > entry.version))
    this.#entries.splice(after < 0 ? this.#entries.length : after, 0, entry)
  }

  /** Takes a version out. */
  drop ({ id, version }: Pick<Entry, 'id' | 'version'>): void {
    const at = this.#entries.findIndex((one) => one.id === id && one.version === version)
    if (at >= 0) this.#entries.splice(at, 1)
  }

  /** The model to ask, on the engines. Throws what `entry` throws, and `not_ready` where it is not there. */
  get (id: string, version?: number): Served {
    const entry = this.entry(id, version)
    if (entry.status === 'idle') throw new Fault('not_ready', `model "${id}" is being loaded again: try again in a moment`)
    return entry as Served
  }

  /**
   * What there is of a model that can be asked, on the engines or not; without a version the largest. Throws `unknown_model` (the message lists
   * those there are), `model_refused` with the reason, `not_ready` while it is loaded.
   */
  entry (id: string, version?: number): Entry {
    const versions = this.#entries.filter((entry) => entry.id === id)
    if (versions.length === 0) {
      const names = [...new Set(this.#entries.map((entry) => JSON.stringify(entry.id)))]
      throw new Fault('unknown_model', `there is no model ${JSON.stringify(id)}; ${names.length === 0 ? 'there are none at all: put one into MODELS_DIR' : `the models are ${names.join(', ')}`}`, '/model')
    }
    const entry = this.find(id, version)
    if (entry === undefined) {
      throw new Fault('unknown_model', `model "${id}" has no version ${version}; its versions are ${versions.map((one) => one.version).join(', ')}`, '/version')
    }
    if (entry.status === 'loading') throw new Fault('not_ready', `model "${id}" is being loaded: try again in a moment`)
    if (entry.status !== 'ready' && entry.status !== 'idle') throw new Fault('model_refused', `model "${id}" is not served: ${entry.reason}`, '/model')
    return entry
  }
}

const keyOf = ({ id, version }: Place): string => `${id}/${version}`

/** Throws what `fits` throws. */
function admitted (entry: Entry, fits: Fits): Entry {
  return entry.file === null || fits(entry as Served) ? entry : { ...entry, file: null, status: 'idle' }
}

function refused (place: Place, reason: string, aside?: true): Entry {
  return { key: `${keyOf(place)} ${place.path}`, id: place.id, version: place.version, status: 'refused', reason, digest: '', file: null, meta: {}, place, ...aside === undefined ? {} : { aside } }
}

/** Reads the model at a place; one that cannot be read has its reason. Throws Fault not_ready where that is not the model's doing. */
export async function openPlace (place: Place, how: How, stored: StoredDigest): Promise<Entry> {
  if (place.reason === 'name') return refused(place, `a model's name must match ${idPattern.source}: rename it`)
  if (place.reason === 'version') return refused(place, `the folder of a version is named with a positive whole number (1, 2, ...): rename ${JSON.stringify(place.path.split('/').at(-1))}`)
  if (place.reason === 'saved-model' || place.main === null) return refused(place, savedModelReason())
  let digest: string | null | undefined
  try {
    digest = await stored(place)
    // The process that reads starts meanwhile.
    const reading = readModel({ main: place.main, weights: place.weights }, digest === null ? how : { ...how, digest })
    reading.catch(() => {})
    const meta = place.meta === null ? {} : await readMeta(place.meta)
    const file = await reading
    return { key: keyOf(place), id: place.id, version: place.version, status: 'loading', digest: file.digest, file, meta, place, ...digest === null ? {} : { stored: true } }
  } catch (error) {
    if (error instanceof Fault && error.code === 'not_ready') throw error
    return refused(place, (error as Error).message, digest === null ? undefined : true)
  }
}
