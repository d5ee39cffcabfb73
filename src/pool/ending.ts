import { setTimeout as wait } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import type { OnnxRuntime } from '../ops/onnx/runtime.ts'

/** Places in the memory that a thread shares with whoever ends it: it shall end; it is in onnxruntime. */
const [ending, within] = [0, 1]
/** Bytes of that memory. */
export const endingBytes = 2 * Int32Array.BYTES_PER_ELEMENT
/** How often it is looked whether a thread has come back, in milliseconds. */
const often = 10

/**
 * onnxruntime does not bear the end of its thread while it runs: what it throws then nobody can catch, and the whole process ends. So a thread says when it is in there, and does not go in
 * any more once it shall end. Each writes its own place before it reads the other's (Dekker): either the thread sees that it shall end, or it is seen within.
 */
export function mindEnding (onnx: OnnxRuntime, memory: Int32Array): OnnxRuntime {
  /** A native call, from where it is asked for until it is back. */
  const go = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    Atomics.store(memory, within, 1)
    try {
      if (Atomics.load(memory, ending) === 1) throw new Fault('not_ready', 'the thread that computes is ending')
      return await call()
    } finally {
      Atomics.store(memory, within, 0)
    }
  }
  const { InferenceSession } = onnx.ort
  const create = async (bytes: Uint8Array, options: Parameters<typeof InferenceSession.create>[1]): ReturnType<typeof InferenceSession.create> => {
    const session = await go(async () => await InferenceSession.create(bytes, options))
    const run = session.run.bind(session) as (feeds: Parameters<typeof session.run>[0]) => ReturnType<typeof session.run>
    return Object.assign(session, { run: async (feeds: Parameters<typeof session.run>[0]) => await go(async () => await run(feeds)) })
  }
  return { ...onnx, ort: { ...onnx.ort, InferenceSession: { ...InferenceSession, create } as typeof InferenceSession } }
}

/** Ends a thread as soon as it is not in onnxruntime; one that never comes back from there never ends. */
export async function end (worker: Worker, memory: Int32Array): Promise<void> {
  Atomics.store(memory, ending, 1)
  while (Atomics.load(memory, within) === 1) await wait(often)
  await worker.terminate()
}
