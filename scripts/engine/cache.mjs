// Cache entries: folders that are there whole or not at all.

import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, rmSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'

const manifestName = 'entry.json'
const day = 24 * 60 * 60 * 1000

/** Hex sha256 of a file. */
export async function sha256 (file) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

async function filesBelow (folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(path => path !== manifestName)
    .sort()
}

/** Says what is wrong with an entry; null when every file has its recorded size and sha256. */
async function fault (folder) {
  let manifest
  try {
    manifest = JSON.parse(await readFile(join(folder, manifestName), 'utf8'))
  } catch (error) {
    return error.code === 'ENOENT' ? 'no manifest' : `unreadable manifest (${error.message})`
  }
  for (const { path, size, sha256: expected } of manifest.files) {
    const file = join(folder, path)
    const found = await stat(file).catch(() => null)
    if (found === null) return `${path} is missing`
    if (found.size !== size) return `${path} has ${found.size} bytes, not ${size}`
    if (await sha256(file) !== expected) return `${path} has changed`
  }
  return null
}

/** Folders that interrupted set-ups left behind: of processes of this machine that are gone, or older than a day. */
async function sweep (root) {
  for (const name of await readdir(root)) {
    const [, host, pid] = /^\.new-(.+)-(\d+)-[0-9a-f]+$/.exec(name) ?? []
    if (pid === undefined) continue
    const folder = join(root, name)
    const age = Date.now() - (await stat(folder).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (age > day || (host === hostname() && !alive(Number(pid)))) await rm(folder, { recursive: true, force: true })
  }
}

function alive (pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/**
 * The path of the complete cache entry `name`, or null when there is none. A broken one is thrown away.
 */
export async function findEntry (root, name, log) {
  const folder = join(root, name)
  if (await stat(folder).catch(() => null) === null) return null
  const problem = await fault(folder)
  if (problem === null) return folder
  log(`cache entry ${name} is broken: ${problem}; making it anew`)
  const aside = await newFolder(root)
  // Renamed before it is removed, so that nobody sees it half gone. Another set-up may have been faster.
  await rename(folder, join(aside, name)).catch(() => {})
  await rm(aside, { recursive: true, force: true })
  return null
}

async function newFolder (root) {
  const folder = join(root, `.new-${hostname()}-${process.pid}-${randomBytes(4).toString('hex')}`)
  await mkdir(folder, { recursive: true })
  return folder
}

/**
 * Makes the cache entry `name`: `make(folder)` fills a fresh folder, which then takes its place in one rename.
 * Two set-ups at once both make it; the first one's stays. Whatever `make` leaves in `folder/.work` is dropped.
 */
export async function makeEntry (root, name, make, log) {
  await mkdir(root, { recursive: true })
  await sweep(root)
  const fresh = await newFolder(root)
  const drop = () => rmSync(fresh, { recursive: true, force: true })
  process.once('exit', drop)
  try {
    await make(fresh)
    await rm(join(fresh, '.work'), { recursive: true, force: true })
    const files = []
    for (const path of await filesBelow(fresh)) {
      const file = join(fresh, path)
      // Hard links share what they name: read-only keeps a slip in one clone from reaching the others.
      await chmod(file, 0o444)
      files.push({ path, size: (await stat(file)).size, sha256: await sha256(file) })
    }
    await writeFile(join(fresh, manifestName), JSON.stringify({ files }, null, 1) + '\n')
    const folder = join(root, name)
    try {
      await rename(fresh, folder)
    } catch (error) {
      const other = await findEntry(root, name, log)
      if (other === null) throw error
    }
    return folder
  } finally {
    process.removeListener('exit', drop)
    drop()
  }
}
