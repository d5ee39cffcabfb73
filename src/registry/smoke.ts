import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import { buildPlan } from '../plan/build.ts'
import { triedShape } from '../plan/shapes.ts'
import { extract } from '../run/extract.ts'
import { multiplications } from '../run/load-check.ts'
import { plainRuntime } from '../run/plain-runtime.ts'

/** Multiplications that one may spend, about a second: the threads try a larger model by themselves. */
const budget = 3e8

/**
 * One prediction from zeros in float64, by the ops that are plain TypeScript: a model whose layers do not fit each other fails here, in a process
 * that harms nobody, and not in a thread that serves others. Whether its numbers are right is not asked here.
 * @throws Fault bad_file, or what its layers throw
 */
export function smoke (file: ModelFile): void {
  const zeros = file.graph.inputs.map((input) => {
    const shape = triedShape(input)
    return [input.name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) }] as const
  })
  const batch = { inputs: Object.fromEntries(zeros), initial: {}, size: 1 }
  if (multiplications(file, batch) > budget) return
  const plan = buildPlan(file, { layers: [], tensors: [], steps: 'all', outputs: true, raw: false }, {})
  const { runtime, resident } = plainRuntime()
  try {
    extract(runtime, resident, file, plan, batch)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('bad_file', `the model was read, but a prediction of it fails: ${(error as Error).message}`)
  }
}
