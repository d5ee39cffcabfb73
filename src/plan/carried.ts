import { unitsOf } from '../cells/cells.ts'
import { refsIn } from '../layers/graph.ts'
import { runPlan } from '../layers/run-plan.ts'
import type { Layer, ModelFile } from '../model.ts'
import { same, type Sequences } from './batch-axis.ts'
import { buildPlan } from './build.ts'
import { isRecurrent, places } from './internals.ts'
import { stepAxisOps, steps } from './step-axis.ts'

/** Sizes that stand for any: of the batch and of the steps. */
const [anyBatch, anySteps] = [3, 997]

const proved = new WeakMap<ModelFile, boolean>()

/**
 * May a sequence be read on from the states that its beginning left? True where the answer for a sequence provably is that for its last step alone, started from the
 * final states of the steps before. The model's own layers are run over `stepAxisOps`; false for whatever that does not let through, for masks (a masked step answers with
 * the output before it, which no state holds), and for layers whose states come from elsewhere in the graph. Pure, and kept for each model.
 */
export function carries (file: ModelFile): boolean {
  const answer = proved.get(file) ?? prove(file)
  proved.set(file, answer)
  return answer
}

function prove (file: ModelFile): boolean {
  const { graph } = file
  const recurrent = graph.nodes.filter(({ layer }) => isRecurrent(graph.layers[layer]))
  const wired = recurrent.some(({ args, kwargs }) => [...args, ...Object.values(kwargs)].flatMap(refsIn).length !== 1)
  const [input] = graph.inputs
  if (wired || graph.inputs.length !== 1 || graph.outputs.length !== 1 || input.shape.length < 2 || input.shape[1] !== null) return false
  const states = Object.fromEntries(recurrent.map(({ key, layer }) => [key, Object.fromEntries(places(graph.layers[layer]).flatMap(({ prefix, layer: own, states }) =>
    states.map((state) => [`${prefix}${state}`, same([anyBatch, unitsOf(own)])])))]))
  const weightsOf = ({ weights }: Layer): Record<string, Sequences> => Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, same(shape)]))
  const shape = input.shape.map((size, axis) => axis === 0 ? anyBatch : axis === 1 ? anySteps : size ?? anySteps)
  try {
    const plan = buildPlan(file, { layers: null, tensors: ['final'], steps: 'all', outputs: true, raw: false }, {})
    const { results, layers, outputs: [output] } = runPlan(stepAxisOps(), weightsOf, file, plan, [steps(shape, 1)], states)
    const masked = [...results.values()].some(({ masks }) => masks.some((mask) => mask !== null)) || layers.some((tensors) => [...tensors.keys()].some((name) => /(^|\/)mask$/.test(name)))
    return !masked && (output.batch === null ? output.shape.length === 2 : output.batch === 1 && output.merged.length === 0 && output.shape.length === 3)
  } catch {
    return false
  }
}
