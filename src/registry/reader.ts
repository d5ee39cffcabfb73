import { writeSync } from 'node:fs'
import { Fault } from '../errors.ts'
import { assembleModel } from './assemble.ts'
import { contentOf } from './content.ts'
import { brokenInstances } from './formats/hdf5.ts'
import { arraysPipe, packed } from './parcel.ts'
import type { FromReader, ToReader } from './reader-process.ts'
import { smoke as predictOnce } from './smoke.ts'

/** The process that reads model files. It ends with the one that started it. */
process.on('disconnect', () => process.exit())
process.on('message', async (request: ToReader) => {
  const { answer, arrays } = await answerTo(request)
  // The message has to be out before the pipe is written to, which waits until it is read.
  await new Promise<void>((resolve) => process.send!(answer, () => resolve()))
  for (const array of arrays) write(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
})
process.send!('ready')

async function answerTo ({ files, limits, digest, smoke }: ToReader): Promise<{ answer: FromReader, arrays: readonly Float32Array[] }> {
  try {
    const content = await contentOf(files)
    if (digest !== null && digest !== content.digest) {
      throw new Fault('bad_file', `the files of "${content.name}" are not those that were stored: their digest is ${content.digest}, that of those stored ${digest}. They were altered or damaged: store the model again`)
    }
    const model = await assembleModel(content, limits)
    if (smoke) predictOnce(model)
    const { parcel, arrays } = packed(model)
    return { answer: { parcel, spent: isSpent(limits.memory) }, arrays }
  } catch (error) {
    const { code, message: detail } = error instanceof Fault ? error : unreadable(error, limits.memory)
    return { answer: { code, detail, spent: isSpent(limits.memory) }, arrays: [] }
  }
}

function unreadable (error: unknown, memory: number): Fault {
  // What the engine throws where the kernel gives no more memory.
  if (error instanceof RangeError && /allocation failed/.test(error.message)) return new Fault('bad_file', `the model takes more than the ${memory} MiB of IMPORT_MEMORY_MB`)
  return new Fault('bad_file', `the model cannot be read: ${error instanceof Error ? error.message : String(error)}`)
}

/** What earlier files left behind may not be what a later one fails for. */
const isSpent = (memory: number): boolean => brokenInstances() >= 8 || process.memoryUsage.rss() > memory * 2 ** 20 / 4

function write (bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(arraysPipe, bytes, at, Math.min(bytes.length - at, 2 ** 20))
}
