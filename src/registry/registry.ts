import { Fault } from '../errors.ts'
import type { Entry, Receipt, Served } from './entry.ts'
import { findModels, idPattern, singleFile, type Place } from './folders.ts'
import { readMeta } from './meta.ts'
import { readModel, savedModelReason, type How } from './read.ts'

/** Brings a model onto the engines and tries it there; `reason` where it does not pass. */
export type Loader = (entry: Served) => Promise<{ receipt: Receipt, reason?: string }>

/** The models of a folder, or of single files: what is there, what it is, and whether it can be served. */
export class Registry {
  readonly #entries: Entry[]

  constructor (entries: readonly Entry[]) {
    this.#entries = [...entries]
  }

  /** Finds and reads the models of `folder` (none where it is null) and those of `files`. A model that cannot be read, within the limits of `how`, is kept with its reason. */
  static async open (folder: string | null, files: readonly string[] = [], how: How = {}): Promise<Registry> {
    const places = [...files.map(singleFile), ...folder === null ? [] : await findModels(folder)]
    const entries: Entry[] = []
    for (const place of places) {
      const taken = place.reason === undefined && entries.some(({ key }) => key === keyOf(place))
      entries.push(!taken ? await openPlace(place, how) : refused(place, `another model is named "${place.id}" already: give one of them another name`))
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

  /**
   * The model to ask; without a version the largest. Throws `unknown_model` (the message lists those there are), `model_refused` with the
   * reason, `not_ready` while it is loaded.
   */
  get (id: string, version?: number): Served {
    const versions = this.#entries.filter((entry) => entry.id === id)
    if (versions.length === 0) {
      const names = [...new Set(this.#entries.map((entry) => JSON.stringify(entry.id)))]
      throw new Fault('unknown_model', `there is no model ${JSON.stringify(id)}; ${names.length === 0 ? 'there are none at all: put one into MODELS_DIR' : `the models are ${names.join(', ')}`}`, '/model')
    }
    const entry = version === undefined
      ? versions.reduce((a, b) => b.version > a.version ? b : a)
      : versions.find((one) => one.version === version)
    if (entry === undefined) {
      throw new Fault('unknown_model', `model "${id}" has no version ${version}; its versions are ${versions.map((one) => one.version).join(', ')}`, '/version')
    }
    if (entry.status === 'loading') throw new Fault('not_ready', `model "${id}" is being loaded: try again in a moment`)
    if (entry.status !== 'ready') throw new Fault('model_refused', `model "${id}" is not served: ${entry.reason}`, '/model')
    return entry as Served
  }
}

const keyOf = ({ id, version }: Place): string => `${id}/${version}`

function refused (place: Place, reason: string): Entry {
  return { key: `${keyOf(place)} ${place.path}`, id: place.id, version: place.version, status: 'refused', reason, digest: '', file: null, meta: {} }
}

async function openPlace (place: Place, how: How): Promise<Entry> {
  if (place.reason === 'name') return refused(place, `a model's name must match ${idPattern.source}: rename it`)
  if (place.reason === 'version') return refused(place, `the folder of a version is named with a positive whole number (1, 2, ...): rename ${JSON.stringify(place.path.split('/').at(-1))}`)
  if (place.reason === 'saved-model' || place.main === null) return refused(place, savedModelReason())
  try {
    const meta = place.meta === null ? {} : await readMeta(place.meta)
    const file = await readModel({ main: place.main, weights: place.weights }, how)
    return { key: keyOf(place), id: place.id, version: place.version, status: 'loading', digest: file.digest, file, meta }
  } catch (error) {
    return refused(place, (error as Error).message)
  }
}
