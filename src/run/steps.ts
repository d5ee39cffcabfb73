import { Fault } from '../errors.ts'
import type { Values } from '../model.ts'
import type { StepChoice } from '../request/probe.ts'

/** The input steps chosen of `length`, in the order asked; null: all. Throws `invalid_value` for one that is not there, `pointer` being where the choice stands. */
export function chooseSteps (choice: Exclude<StepChoice, 'last'>, length: number, pointer = '/steps'): number[] | null {
  if (choice === 'all') return null
  if (Array.isArray(choice)) {
    return (choice as readonly number[]).map((step, n) => {
      const at = step < 0 ? step + length : step
      if (at < 0 || at >= length) throw new Fault('invalid_value', `step ${step} is not there: there are ${length} steps, 0 to ${length - 1} (or -${length} to -1 from the end)`, `${pointer}/${n}`)
      return at
    })
  }
  const { from = 0, to = length, every = 1 } = choice as { from?: number, to?: number, every?: number }
  const [start, end] = [from, to].map((step) => Math.min(length, Math.max(0, step < 0 ? step + length : step)))
  const steps = []
  for (let step = start; step < end; step += every) steps.push(step)
  if (steps.length === 0) throw new Fault('invalid_value', `steps from ${from} to ${to} choose none of the ${length} steps`, pointer)
  return steps
}

/** The chosen entries along one axis. */
export function takeSteps ({ shape, data }: Values, axis: number, steps: readonly number[] | null): Values {
  if (steps === null) return { shape, data }
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1)
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const chosen = new Float32Array(outer * steps.length * inner)
  let to = 0
  for (let o = 0; o < outer; o++) {
    for (const step of steps) {
      const from = (o * shape[axis] + step) * inner
      chosen.set(data.subarray(from, from + inner), to)
      to += inner
    }
  }
  return { shape: shape.with(axis, steps.length), data: chosen }
}
