import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { findModels, type Place } from '../registry/folders.ts'

/** Milliseconds between two looks. */
const often = 1000

/** What is told of what lies in the folder. */
export interface Told {
  /** A model is new or has changed. `others` are the places of all models there are. False where it has to be told of it again. */
  readonly changed: (place: Place, others: readonly Place[]) => Promise<boolean>
  /** There is nothing any more where a model was. */
  readonly vanished: (path: string) => Promise<void>
  /** The folder cannot be read. */
  readonly failed: (reason: string) => void
}

interface Seen { readonly place: Place, readonly mark: string }

/**
 * Looks at the files of MODELS_DIR every second. What differs from what was known counts once it is the same in two looks: a file that is being written
 * is let be. By looking and not by the events of the system (fs.watch, chokidar): those do not come from network file systems and mounted folders, where
 * models often lie, and tell of parts of a change, so that one had to look all the same.
 */
export class Watch {
  readonly #folder: string
  #known = new Map<string, string>()
  #last = new Map<string, Seen>()
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #failing = false

  constructor (folder: string) {
    this.#folder = folder
  }

  /** What is there now is known. To be called before the models are read, so that no change is missed. */
  async begin (): Promise<void> {
    this.#last = await this.#look().catch(() => new Map<string, Seen>())
    this.#known = new Map([...this.#last].map(([path, { mark }]) => [path, mark]))
  }

  /** Tells of changes from here on. */
  run (told: Told): void {
    this.#timer = setTimeout(() => {
      this.#tell(told).catch(({ message }: Error) => {
        if (!this.#failing) told.failed(message)
        this.#failing = true
      }).finally(() => {
        if (!this.#stopped) this.run(told)
      })
    }, often).unref()
  }

  stop (): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  async #tell ({ changed, vanished }: Told): Promise<void> {
    const [before, now] = [this.#last, await this.#look()]
    this.#last = now
    this.#failing = false
    const places = [...now.values()].map(({ place }) => place)
    for (const [path, { place, mark }] of now) {
      if (this.#stopped) return
      if (this.#known.get(path) === mark || before.get(path)?.mark !== mark) continue
      if (await changed(place, places)) this.#known.set(path, mark)
    }
    for (const path of [...this.#known.keys()]) {
      if (this.#stopped) return
      if (now.has(path) || before.has(path)) continue
      await vanished(path)
      this.#known.delete(path)
    }
  }

  /** Each model by the path where it lies, with what its files look like from outside. */
  async #look (): Promise<Map<string, Seen>> {
    const seen = new Map<string, Seen>()
    for (const place of await findModels(this.#folder)) seen.set(place.path, { place, mark: await markOf(place.path) })
    return seen
  }
}

/** Name, size, time and number of all files at a path; one that goes away meanwhile has none. */
async function markOf (path: string): Promise<string> {
  const names = await readdir(path, { recursive: true }).catch(() => null)
  const files = names === null ? [path] : names.sort().map((name) => join(path, name))
  const marks = await Promise.all(files.map(async (file) => {
    const found = await stat(file).catch(() => null)
    return found === null || !found.isFile() ? '' : `${basename(file)} ${found.size} ${found.mtimeMs} ${found.ino}`
  }))
  return marks.join('\n')
}
