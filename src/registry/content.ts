import { createHash } from 'node:crypto'
import { constants, open, realpath } from 'node:fs/promises'
import { basename, dirname, extname, join, sep } from 'node:path'
import { Fault } from '../errors.ts'
import { isConverted, shardPaths } from './formats/tfjs.ts'
import { isDict, parseJson, type Dict } from './json.ts'
import type { ModelFiles } from './read.ts'

/** All files of one model together: they are read into memory as a whole. */
const largest = 2 ** 31 - 1

/** A model's files, each read once: what is parsed is what the digest is over. */
export interface Content {
  readonly name: string
  readonly main: Buffer
  /** A `model.json`, parsed. */
  readonly document: Dict | null
  readonly weights: { readonly name: string, readonly bytes: Buffer } | null
  /** The shards of a converted model, by their path in the manifest. */
  readonly shards: ReadonlyMap<string, Buffer>
  /** Of all files. */
  readonly size: number
  /** `sha256:...` over their bytes: the main file, then the weights or the shards in the order of the manifest. */
  readonly digest: string
}

/** Reads a model's files. Throws `bad_file` for what is no file, too large, or outside the model's folder. */
export async function contentOf (files: ModelFiles): Promise<Content> {
  const hash = createHash('sha256')
  let size = 0
  const read = async (path: string, name: string): Promise<Buffer> => {
    const bytes = await readWhole(path, name, largest - size)
    size += bytes.length
    hash.update(bytes)
    return bytes
  }
  const name = basename(files.main)
  const main = await read(files.main, name)
  const document = extname(files.main) === '.json' ? parseJson(main.toString('utf8'), name) : null
  if (document !== null && !isDict(document)) throw new Fault('bad_file', `"${name}" is not an object`)
  const shards = new Map<string, Buffer>()
  let weights: Content['weights'] = null
  if (document !== null && isConverted(document)) {
    for (const path of shardPaths(document)) {
      // One file read again and again would be more than there is on the disk.
      if (shards.has(path)) throw new Fault('bad_file', `the weightsManifest names the shard "${path}" twice`)
      shards.set(path, await read(await shardFile(path, dirname(files.main)), path))
    }
  } else if (document !== null && files.weights !== null) {
    const own = basename(files.weights)
    weights = { name: own, bytes: await read(files.weights, own) }
  }
  return { name, main, document, weights, shards, size, digest: `sha256:${hash.digest('hex')}` }
}

/** All of a file. Pipes and devices, which may never end, are not waited for. */
async function readWhole (path: string, name: string, most: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((error: NodeJS.ErrnoException) => {
    throw new Fault('bad_file', `"${name}" cannot be read: ${error.code === 'ENOENT' ? 'it is not there' : error.code}`)
  })
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new Fault('bad_file', `"${name}" is not a file`)
    if (found.size > most) throw new Fault('bad_file', `"${name}" has ${found.size} bytes; models of up to ${largest}, all their files together, are served`)
    const bytes = Buffer.allocUnsafeSlow(found.size)
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 2 ** 26))
      if (bytesRead === 0) throw new Fault('bad_file', `"${name}" became shorter while it was read`)
      at += bytesRead
    }
    return bytes
  } finally {
    await file.close()
  }
}

/** A shard's path is data from a stranger: it must name a file in the model's own folder. */
async function shardFile (path: string, folder: string): Promise<string> {
  const [file, home] = await Promise.all([realpath(join(folder, path)), realpath(folder)]).catch(() => {
    throw new Fault('bad_file', `the shard "${path}" cannot be read: put every file of the converted model beside model.json`)
  })
  if (!file.startsWith(home.endsWith(sep) ? home : home + sep)) throw new Fault('bad_file', `the shard "${path}" lies outside the model's folder`)
  return file
}
