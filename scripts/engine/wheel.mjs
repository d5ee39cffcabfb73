// TensorFlow's C library and headers out of a Python wheel (a zip file), fetched by pip. Python itself runs nothing of it.

import { createWriteStream } from 'node:fs'
import { mkdir, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import yauzl from 'yauzl'
import { findEntry, makeEntry, sha256 } from './cache.mjs'
import { wheelHeaders } from './names.mjs'
import { run } from './run.mjs'

const pips = [['python3', '-m', 'pip'], ['pip3'], ['python', '-m', 'pip'], ['pip']]

/** The command words of a pip that runs here; throws when there is none. */
export async function findPip () {
  const tried = []
  for (const words of pips) {
    try {
      await run(words[0], [...words.slice(1), '--version'], { seconds: 30, quiet: true })
      return words
    } catch (error) {
      tried.push(error.message)
    }
  }
  throw new Error(`no pip to fetch TensorFlow with (install Python 3 with pip): ${tried[0]}`)
}

/**
 * The cache entry with `lib/` and `include/` of the wheel; downloads it where it is not there yet.
 * @param {string} cache
 * @param {typeof import('./names.mjs').wheels['linux-x64']} wheel
 * @param {string} platform part of the entry's name
 * @param {(line: string) => void} log
 */
export async function wheelEntry (cache, wheel, platform, log) {
  const name = `${wheel.project}-${wheel.version}-${platform}`
  return await findEntry(cache, name, log) ?? await makeEntry(cache, name, async folder => {
    const pip = await findPip()
    const work = join(folder, '.work')
    await mkdir(work)
    log(`fetching ${wheel.project} ${wheel.version} with pip (${wheel.megabytes} MB, once)`)
    const file = await download(pip, wheel, work, log)
    const found = await sha256(file)
    if (found !== wheel.sha256) {
      throw new Error(`${basename(file)} has sha256 ${found}, not the pinned ${wheel.sha256}; it is not used`)
    }
    log('unpacking its libraries and headers (0.6 GB)')
    await unpack(file, folder, [...wheel.linked, ...wheel.others])
  }, log)
}

async function download (pip, { project, version, tags, megabytes }, work, log) {
  const downloads = join(work, 'wheel')
  // pip writes into TMPDIR first: within the entry's own folder it is on the right disk, and removed with it.
  const env = { ...process.env, TMPDIR: work }
  const watch = setInterval(async () => {
    // Before it ends pip holds the file twice.
    log(`  ${Math.min(megabytes, Math.round(await bytesBelow(work) / 1e6))} of ${megabytes} MB`)
  }, 5000)
  try {
    await run(pip[0], [
      ...pip.slice(1), 'download', '--no-deps', '--only-binary=:all:', '--no-cache-dir', '--progress-bar=off', '--quiet',
      '--disable-pip-version-check', '--no-input', '--timeout=8', '--retries=1',
      ...tags.flatMap(tag => ['--platform', tag]), '--implementation', 'cp', '--python-version', '3.11', '--abi', 'cp311',
      '--dest', downloads, `${project}==${version}`
    ], { env, cwd: work, seconds: 3600, quiet: true })
  } finally {
    clearInterval(watch)
  }
  const files = (await readdir(downloads)).filter(name => name.endsWith('.whl'))
  if (files.length !== 1) throw new Error(`pip left ${files.length} wheels where one was asked for`)
  return join(downloads, files[0])
}

async function bytesBelow (folder) {
  let bytes = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    // Files come and go while pip works.
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name)).catch(() => ({ size: 0 }))).size
  }
  return bytes
}

/** Unpacks the wanted members of the wheel: libraries (by their file names) to `lib/`, headers to `include/` below `folder`. */
export async function unpack (file, folder, libraries) {
  const zip = await yauzl.openPromise(file)
  const missing = new Set(libraries)
  for await (const entry of zip.eachEntry()) {
    const target = targetOf(entry.fileName, libraries)
    if (target === null) continue
    const path = join(folder, target)
    await mkdir(dirname(path), { recursive: true })
    await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(path))
    missing.delete(basename(target))
  }
  if (missing.size > 0) throw new Error(`${basename(file)} holds no ${[...missing].join(', ')}`)
}

// TensorFlow's own libraries stand in `tensorflow/`, those of others in `NAME.libs/`.
function targetOf (member, libraries) {
  const library = /^(?:tensorflow|[^/]+\.libs)\/([^/]+)$/.exec(member)?.[1]
  if (library !== undefined) return libraries.includes(library) ? `lib/${library}` : null
  const header = /^tensorflow\/include\/(.+[^/])$/.exec(member)?.[1]
  return header !== undefined && wheelHeaders.some(start => header.startsWith(start)) ? `include/${header}` : null
}
