import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import type { Entry, ZipFile } from 'yauzl'
import { Fault } from '../errors.ts'
import { bodyOf, StoredArray } from './arrays.ts'
import { readNpy } from './npy.ts'
import { list, type Json } from './words.ts'

/** More arrays than any model has inputs and states. */
const most = 1000

const inflated = promisify(inflateRaw)

/**
 * What `numpy.savez` or `numpy.savez_compressed` writes, as the body of a request: a zip archive of `.npy` files. Arrays that are not compressed stay where
 * they lie; of all others the sizes they will have are added up first, and may come to `limit` bytes.
 * @throws Fault malformed, too_large, or invalid_value for a kind of numbers that is not read
 */
export async function readNpz (body: Uint8Array, limit: number): Promise<Json> {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  if (bytes.toString('latin1', 0, 6) === '\x93NUMPY') throw broken('it is one array alone, as numpy.save writes it')
  // Imported with the first such body: what a start imports, every start waits for.
  const [{ crc32 }, { default: yauzl }] = await Promise.all([import('@node-rs/crc32'), import('yauzl')])
  try {
    const archive = await yauzl.fromBufferPromise(bytes, { decodeStrings: true, strictFileNames: true })
    if (archive.entryCount > most) throw broken(`it holds ${archive.entryCount} files`)
    const entries: Entry[] = []
    for await (const entry of archive.eachEntry()) entries.push(entry)
    const others = entries.map(({ fileName }) => fileName).filter((name) => !name.endsWith('.npy'))
    if (others.length > 0) throw broken(`it holds what is no array: ${list(others)}`)
    const unpacked = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0)
    if (unpacked > limit) throw new Fault('too_large', `the arrays have ${unpacked} bytes when they are decompressed, more than ${limit}: send fewer sequences at once, or start the service with a larger BODY_LIMIT_MB`)
    const arrays: [string, StoredArray][] = []
    for (const entry of entries) {
      const name = entry.fileName.slice(0, -'.npy'.length)
      arrays.push([name, readNpy(await content(archive, entry, bytes, crc32), name)])
    }
    return bodyOf(arrays)
  } catch (error) {
    if (error instanceof Fault) throw error
    // Some of yauzl's messages are whole sentences.
    throw broken((error as Error).message.replace(/\.$/, ''))
  }
}

async function content (archive: ZipFile, entry: Entry, bytes: Buffer, crc32: (bytes: Buffer) => number): Promise<Buffer> {
  const { fileName, compressionMethod, compressedSize, uncompressedSize: size } = entry
  if (entry.isEncrypted()) throw broken(`'${fileName}' is encrypted`)
  if (compressionMethod !== 0 && compressionMethod !== 8) throw broken(`'${fileName}' is compressed by method ${compressionMethod}: 0 (stored) and 8 (deflated) are read`)
  const { fileDataStart } = await archive.readLocalFileHeaderPromise(entry, { minimal: true })
  const packed = bytes.subarray(fileDataStart, fileDataStart + compressedSize)
  const whole = compressionMethod === 0 ? packed : await inflated(packed, { maxOutputLength: Math.max(size, 1), chunkSize: Math.min(Math.max(size, 64), 2 ** 20) })
  if (whole.length !== size) throw broken(`'${fileName}' has ${whole.length} bytes where ${size} are announced`)
  if (crc32(whole) !== entry.crc32) throw broken(`the checksum of '${fileName}' is wrong`)
  return whole
}

const broken = (what: string): Fault => new Fault('malformed', `the body is no npz archive: ${what}. numpy.savez(file, x=...) makes one`)
