import { parentPort, workerData } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import { loadEngine } from '../ops/engine.ts'
import { loadNative } from '../ops/native/runtime.ts'
import { loadOnnx } from '../ops/onnx/runtime.ts'
import type { Plan } from '../plan/plan.ts'
import { runTogether, type Outcome } from '../run/company.ts'
import { byOnnx } from '../run/compiled.ts'
import { host, type Hosted } from '../run/hosted.ts'
import { byNative } from '../run/native.ts'
import { giveBack as giveBackArrays } from '../run/spare.ts'
import type { Findings } from '../studies/study.ts'
import { carryOut } from '../studies/table.ts'
import { encoders, type Format, type Head } from '../trace/encode.ts'
import { encodeMembers } from '../trace/members.ts'
import { giveBack } from '../trace/room.ts'
import { mindEnding } from './ending.ts'
import type { EngineName, FromWorker, ToWorker, WorkerData } from './protocol.ts'

/** The inside of a worker thread: its engines, the models given to it, one job at a time. */
const { engine: wanted, workers, alive, ending } = workerData as WorkerData
const memory = new Float64Array(alive)
// Without TensorFlow the compiled engine alone still has wasm as its reference.
const engine = await loadEngine(wanted === 'onnx' || wanted === 'native' ? 'auto' : wanted)
const native = needed('native', wanted === 'auto' || wanted === 'native' ? loadNative(workers) : null)
const onnx = needed('onnx', wanted === 'auto' || wanted === 'native' || wanted === 'onnx' ? await loadOnnx(workers) : null)
const compilers = [...(native === null ? [] : [byNative(native)]), ...(onnx === null ? [] : [byOnnx(mindEnding(onnx, new Int32Array(ending)))])]
const models = new Map<string, Hosted>()
/** By the main thread's slots. */
const plans: Plan[] = []

/** A compiled engine; null where there is none. Throws where it is the one that is asked for. */
function needed<Runtime extends object> (name: EngineName, found: Runtime | { readonly reason: string } | null): Runtime | null {
  if (found === null || !('reason' in found)) return found
  if (wanted === name) throw new Error(`ENGINE=${name}, and ${found.reason}`)
  return null
}

const port = parentPort!
/** With each message the count of tensors is brought up to date. */
function send (message: FromWorker, transfer: ArrayBuffer[] = []): void {
  const { numTensors, numBytes } = engine.tf.memory()
  memory[0] = numTensors
  memory[1] = numBytes
  port.postMessage(message, transfer)
}

async function load (id: number, { model, file, check }: Extract<ToWorker, { type: 'load' }>): Promise<void> {
  const { receipt, reason, model: hosted } = await host(engine, compilers, file, check)
  // It may be there already, where the thread was started anew in the meantime.
  await models.get(model)?.dispose()
  if (hosted === null) models.delete(model)
  else models.set(model, hosted)
  send({ type: 'loaded', id, receipt, ...(reason === undefined ? {} : { reason }) })
}

/** Runs jobs of one plan together; each answer goes as soon as it is encoded. One that does not pass its own check is not given. */
async function run ({ model, slot, plan, parts, sent }: Extract<ToWorker, { type: 'run' }>): Promise<void> {
  const since = performance.now()
  giveBack(sent)
  if (plan !== undefined) plans[slot] = plan
  const own = plans[slot]
  const hosted = models.get(model)
  const studied = parts[0].study !== undefined
  const outcomes = hosted === undefined || studied ? [] : await runTogether(hosted, own, parts.map(({ batch }) => batch))
  for (const [n, { id, head, format, batch, study }] of parts.entries()) {
    try {
      if (hosted === undefined) throw new Fault('not_ready', 'the model is not loaded yet: try again in a moment')
      const body = study === undefined ? encoded(outcomes[n], head, format, own) : written(head, await carryOut(hosted, own, batch, study))
      // Shared memory is seen where it lies; the rest is moved.
      send({ type: 'answered', id, body, milliseconds: performance.now() - since }, body.buffer instanceof ArrayBuffer ? [body.buffer] : [])
    } catch (error) {
      fail(id, error as Error)
    }
  }
  giveBackArrays(outcomes.flatMap((outcome) => 'error' in outcome ? [] : [outcome.traced]))
}

function encoded (outcome: Outcome, head: Head, format: Format, plan: Plan): Uint8Array {
  if ('error' in outcome) throw outcome.error
  return encoders[format](head, { ...outcome.traced, receipt: outcome.receipt }, plan)
}

const written = (head: Head, findings: Findings): Uint8Array => findings instanceof Uint8Array ? findings : encodeMembers(head, findings)

function fail (id: number, error: Error): void {
  const fault = error instanceof Fault ? error : new Fault('internal', `the engine failed: ${error.message}`)
  send({ type: 'failed', id, code: fault.code, detail: fault.message, ...(fault.pointer === undefined ? {} : { pointer: fault.pointer }) })
}

async function answer (message: ToWorker): Promise<void> {
  if (message.type === 'run') {
    await run(message)
    return
  }
  try {
    if (message.type === 'load') {
      await load(message.id, message)
    } else {
      await models.get(message.model)?.dispose()
      models.delete(message.model)
      send({ type: 'unloaded', id: message.id })
    }
  } catch (error) {
    fail(message.id, error as Error)
  }
}

// One message after the other: a model is not unloaded under a job.
let last = Promise.resolve()
port.on('message', (message: ToWorker) => {
  last = last.then(async () => await answer(message))
})

send({
  type: 'started',
  engine: {
    ...native !== null
      ? { name: 'native', version: native.instructions, ...(onnx === null ? {} : { onnx: onnx.version }) }
      : onnx !== null ? { name: 'onnx', version: onnx.version } : { name: engine.name, version: engine.version },
    reference: { name: engine.name, version: engine.version },
    tensorflow: engine.tensorflow,
    ...(engine.reason === undefined ? {} : { warning: engine.reason })
  }
})
