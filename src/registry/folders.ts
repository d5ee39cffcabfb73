import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** Where a model's files may lie. */
export interface Place {
  readonly id: string
  readonly version: number
  /** The model file (`model.keras`, `model.h5`, `model.json`), or null where there is something that is not served as it is. */
  readonly main: string | null
  /** A weights file beside an architecture. */
  readonly weights: string | null
  /** `statescope.json`, or null. */
  readonly meta: string | null
  /** Why nothing here can be served. */
  readonly reason?: 'name' | 'saved-model' | 'version'
  /** What the place is called on disk. */
  readonly path: string
}

export const idPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
export const versionPattern = /^[1-9][0-9]{0,8}$/
const extensions = ['.keras', '.h5', '.hdf5']
const mains = ['model.keras', 'model.h5', 'model.hdf5', 'model.json']
const weightNames = ['model.weights.h5', 'weights.h5', 'model_weights.h5']

/**
 * What MODELS_DIR holds: `<id>/<version>/`, `<id>/`, or one file `<id>.keras|.h5|.hdf5`. Other files, folders without a model in
 * them, and folders whose names start with a dot are passed over. Sorted by id, then version.
 */
export async function findModels (folder: string): Promise<Place[]> {
  const places: Place[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    // Folders with a dot are of file systems and of the service's own store (`..data`, `.statescope`).
    if (entry.isDirectory() && entry.name.startsWith('.')) continue
    if (entry.isDirectory()) places.push(...await inFolder(path, entry.name))
    else if (extensions.some((extension) => entry.name.endsWith(extension))) places.push(singleFile(path))
  }
  return places.sort((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : a.version - b.version)
}

/** One model file on its own, named after itself. */
export function singleFile (path: string): Place {
  const id = basename(path).replace(/\.(keras|h5|hdf5)$/, '')
  return { id, version: 1, main: path, weights: null, meta: null, path, ...(idPattern.test(id) ? {} : { reason: 'name' as const }) }
}

async function inFolder (path: string, id: string): Promise<Place[]> {
  const own = await inVersion(path, id, 1)
  const named = idPattern.test(id) ? {} : { reason: 'name' as const }
  if (own !== null) return [{ ...own, ...named }]
  const found: Place[] = []
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const version = versionPattern.test(entry.name) ? Number(entry.name) : null
    const place = await inVersion(join(path, entry.name), id, version ?? 0)
    if (place === null) continue
    found.push({ ...place, ...(version === null && place.reason === undefined ? { reason: 'version' as const } : {}), ...named })
  }
  return found
}

/** The model whose files lie directly in a folder; null where there is none. */
async function inVersion (path: string, id: string, version: number): Promise<Place | null> {
  const names = new Set(await readdir(path))
  const at = (name: string): string => join(path, name)
  const meta = names.has('statescope.json') ? at('statescope.json') : null
  const weights = weightNames.find((name) => names.has(name))
  const main = mains.find((name) => names.has(name))
  if (main !== undefined) return { id, version, main: at(main), weights: main === 'model.json' && weights !== undefined ? at(weights) : null, meta, path }
  if (names.has('saved_model.pb') || names.has('keras_metadata.pb')) return { id, version, main: null, weights: null, meta, path, reason: 'saved-model' }
  if (weights !== undefined) return { id, version, main: at(weights), weights: null, meta, path }
  return null
}
