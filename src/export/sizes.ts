import type { Given } from '../layers/run-plan.ts'
import type { ModelFile } from '../model.ts'
import type { Sequences } from '../plan/batch-axis.ts'
import { follow } from '../plan/independent.ts'
import type { Plan } from '../plan/plan.ts'

/** Sizes of a tensor: a number, the word of a free axis (`batch`, `step`), or -1 for a free one that is none of the inputs'. */
export type Sizes = readonly (number | string)[]

export interface PlanSizes {
  /** In the order of the model's inputs. */
  readonly inputs: readonly Sizes[]
  /** As runPlan gives them; null where nothing can be said. */
  readonly layers: readonly ReadonlyMap<string, Sizes>[] | null
  readonly outputs: readonly Sizes[] | null
}

/** Sizes that stand for any, in two runs: a size of a result that follows one of them in both is that axis, one that stays is fixed. */
const batches = [10_007, 9_973]
const trial = (n: number): readonly number[] => [997 + 30 * n, 1008 + 22 * n]

/**
 * The words of a plan's axes. The free second axes of inputs are steps: `step`, and `step_2`, `step_3` for further inputs where those may be of other
 * lengths; free axes behind them are `axis_2`, ... Where an op may mix the sequences of a batch, nothing is said of the results.
 */
export function sizesOf (file: ModelFile, plan: Plan): PlanSizes {
  const apart = inputsOf(file, (n) => n === 0 ? '' : `_${n + 1}`)
  for (const inputs of [apart, inputsOf(file, () => '')]) {
    const words = [...new Set(inputs.flat())].filter((size) => typeof size === 'string' && size !== 'batch')
    const run = (n: number): Given<Sequences> => {
      const sizes = new Map<number | string, number>([['batch', batches[n]], ...words.map((word, at) => [word, trial(at)[n]] as const)])
      return follow(file, plan, inputs.map((shape) => shape.map((size) => sizes.get(size) ?? size as number)), {})
    }
    const named = (a: Sequences, b: Sequences): Sizes => a.shape.map((size, axis) => {
      if (axis === a.batch && size === batches[0]) return 'batch'
      if (size === b.shape[axis]) return size
      return words.find((_, at) => trial(at)[0] === size && trial(at)[1] === b.shape[axis]) ?? -1
    })
    try {
      const [one, other] = [run(0), run(1)]
      return {
        inputs,
        layers: one.layers.map((tensors, n) => new Map([...tensors].map(([name, own]) => [name, named(own, other.layers[n].get(name)!)]))),
        outputs: one.outputs.map((own, n) => named(own, other.outputs[n]))
      }
    } catch {
      // Inputs that have to be of one length do not run with two.
    }
  }
  return { inputs: apart, layers: null, outputs: null }
}

/** The sizes of the model's inputs; `suffix` tells apart the free axes of those that have any. */
function inputsOf ({ graph }: ModelFile, suffix: (nth: number) => string): Sizes[] {
  const open = graph.inputs.filter(({ shape }) => shape.slice(1).includes(null))
  return graph.inputs.map((input) => input.shape.map((size, axis) => axis === 0 ? 'batch' : size ?? `${axis === 1 ? 'step' : `axis_${axis}`}${suffix(open.indexOf(input))}`))
}
