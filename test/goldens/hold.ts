import t from 'tap'
import { farthest, flatten, readCases, type Case } from '../support/cases.ts'
import { serve, type Running } from '../support/service.ts'

/**
 * Holds the service, over HTTP, to every golden: what Keras predicts, and states, gates and outputs of its layers. Differences are relative to
 * max(1, |value|).
 */
export async function holdGoldens (engine: 'native' | 'onnx' | 'tfjs' | 'wasm', tolerance: number): Promise<void> {
  const running = await serve({ ENGINE: engine, MODELS_DIR: 'test/goldens/models' }).catch((error: Error) => error)
  if (running instanceof Error) {
    // A newcomer's machine may have no native engine; continuous integration takes a skip for a failure.
    if (engine === 'wasm' || !running.message.startsWith('the engine does not start')) throw running
    t.test(`engine ${engine}`, { skip: running.message }, async () => {})
    return
  }
  t.teardown(async () => await running.server.close())
  const { body: { models } } = await running.ask('/models')
  for (const one of readCases('test/goldens/cases')) {
    t.test(one.id, async (t) => {
      const { status, reason } = (models as { id: string, status: string, reason?: string }[]).find(({ id }) => id === one.id) ?? { status: 'absent' }
      t.equal(status, 'ready', reason ?? 'is served')
      if (status !== 'ready') return
      for (const [what, far, allowed] of [...await predictions(running, one), ...await internals(running, one)]) {
        t.ok(far <= (allowed ?? tolerance), `${what}: within ${allowed ?? tolerance}, is ${far}`)
      }
    })
  }
}

type Held = [what: string, far: number, allowed?: number]

const inputsOf = ({ inputs }: Case): unknown => Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs

async function predictions ({ ask }: Running, one: Case): Promise<Held[]> {
  const { status, body } = await ask('/predict', { model: one.id, inputs: inputsOf(one) })
  if (status !== 200) return [[`predict answers ${status}, ${body.detail}`, Infinity]]
  const outputs = body.outputs as Record<string, unknown>
  // Keras 3 gives several outputs of one layer one name; the contract numbers them.
  const names = one.output_names.every((name) => Object.hasOwn(outputs, name)) ? one.output_names : Object.keys(outputs)
  return [
    ...one.predict.map((expected, n): Held => [`predict ${names[n]}`, farthest(outputs[names[n]], expected)]),
    ...(one.predict_half ?? []).map((expected, n): Held => [`half-precision predict ${names[n]}`, farthest(outputs[names[n]], expected), one.atol_half ?? 1e-2])
  ]
}

async function internals (running: Running, one: Case): Promise<Held[]> {
  const { ask } = running
  if (Object.keys(one.expect).length === 0) return []
  const { status, body } = await ask('/hidden-states', { model: one.id, inputs: inputsOf(one), layers: await layersOf(running, one), tensors: ['hidden', 'cell', 'gates', 'final', 'output'] })
  if (status !== 200) return [[`hidden-states answers ${status}, ${body.detail}`, Infinity]]
  const given = flatten(body.layers as object)
  return Object.entries(one.expect).map(([name, expected]) => [name, farthest(given[name], expected)])
}

/** The layers that the expected names belong to: the longest of the model's keys that each begins with. */
async function layersOf ({ ask }: Running, { id, expect }: Case): Promise<string[]> {
  const { body } = await ask(`/models/${id}`)
  const keys = (body.layers as { keys: string[] }[]).flatMap((layer) => layer.keys)
  return [...new Set(Object.keys(expect).map((name) => keys.filter((key) => name.startsWith(`${key}/`)).reduce((a, b) => b.length > a.length ? b : a, '')))]
}
