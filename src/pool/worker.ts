import { parentPort, workerData } from 'node:worker_threads'
import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import { loadEngine, type Engine } from '../ops/engine.ts'
import { eagerRuntime, reside } from '../run/eager-runtime.ts'
import { extract } from '../run/extract.ts'
import { checkModel } from '../run/load-check.ts'
import { recheck, tolerance } from '../run/receipt.ts'
import type { Resident } from '../run/runtime.ts'
import { encodeJson } from '../trace/json.ts'
import type { FromWorker, Job, ToWorker } from './protocol.ts'

/** The inside of a worker thread: one engine, the models given to it, one job at a time. */
const engine: Engine = await loadEngine((workerData as { engine: 'auto' | 'tfjs' | 'wasm' }).engine)
const runtime = eagerRuntime(engine)
type Tensor = Parameters<typeof runtime.read>[0]
const models = new Map<string, { file: ModelFile, resident: Resident<Tensor> }>()

const port = parentPort!
const send = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
const warning = engine.reason === undefined ? {} : { warning: engine.reason }

function load (id: number, model: string, { file, check }: Extract<ToWorker, { type: 'load' }>): void {
  const resident = reside(engine, file.graph)
  try {
    const { receipt, reason } = checkModel(engine.name, runtime, resident, file, check)
    if (reason === undefined) models.set(model, { file, resident })
    else resident.dispose()
    send({ type: 'loaded', id, receipt: { ...receipt, ...warning }, ...(reason === undefined ? {} : { reason }) })
  } catch (error) {
    resident.dispose()
    throw error
  }
}

/** Runs a job; an answer that does not pass its own check is not given. */
function run (id: number, model: string, { plan, batch, head }: Job): void {
  const known = models.get(model)
  if (known === undefined) throw new Fault('not_ready', 'the model is not loaded yet: try again in a moment')
  const body = runtime.scope(() => {
    const { evidence, ...trace } = extract(runtime, known.resident, known.file, plan, batch)
    const maxDifference = recheck(runtime, known.resident, known.file.keras, evidence)
    if (!(maxDifference <= tolerance)) {
      throw new Fault('unsound', `the states do not follow from the gates: they differ by ${maxDifference.toPrecision(3)}, ${tolerance} is allowed. The answer is withheld; please report the model`)
    }
    const receipt = { engine: engine.name, checked: ['gates and states'], maxDifference, tolerance, sound: true, ...warning }
    return encodeJson(head, { ...trace, receipt }, plan)
  })
  send({ type: 'answered', id, body }, [body.buffer])
}

port.on('message', (message: ToWorker) => {
  try {
    if (message.type === 'load') load(message.id, message.model, message)
    else if (message.type === 'run') run(message.id, message.model, message.job)
    else {
      models.get(message.model)?.resident.dispose()
      models.delete(message.model)
      send({ type: 'unloaded', id: message.id })
    }
  } catch (error) {
    const fault = error instanceof Fault ? error : new Fault('internal', `the engine failed: ${(error as Error).message}`)
    send({ type: 'failed', id: message.id, code: fault.code, detail: fault.message, ...(fault.pointer === undefined ? {} : { pointer: fault.pointer }) })
  }
})

send({ type: 'started', engine: { name: engine.name, version: engine.version, tensorflow: engine.tensorflow, ...warning } })
