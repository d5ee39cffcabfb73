import { describeSample } from './describe/describe.ts'
import type { Values } from './model.ts'
import { buildPlan, recurrentKeys } from './plan/build.ts'
import type { Expected, LoadCheck } from './pool/protocol.ts'
import type { Served } from './registry/entry.ts'
import { defaultKinds, type Batch } from './request/probe.ts'
import { decodeRequest } from './request/decode.ts'
import { readNested } from './request/nested.ts'

/** As close as answers are to Keras where statescope.json does not say. */
const tolerance = 1e-5

/**
 * What a model is tried with before it serves: the sample that a client gets to try too, and what Keras recorded.
 * @throws Fault where the sample or the recorded inputs of statescope.json do not fit the model
 */
export function loadCheck (entry: Served): LoadCheck {
  const plan = buildPlan(entry.file, { layers: recurrentKeys(entry.file), tensors: defaultKinds, steps: 'all', outputs: true, raw: false }, {})
  return { sample: decode(describeSample(entry), entry), plan, expected: expectedOf(entry) }
}

const decode = (body: unknown, entry: Served): Batch => decodeRequest(body, entry, 'hidden-states').batch

function expectedOf (entry: Served): Expected | null {
  const { expected } = entry.meta
  if (expected === undefined) return null
  return {
    inputs: decode({ inputs: expected.inputs }, entry),
    plan: buildPlan(entry.file, { layers: [], tensors: [], steps: 'all', outputs: true, raw: false }, {}),
    outputs: Object.fromEntries(Object.entries(expected.outputs).map(([name, nested]) => [name, recorded(nested, `/expected/outputs/${name}`)])),
    tolerance: expected.tolerance ?? tolerance
  }
}

function recorded (nested: unknown, pointer: string): Values {
  const shape: number[] = []
  for (let first = nested; Array.isArray(first); first = first[0]) shape.push(first.length)
  const numbers = readNested(nested, { expected: shape, double: false }, pointer)
  return { shape, data: Float32Array.from(numbers.data) }
}
