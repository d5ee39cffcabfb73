import { Worker } from 'node:worker_threads'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import type { OnnxRuntime } from '../../src/ops/onnx/runtime.ts'
import { end, endingBytes, mindEnding } from '../../src/pool/ending.ts'

/** A runtime whose calls last until they are let go. */
function slowRuntime (): { runtime: OnnxRuntime, calls: string[], release: () => void } {
  const calls: string[] = []
  let release = (): void => {}
  const call = async (name: string): Promise<void> => {
    calls.push(name)
    await new Promise<void>((resolve) => { release = resolve })
  }
  const session = { run: async (feeds: object) => { await call('run'); return feeds } }
  const ort = { Tensor: Float32Array, InferenceSession: { create: async () => { await call('create'); return session } } }
  return { runtime: { ort: ort as unknown as OnnxRuntime['ort'], version: '1', threads: 1 }, calls, release: () => release() }
}

t.test('a thread ends when it is back from the runtime, and does not go in again', async (t) => {
  const memory = new Int32Array(new SharedArrayBuffer(endingBytes))
  const { runtime, calls, release } = slowRuntime()
  const { ort, threads } = mindEnding(runtime, memory)
  t.equal(threads, 1)
  t.equal(ort.Tensor, Float32Array)
  const creating = ort.InferenceSession.create(new Uint8Array(0), {})
  await wait(0)
  release()
  const session = await creating
  const running = session.run({ x: 1 } as never)
  let ended = false
  const worker = { terminate: async () => { ended = true } } as unknown as Worker
  const ending = end(worker, memory)
  await wait(60)
  t.equal(ended, false, 'it is within')
  release()
  t.same(await running, { x: 1 }, 'what it came back with')
  await ending
  t.equal(ended, true)
  await t.rejects(session.run({} as never), { code: 'not_ready' })
  await t.rejects(ort.InferenceSession.create(new Uint8Array(0), {}), { code: 'not_ready' })
  t.same(calls, ['create', 'run'])
})

t.test('one that loops for ever is ended', async (t) => {
  const worker = new Worker("require('node:worker_threads').parentPort.postMessage('begun'); for (;;);", { eval: true })
  await new Promise((resolve) => worker.once('message', resolve))
  const over = new Promise((resolve) => worker.once('exit', resolve))
  await end(worker, new Int32Array(new SharedArrayBuffer(endingBytes)))
  t.equal(await over, 1)
})
