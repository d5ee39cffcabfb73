import { loadCheck } from '../../../src/load-check.ts'
import type { ModelFile } from '../../../src/model.ts'
import { loadEngine } from '../../../src/ops/engine.ts'
import { loadOnnx } from '../../../src/ops/onnx/runtime.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import type { Served } from '../../../src/registry/entry.ts'
import type { Meta } from '../../../src/registry/meta.ts'
import { decodeRelevance } from '../../../src/request/relevance.ts'
import type { Batch } from '../../../src/request/probe.ts'
import { byOnnx } from '../../../src/run/compiled.ts'
import { extract } from '../../../src/run/extract.ts'
import { host, type Hosted } from '../../../src/run/hosted.ts'
import { plainRuntime } from '../../../src/run/plain-runtime.ts'
import { relevance } from '../../../src/studies/relevance/relevance.ts'

export const engine = await loadEngine('auto')
const onnx = await loadOnnx(1)

/** A model on the engines; `compiled` false: on the reference alone. */
export async function hosted (file: ModelFile, compiled: boolean): Promise<Hosted> {
  const { model, reason } = await host(engine, compiled && !('reason' in onnx) ? [byOnnx(onnx)] : [], file, loadCheck({ file, meta: {}, id: 'm' } as unknown as Served))
  if (model === null) throw new Error(reason)
  return model
}

/** What a request to a model finds, and what was asked of it. */
export async function ask (model: Hosted, body: Readonly<Record<string, unknown>>, meta: Meta = {}): Promise<{ found: any, batch: Batch, plan: Plan, study: ReturnType<typeof decodeRelevance>['study'] }> {
  const asked = decodeRelevance(body, { file: model.file, meta })
  return { found: await relevance(model, asked.plan, asked.batch, asked.study), ...asked }
}

/** The first output of a plan by float64 arithmetic from the inputs to the end, `[batch, ..., unit]`. */
export function referee (file: ModelFile, plan: Plan, inputs: Readonly<Record<string, { readonly shape: readonly number[], readonly data: Float32Array | Float64Array }>>): { shape: readonly number[], data: Float64Array } {
  const { runtime, resident } = plainRuntime()
  const whole = { ...runtime, read: ({ shape, data }: { shape: readonly number[], data: unknown }) => ({ shape, data: data as Float32Array }) }
  const { shape, data } = extract(whole, resident, file, plan, { inputs: inputs as Batch['inputs'], initial: {}, size: Object.values(inputs)[0].shape[0] }).traced.outputs[0].values
  return { shape, data: data as unknown as Float64Array }
}
