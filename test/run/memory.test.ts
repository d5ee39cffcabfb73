import t from 'tap'
import type { ModelFile } from '../../src/model.ts'
import { loadEngine } from '../../src/ops/engine.ts'
import { buildPlan } from '../../src/plan/build.ts'
import { defaultKinds } from '../../src/request/probe.ts'
import { eagerRuntime, reside } from '../../src/run/eager-runtime.ts'
import { extract } from '../../src/run/extract.ts'
import { recheck } from '../../src/run/receipt.ts'
import { numbers } from '../cells/support.ts'
import { maskedLstm, openLstm } from '../support/models.ts'

const engine = await loadEngine('auto')
const runtime = eagerRuntime(engine)

function run (file: ModelFile, resident: ReturnType<typeof reside>, steps: number): void {
  const plan = buildPlan(file, { layers: null, tensors: defaultKinds, steps: 'all', outputs: true, raw: false }, {})
  const batch = { inputs: { x: { shape: [2, steps, 3], data: numbers(6 * steps, steps) } }, initial: {}, size: 2 }
  runtime.scope(() => recheck(runtime, resident, 3, extract(runtime, resident, file, plan, batch).evidence))
}

function use (file: ModelFile): void {
  const resident = reside(engine, file.graph)
  run(file, resident, 2)
  resident.dispose()
}

t.test('a run leaves no tensor behind, a model none when it goes', async (t) => {
  // The op set keeps the few numbers that its ops share, made when first needed.
  use(maskedLstm(3, 4))
  use(openLstm(3, 4))
  const empty = engine.tf.memory().numTensors
  use(openLstm(3, 4))
  t.equal(engine.tf.memory().numTensors, empty)
  for (const file of [openLstm(3, 4), maskedLstm(3, 4)]) {
    const resident = reside(engine, file.graph)
    const loaded = engine.tf.memory().numTensors
    t.ok(loaded > empty, 'its weights stay')
    for (let n = 1; n <= 20; n++) run(file, resident, n)
    t.throws(() => runtime.scope(() => { engine.tf.zeros([3]); throw new Error('in the middle') }), /in the middle/)
    t.equal(engine.tf.memory().numTensors, loaded)
    resident.dispose()
    t.equal(engine.tf.memory().numTensors, empty)
  }
})
