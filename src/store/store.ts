import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Fault } from '../errors.ts'
import { disk, realFiles, syncFolder, writeAll, type Files } from './disk.ts'
import { labelsName, readLabels, type Labels } from './labels.ts'
import type { Manifest } from './manifest.ts'

/** Below MODELS_DIR, and so on its file system: a rename from here to there happens as a whole or not at all. */
export const ownFolder = '.statescope'

/** Beside the files of a version that was uploaded: it says what they have to be (manifest.ts). */
export const manifestName = 'statescope.manifest.json'

/** What a file is called while it arrives; its first bytes tell what it is. */
const arriving = 'upload'

/** A file that was received. */
export interface Received { readonly name: string, readonly size: number, readonly digest: string }

/**
 * The uploaded models of MODELS_DIR. A version is written and checked aside and appears, or goes, by one rename: whenever the process or the
 * machine stops, what is there afterwards is whole.
 */
export class Store {
  readonly folder: string
  readonly #staging: string
  readonly #files: Files

  constructor (folder: string, files: Files = realFiles) {
    this.folder = folder
    this.#staging = join(folder, ownFolder, 'staging')
    this.#files = files
  }

  /** Removes what an earlier run left half done. */
  async clear (): Promise<void> {
    await disk(this.#files.rm(this.#staging, { recursive: true, force: true }))
  }

  /** A new place for a version that is arriving. */
  async begin (): Promise<Staged> {
    const folder = join(this.#staging, randomUUID())
    await disk(this.#files.mkdir(folder, { recursive: true, mode: 0o700 }))
    return new Staged(folder, this.#files)
  }

  /**
   * Makes of a staged version the version `version` of model `id`, for good: when this returns it outlives a power cut.
   * @throws Fault version_exists, storage_full, storage_failed; then nothing has changed
   */
  async commit (staged: Staged, id: string, version: number, manifest: Manifest): Promise<string> {
    await staged.write(manifestName, [Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`)], Infinity)
    await syncFolder(this.#files, staged.folder)
    const home = join(this.folder, id)
    const place = join(home, String(version))
    const created = await disk(this.#files.mkdir(home, { recursive: true })) !== undefined
    try {
      await this.#move(staged.folder, place, created ? [home, this.folder] : [home]).catch((error: Fault | NodeJS.ErrnoException) => {
        if (error instanceof Fault) throw error
        throw new Fault('version_exists', `there is something at ${id}/${version} in MODELS_DIR already: take another version`)
      })
    } catch (error) {
      if (created) await this.#files.rmdir(home).catch(() => {})
      throw error
    }
    return place
  }

  /** What `writeLabels` wrote; empty where that was never called. Throws Fault bad_file where it is damaged. */
  async readLabels (): Promise<Labels> {
    return await readLabels(join(this.folder, ownFolder, labelsName))
  }

  /** Keeps these in place of those before: whenever the process stops, one or the other is there. Throws Fault storage_full, storage_failed; then nothing has changed. */
  async writeLabels (labels: Labels): Promise<void> {
    const own = join(this.folder, ownFolder)
    const kept = join(own, labelsName)
    const staged = await this.begin()
    try {
      await staged.write(labelsName, [Buffer.from(`${JSON.stringify(labels, null, 2)}\n`)], Infinity)
      const before = await readFile(kept).catch(() => null)
      if (before !== null) await staged.write('before', [before], Infinity)
      await disk(this.#files.rename(join(staged.folder, labelsName), kept))
      try {
        // The own folder may be as new as the labels.
        for (const home of [own, this.folder]) await syncFolder(this.#files, home)
      } catch (error) {
        // Nobody is told that it happened: those before come back, where they can.
        await (before === null ? this.#files.rm(kept, { force: true }) : this.#files.rename(join(staged.folder, 'before'), kept)).catch(() => {})
        throw error
      }
    } finally {
      await staged.discard()
    }
  }

  /** Removes the version that lies at `place`, for good. */
  async remove (place: string): Promise<void> {
    await disk(this.#files.mkdir(this.#staging, { recursive: true, mode: 0o700 }))
    const gone = join(this.#staging, randomUUID())
    const home = dirname(place)
    await this.#move(place, gone, [home])
    // From here on it is gone; what is left of it goes at the next start at the latest.
    await this.#files.rm(gone, { recursive: true, force: true }).catch(() => {})
    await this.#files.rmdir(home).catch(() => {})
  }

  /** A rename that lasts, or has not happened. What is there already is thrown as the file system says it. */
  async #move (from: string, to: string, homes: readonly string[]): Promise<void> {
    const taken = (error: unknown): boolean => ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')
    const refused = await this.#files.rename(from, to).then(() => null, (error: unknown) => error)
    if (refused !== null) return taken(refused) ? await Promise.reject(refused) : await disk(Promise.reject(refused))
    try {
      for (const home of homes) await syncFolder(this.#files, home)
    } catch (error) {
      // Nobody is told that it happened: it goes back, where it can.
      await this.#files.rename(to, from).catch(() => {})
      throw error
    }
  }
}

/** A version that is arriving: a folder that nobody else knows. */
export class Staged {
  readonly folder: string
  readonly #files: Files

  constructor (folder: string, files: Files) {
    this.folder = folder
    this.#files = files
  }

  /**
   * Writes a file of at most `most` bytes as they arrive, and makes them last.
   * @throws Fault too_large, storage_full, storage_failed; and what `bytes` throws
   */
  async write (name: string, bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, most: number): Promise<Received> {
    const hash = createHash('sha256')
    let size = 0
    const file = await disk(this.#files.open(join(this.folder, name), 'wx', 0o600))
    try {
      for await (const chunk of bytes) {
        size += chunk.length
        if (size > most) throw new Fault('too_large', `the file is larger than ${Math.round(most / 2 ** 20 * 10) / 10} MiB${name === arriving ? ': start the service with a larger UPLOAD_LIMIT_MB' : `, which is the most for a ${name}`}`)
        hash.update(chunk)
        await writeAll(file, chunk)
      }
      await disk(file.sync())
    } finally {
      await disk(file.close())
    }
    return { name, size, digest: `sha256:${hash.digest('hex')}` }
  }

  /** The same for a model file, which is named after what it is: `model.keras` or `model.h5`. */
  async writeModel (bytes: AsyncIterable<Uint8Array>, most: number): Promise<Received> {
    const start: number[] = []
    const seen = async function * (): AsyncGenerator<Uint8Array> {
      for await (const chunk of bytes) {
        if (start.length < 4) start.push(...chunk.subarray(0, 4 - start.length))
        yield chunk
      }
    }
    const received = await this.write(arriving, seen(), most)
    // What is neither is refused by whoever reads it.
    const name = start[0] === 0x50 && start[1] === 0x4b ? 'model.keras' : 'model.h5'
    await disk(this.#files.rename(join(this.folder, arriving), join(this.folder, name)))
    return { ...received, name }
  }

  /** Removes it, where it has not become a version. What cannot be removed goes at the next start. */
  async discard (): Promise<void> {
    await this.#files.rm(this.folder, { recursive: true, force: true }).catch(() => {})
  }
}
