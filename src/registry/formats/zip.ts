import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { Fault } from '../../errors.ts'

/** An archive holds no more than this, unpacked, and in no more files. */
const largest = 2 ** 30
const mostEntries = 1024

/** Beyond `free` bytes an archive may not grow to more than this many times its size. Keras stores its files unpacked; a config alone may be packed tightly. */
const ratio = 20
const free = 16 * 2 ** 20

/**
 * Files of a zip archive in memory, by name: those named, where they are there. The whole directory is looked through before anything is
 * unpacked; sizes and checksums are held against what it says. Throws `bad_file`.
 */
export async function unzip (bytes: Buffer, names: readonly string[]): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  try {
    // Names that lead elsewhere (`../x`, `/x`, `c:\x`) are refused by the library, sizes that are not the declared ones while it unpacks.
    const archive = await yauzl.fromBufferPromise(bytes, { validateEntrySizes: true, strictFileNames: true })
    if (archive.entryCount > mostEntries) throw new Error(`it holds ${archive.entryCount} files`)
    const entries: Entry[] = []
    for await (const entry of archive.eachEntry()) entries.push(entry)
    checkDirectory(entries, bytes.length)
    for (const entry of entries) if (names.includes(entry.fileName)) files.set(entry.fileName, await content(archive, entry))
  } catch (error) {
    throw new Fault('bad_file', `the archive is damaged: ${(error as Error).message}`)
  }
  return files
}

function checkDirectory (entries: readonly Entry[], size: number): void {
  const seen = new Set<string>()
  let total = 0
  for (const entry of entries) {
    const { fileName, uncompressedSize } = entry
    if (seen.has(fileName)) throw new Error(`it holds "${fileName}" twice`)
    seen.add(fileName)
    if (isLink(entry)) throw new Error(`"${fileName}" is a symbolic link`)
    total += uncompressedSize
    if (total > largest) throw new Error(`its files have more than ${largest} bytes in all`)
    if (total > free && total > ratio * size) throw new Error(`its files would have more than ${ratio} times its size`)
  }
  const inPlace = entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)
  inPlace.forEach((entry, n) => {
    const end = entry.relativeOffsetOfLocalHeader + localHeader + entry.fileNameLength + entry.compressedSize
    const next = inPlace[n + 1]
    if (end > (next?.relativeOffsetOfLocalHeader ?? size)) throw new Error(`"${entry.fileName}" lies over ${next === undefined ? 'its end' : `"${next.fileName}"`}`)
  })
}

/** Bytes before a member's name. */
const localHeader = 30

/** The upper half of the attributes is the file's mode where the archive is by Unix. */
const isLink = ({ externalFileAttributes }: Entry): boolean => ((externalFileAttributes >>> 16) & 0o170000) === 0o120000

async function content (archive: ZipFile, entry: Entry): Promise<Buffer> {
  if (entry.isEncrypted()) throw new Error(`"${entry.fileName}" is encrypted`)
  const bytes = await buffer(await archive.openReadStreamPromise(entry))
  if (crc32(bytes) !== entry.crc32) throw new Error(`the checksum of "${entry.fileName}" is wrong`)
  return bytes
}
