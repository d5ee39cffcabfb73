import { closeSync, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { devNull } from 'node:os'
import { basename } from 'node:path'
import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import { ReaderProcess, type Answer, type ToReader } from './reader-process.ts'

/** The files of one model. */
export interface ModelFiles {
  /** `.keras`, `.h5`, `.hdf5`, or `model.json` (converted, or an architecture alone). */
  readonly main: string
  /** The weights beside an architecture (`model.weights.h5`). */
  readonly weights: string | null
}

/** What reading one model may take. */
export interface Limits {
  /** Seconds, and one more for each 10 MB. */
  readonly seconds: number
  /** MiB of memory. */
  readonly memory: number
  /** Are weights taken that hold NaN or infinity? */
  readonly nonFinite: boolean
}

export const usualLimits: Limits = { seconds: 30, memory: 4096, nonFinite: false }

/** How one model is read. */
export interface How extends Partial<Limits> {
  /** The digest that the files must have; others are refused before they are parsed. */
  readonly digest?: string | null
  /** A process of its own, ended afterwards, and a prediction tried in it: for a file of a stranger. */
  readonly disposable?: boolean
}

let queue: Promise<unknown> = Promise.resolve()
let kept: ReaderProcess | null = null

/**
 * Reads a model in a process of its own, which a damaged file can break, fill or send round in circles for ever without harm to this one;
 * its weights come back in shared memory. The models of MODELS_DIR are read one after the other, by one process while it is sound. Throws
 * `bad_file` where a file is damaged, incomplete or not the one of the digest, `unsupported_layer` where it holds what cannot be computed,
 * `not_ready` where that process cannot be started; they say what to do.
 */
export async function readModel (files: ModelFiles, { digest = null, disposable = false, ...given }: How = {}): Promise<ModelFile> {
  const limits = { ...usualLimits, ...given }
  const seconds = limits.seconds + await megabytes(files) / 10
  const request = { files, limits, digest, smoke: disposable }
  if (disposable) {
    const reader = startReader(limits)
    return modelOf(await reader.read(request, seconds).finally(() => reader.stop()), request, seconds)
  }
  const turn = queue.then(async () => await readerFor(limits).read(request, seconds))
  queue = turn.catch(() => {})
  return modelOf(await turn, request, seconds)
}

/** The process that is kept, or another where it cannot be asked any more. It has to be asked before anything else happens. */
function readerFor (limits: Limits): ReaderProcess {
  if (kept?.fits(limits) !== true) {
    kept?.stop()
    kept = startReader(limits)
  }
  return kept
}

function modelOf (answer: Answer, { files, limits }: ToReader, seconds: number): ModelFile {
  if ('file' in answer) return answer.file
  if ('code' in answer) throw new Fault(answer.code, answer.detail)
  const name = basename(files.main)
  if (!answer.started) throw notStarted(answer.failed)
  throw new Fault('bad_file', answer.failed === 'late'
    ? `reading "${name}" did not come to an end within ${Math.round(seconds)} seconds: the file is damaged`
    : `reading "${name}" failed (${answer.failed}): the file is damaged, or takes more than the ${limits.memory} MiB of IMPORT_MEMORY_MB`)
}

/** Descriptors that a new process takes here, with some to spare. */
const descriptors = 12

/** Node loses two descriptors for good with each process that it cannot start for want of them (where the last pipe is one too many), so it does not come to that. Throws `not_ready`. */
function startReader (limits: Limits): ReaderProcess {
  const tried: number[] = []
  try {
    while (tried.length < descriptors) tried.push(openSync(devNull, 'r'))
  } catch (error) {
    throw notStarted((error as NodeJS.ErrnoException).code ?? String(error))
  } finally {
    for (const descriptor of tried) closeSync(descriptor)
  }
  return new ReaderProcess(limits)
}

const notStarted = (why: string): Fault =>
  new Fault('not_ready', `the process that reads model files does not start (${why}), which is not the fault of the file: the machine has no descriptors, processes or memory left for it. Try again in a moment`)

async function megabytes ({ main, weights }: ModelFiles): Promise<number> {
  const sizes = await Promise.all([main, ...weights === null ? [] : [weights]].map(async (path) => await stat(path).then(({ size }) => size, () => 0)))
  return sizes.reduce((sum, size) => sum + size, 0) / 1e6
}

/** What to tell of a SavedModel folder. */
export function savedModelReason (): string {
  return 'this is a SavedModel, which holds a TensorFlow graph, not the layers. Convert it once: in Python `import tensorflow as tf; tf.keras.models.load_model("FOLDER").save("model.keras")`, ' +
    'in R `keras::save_model_hdf5(keras::load_model_tf("FOLDER"), "model.h5")`. ' +
    'One that Keras 3 exported cannot be read back by any Keras: save the model itself again, as .keras'
}
