import { LRUCache } from 'lru-cache'
import { Fault } from '../errors.ts'
import { mapStates } from '../layers/run-plan.ts'
import type { ModelFile } from '../model.ts'
import type { Batch } from '../request/probe.ts'
import { chooseSteps } from '../run/steps.ts'
import { anyShape, follow } from './independent.ts'
import type { Plan } from './plan.ts'

/** Shapes of inputs and states, as `follow` takes them. */
interface Shapes { readonly inputs: readonly (readonly number[])[], readonly initial: Parameters<typeof follow>[3] }

/** Sizes kept of one plan. */
const most = 64
/** An answer may have more numbers for each one of its inputs at these sizes than at others: where steps meet steps, in proportion to their number. */
const margin = 8

interface Known { readonly density: number | null, readonly exact: LRUCache<string, number> }
const known = new WeakMap<Plan, Known>()

const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/**
 * How many numbers the answer to a plan has, found from shapes alone before anything is run; null where that cannot be told, and where it is certain that there are fewer than
 * `interesting` of them. Throws Fault where the plan's steps choose none of those there are.
 */
export function numbersOfAnswer (file: ModelFile, plan: Plan, batch: Batch, interesting: number): number | null {
  const shapes: Shapes = { inputs: file.graph.inputs.map(({ name }) => batch.inputs[name].shape), initial: mapStates(batch.initial, ({ shape }) => shape) }
  const { density, exact } = known.get(plan) ?? keep(file, plan)
  const numbers = shapes.inputs.reduce((sum, shape) => sum + product(shape), 0)
  const usual = file.graph.inputs.every(({ shape }, n) => anyShape(shape).every((size, axis) => axis === 0 || shapes.inputs[n][axis] <= size))
  if (density !== null && usual && numbers * density * margin < interesting) return null
  const key = JSON.stringify(shapes)
  const answer = exact.get(key) ?? count(file, plan, shapes)
  if (answer !== null) exact.set(key, answer)
  return answer
}

function keep (file: ModelFile, plan: Plan): Known {
  const inputs = file.graph.inputs.map(({ shape }) => anyShape(shape))
  // Whatever steps are chosen, and without states: there are no more of them than with.
  const all = count(file, { ...plan, steps: plan.steps === 'last' ? 'last' : 'all' }, { inputs, initial: {} })
  const found = { density: all === null ? null : all / inputs.reduce((sum, shape) => sum + product(shape), 0), exact: new LRUCache<string, number>({ max: most }) }
  known.set(plan, found)
  return found
}

function count (file: ModelFile, plan: Plan, { inputs, initial }: Shapes): number | null {
  try {
    const { layers, outputs } = follow(file, plan, inputs, initial)
    const ofLayers = plan.layers.flatMap(({ internals, outputs: own }, n) => [
      ...internals.map(({ name, stepAxis }) => {
        const shape = layers[n].get(name)?.shape
        if (shape === undefined) return 0
        const steps = stepAxis === null || plan.steps === 'last' ? null : chooseSteps(plan.steps, shape[stepAxis])
        return steps === null ? product(shape) : product(shape) / shape[stepAxis!] * steps.length
      }),
      ...own.map(({ name }) => product(layers[n].get(name)!.shape))
    ])
    const once = [...ofLayers, ...outputs.map(({ shape }) => product(shape))].reduce((a, b) => a + b, 0)
    return plan.clamps === undefined ? once : 2 * once
  } catch (error) {
    if (error instanceof Fault) throw error
    // A batch that no op mixes is all that can be followed.
    return null
  }
}
