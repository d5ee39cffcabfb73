import type { Fault } from '../errors.ts'
import type { Entry, Served } from '../registry/entry.ts'
import type { Place } from '../registry/folders.ts'
import type { Limits } from '../registry/read.ts'
import { openPlace, type Registry } from '../registry/registry.ts'
import type { Engines, Log } from './engines.ts'
import { storedDigest } from './stored.ts'
import type { Turns } from './turns.ts'
import type { Told } from './watch.ts'

export interface ReloadParts { readonly registry: Registry, readonly engines: Engines, readonly turns: Turns, readonly limits: Limits, readonly log: Log }

/**
 * What becomes of models whose files change: a new one is read aside, loaded and tried, and only then takes the place of the one before, which serves until that moment and finishes
 * what it has begun. One that is broken changes nothing: the one before serves on, and says why.
 */
export function reload ({ registry, engines, turns, limits, log }: ReloadParts): Told {
  const changed = async (place: Place, others: readonly Place[]): Promise<boolean> => await turns.take(place.id, async () => {
    const { id, version } = place
    const model = `${id}/${version}`
    const before = registry.list().find((one) => one.id === id && one.version === version)
    // Somebody wants it to stay so.
    if (before?.status === 'unloaded') return true
    if (before?.place !== undefined && before.place.path !== place.path && others.some(({ path }) => path === before.place!.path)) {
      log.error({ model, path: place.path }, 'a model is passed over: another one has its name')
      return true
    }
    const refuse = (refused: Entry): boolean => {
      const serves = before?.status === 'ready' || before?.status === 'idle'
      if (serves) before.reason = `its file was changed, and the new one cannot be served: ${refused.reason}. The one before serves`
      else registry.put(refused)
      log.error({ model, reason: refused.reason }, serves ? 'a changed model cannot be served: the one before serves on' : 'a model cannot be served')
      return true
    }
    try {
      const read = await openPlace(place, { ...limits, disposable: true }, storedDigest)
      if (read.file === null) return refuse(read)
      if (before !== undefined && isSame(before, read)) {
        delete before.reason
        return true
      }
      const ready = await engines.bring(read as Served).catch((error: Fault) => {
        if (error.code === 'not_ready') throw error
        return error.message
      })
      if (typeof ready === 'string') return refuse({ ...read, file: null, status: 'refused', reason: ready })
      registry.put(ready)
      if (before !== undefined) engines.leave(before)
      log.info({ model, digest: ready.digest }, before === undefined ? 'a new model serves' : 'a changed model serves in place of the one before')
      return true
    } catch (error) {
      // It is not the model's doing, and may be over next time.
      log.error({ model, reason: (error as Error).message }, 'a changed model could not be loaded yet')
      return false
    }
  })

  const vanished = async (path: string): Promise<void> => {
    const gone = registry.list().find((one) => one.place?.path === path)
    if (gone === undefined) return
    await turns.take(gone.id, async () => {
      // It may have been replaced while others had their turn.
      const entry = registry.list().find((one) => one.place?.path === path)
      if (entry === undefined) return
      registry.drop(entry)
      engines.leave(entry)
      log.info({ model: `${entry.id}/${entry.version}` }, 'a model has gone: its files are not there any more')
    })
  }

  return { changed, vanished, failed: (reason) => log.error({ reason }, 'the folder of models cannot be read') }
}

/** Is what was read what serves? */
const isSame = (before: Entry, read: Entry): boolean => (before.status === 'ready' || before.status === 'idle') && before.digest === read.digest &&
  before.place?.path === read.place?.path && JSON.stringify(before.meta) === JSON.stringify(read.meta)
