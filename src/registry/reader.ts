import { parentPort } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import { assembleModel } from './assemble.ts'
import type { FromReader, ModelFiles, ToReader } from './read.ts'

/** The thread that reads model files. Weights lie in shared memory, so they are not copied on the way back. */
parentPort!.on('message', async ({ files }: ToReader) => {
  parentPort!.postMessage(await answer(files))
})

async function answer (files: ModelFiles): Promise<FromReader> {
  try {
    return { file: await assembleModel(files) }
  } catch (error) {
    if (error instanceof Fault) return { code: error.code, detail: error.message }
    return { code: 'bad_file', detail: `the model cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}
