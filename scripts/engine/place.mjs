// Puts an engine's files (a cache entry's, or a clone's) where tfjs-node looks for them.

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addonFile, librariesFolder } from './names.mjs'

/** The set-up's note beside tfjs-node: what is in place, or why nothing is. src/ops/engine.ts reads it too. */
const noteName = 'statescope-engine.json'

/**
 * Makes `target` the same file as `source`, replacing what is there in one step: a hard link, for the libraries are
 * 0.6 GB; a copy where links cannot be made (another disk, a file system without them, another owner).
 */
export async function place (source, target) {
  const fresh = `${target}.new-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await link(source, fresh).catch(() => copyFile(source, fresh, constants.COPYFILE_FICLONE))
    await rename(fresh, target)
  } finally {
    // Renaming one link of a file onto another leaves both.
    await rm(fresh, { force: true })
  }
}

/** Places the libraries and the addon of `entry` below tfjs-node: the addon last, so that it never lacks its libraries. */
export async function placeEngine (entry, { folder, napi }, note) {
  await rm(join(folder, noteName), { force: true })
  const libraries = await readdir(join(entry, librariesFolder))
  const paths = [...libraries.map(name => `${librariesFolder}/${name}`), addonFile(napi)]
  const files = []
  for (const path of paths) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await place(join(entry, path), target)
    files.push({ path, size: (await stat(target)).size })
  }
  await writeNote(folder, { ...note, files })
}

/** Takes away a native engine that does not run, so that loading it cannot end the service. */
export async function removeEngine ({ folder }, note) {
  await rm(join(folder, 'lib'), { recursive: true, force: true })
  await rm(join(folder, 'deps'), { recursive: true, force: true })
  await writeNote(folder, note)
}

/** The note of an engine that is in place with all its files, else null. */
export async function placedEngine ({ folder, napi, version }) {
  const note = await readFile(join(folder, noteName), 'utf8').then(JSON.parse).catch(() => null)
  if (note?.engine !== 'tfjs' || note.napi !== napi || note.tfjsNode !== version) return null
  for (const { path, size } of note.files) {
    const found = await stat(join(folder, path)).catch(() => null)
    if (found?.size !== size) return null
  }
  return note
}

async function writeNote (folder, note) {
  const file = join(folder, noteName)
  const fresh = `${file}.new-${process.pid}`
  await writeFile(fresh, JSON.stringify(note, null, 1) + '\n')
  await rename(fresh, file)
}
