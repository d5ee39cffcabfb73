import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { Fault } from '../../errors.ts'

/** No file inside a model's archive is larger, and no archive holds more. */
const largest = 2 ** 31 - 1
const mostEntries = 10000

/**
 * Files of a zip archive in memory, by name: those named, where they are there. Sizes and checksums are held against what the archive says. Throws
 * `bad_file`.
 */
export async function unzip (bytes: Buffer, names: readonly string[]): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  let archive: ZipFile
  try {
    archive = await yauzl.fromBufferPromise(bytes, { validateEntrySizes: true })
    if (archive.entryCount > mostEntries) throw new Error(`it holds ${archive.entryCount} files`)
    for await (const entry of archive.eachEntry()) {
      if (!names.includes(entry.fileName)) continue
      if (files.has(entry.fileName)) throw new Error(`it holds "${entry.fileName}" twice`)
      files.set(entry.fileName, await content(archive, entry))
    }
  } catch (error) {
    throw new Fault('bad_file', `the archive is damaged: ${(error as Error).message}`)
  }
  return files
}

async function content (archive: ZipFile, entry: Entry): Promise<Buffer> {
  if (entry.isEncrypted()) throw new Error(`"${entry.fileName}" is encrypted`)
  if (entry.uncompressedSize > largest) throw new Error(`"${entry.fileName}" has ${entry.uncompressedSize} bytes, which is too large to be served`)
  const bytes = await buffer(await archive.openReadStreamPromise(entry))
  if (crc32(bytes) !== entry.crc32) throw new Error(`the checksum of "${entry.fileName}" is wrong`)
  return bytes
}
