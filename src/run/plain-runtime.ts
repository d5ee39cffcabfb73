import type { Layer } from '../model.ts'
import { plainOps, toValues, type Plain } from '../ops/plain/ops.ts'
import type { Resident, Runtime } from './runtime.ts'

/** The float64 referee as an engine. */
export function plainRuntime (): { runtime: Runtime<Plain>, resident: Resident<Plain> } {
  const ops = plainOps()
  const weights = new Map<Layer, Record<string, Plain>>()
  return {
    runtime: { ops, read: toValues, scope: (work) => work() },
    resident: {
      weightsOf: (layer) => {
        const known = weights.get(layer) ?? Object.fromEntries(Object.entries(layer.weights).map(([name, { data, shape }]) => [name, ops.constant(data, shape)]))
        weights.set(layer, known)
        return known
      },
      dispose: () => weights.clear()
    }
  }
}
