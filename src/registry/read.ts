import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Fault, type FaultCode } from '../errors.ts'
import type { ModelFile } from '../model.ts'

/** The files of one model. */
export interface ModelFiles {
  /** `.keras`, `.h5`, `.hdf5`, or `model.json` (converted, or an architecture alone). */
  readonly main: string
  /** The weights beside an architecture (`model.weights.h5`). */
  readonly weights: string | null
}

/** What the reading thread is sent, and what it answers. */
export interface ToReader { readonly files: ModelFiles }
export type FromReader = { readonly file: ModelFile } | { readonly code: FaultCode, readonly detail: string }

/** A thread that has nothing to read ends after this many milliseconds. */
const patience = 2000

let queue: Promise<unknown> = Promise.resolve()
let reader: Reader | null = null

/**
 * Reads a model, one after the other, on a thread of its own: a damaged file can send the HDF5 library round in circles for ever, and only a
 * thread can be stopped. Throws `bad_file` where a file is damaged or incomplete, `unsupported_layer` where it holds what cannot be
 * computed; both say what to do. `seconds` bounds the reading; by default half a minute and a second for each 10 MB.
 */
export async function readModel (files: ModelFiles, seconds?: number): Promise<ModelFile> {
  const turn = queue.then(async () => await ask(files, seconds ?? 30 + await megabytes(files) / 10))
  queue = turn.catch(() => {})
  return await turn
}

async function megabytes ({ main, weights }: ModelFiles): Promise<number> {
  const sizes = await Promise.all([main, ...weights === null ? [] : [weights]].map(async (path) => await stat(path).then(({ size }) => size, () => 0)))
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6
}

async function ask (files: ModelFiles, seconds: number): Promise<ModelFile> {
  reader ??= new Reader()
  const name = basename(files.main)
  const answer = await reader.read(files, seconds)
  if (typeof answer !== 'string') {
    if ('file' in answer) return answer.file
    throw new Fault(answer.code, answer.detail)
  }
  // A thread that did not answer is not asked again.
  reader.stop()
  reader = null
  throw new Fault('bad_file', answer === 'late'
    ? `reading "${name}" did not come to an end within ${Math.round(seconds)} seconds: the file is damaged`
    : `reading "${name}" failed: ${answer}; the file is damaged, or too large for this machine`)
}

/** The thread, which keeps the process alive only while it reads. */
class Reader {
  readonly #worker = new Worker(new URL('./reader.js', import.meta.url))
  #settle: (answer: FromReader | string) => void = () => {}
  #rest: NodeJS.Timeout | undefined

  constructor () {
    this.#worker.on('message', (message: FromReader) => this.#settle(message))
    this.#worker.on('error', (error: Error) => this.#settle(error.message))
    this.#worker.on('exit', () => this.#settle('the thread ended'))
  }

  /** The answer, 'late', or why there is none. */
  async read (files: ModelFiles, seconds: number): Promise<FromReader | string> {
    clearTimeout(this.#rest)
    this.#worker.ref()
    let timer: NodeJS.Timeout | undefined
    const answer = await new Promise<FromReader | string>((resolve) => {
      this.#settle = resolve
      timer = setTimeout(() => resolve('late'), seconds * 1000)
      this.#worker.postMessage({ files } satisfies ToReader)
    })
    clearTimeout(timer)
    this.#worker.unref()
    this.#rest = setTimeout(() => this.#retire(), patience).unref()
    return answer
  }

  #retire (): void {
    if (reader === this) reader = null
    this.stop()
  }

  stop (): void {
    clearTimeout(this.#rest)
    this.#worker.terminate().catch(() => {})
  }
}

/** What to tell of a SavedModel folder. */
export function savedModelReason (): string {
  return 'this is a SavedModel, which holds a TensorFlow graph, not the layers. Convert it once: in Python `import tensorflow as tf; tf.keras.models.load_model("FOLDER").save("model.keras")`, ' +
    'in R `keras::save_model_hdf5(keras::load_model_tf("FOLDER"), "model.h5")`. ' +
    'One that Keras 3 exported cannot be read back by any Keras: save the model itself again, as .keras'
}
