import type { ModelAnswer } from '../../api/wire.ts'

/** A gate or a state that can be kept at a value, by the name of its tensor: `lstm/gates/forget`, `bi/forward/cell`. */
export interface Holdable {
  readonly tensor: string
  readonly layer: string
  /** The recurrent layer that it is in, as the model lists it. */
  readonly key: string
  readonly kind: 'gate' | 'state'
  readonly name: string
  readonly units: number
  /** Of what it is on its own; other values may be given too. */
  readonly range: readonly [from: number, to: number]
}

/** Gates that a sigmoid gives, as a rule; what is written and what is remembered goes below 0 too. */
const open: ReadonlySet<string> = new Set(['input', 'forget', 'output', 'update', 'reset'])

/** All gates and states of a model that have a value at each step. */
export function holdables ({ recurrentLayers }: ModelAnswer): Holdable[] {
  return recurrentLayers.flatMap(({ key, units, tensors }) => tensors.flatMap((tensor): Holdable[] => {
    const parts = tensor.split('/')
    const name = parts.pop()!
    const above = parts.at(-1)
    if (above === 'final') return []
    const gate = above === 'gates'
    if (gate) parts.pop()
    return [{ tensor, layer: parts.join('/'), key, kind: gate ? 'gate' : 'state', name, units, range: gate && open.has(name) ? [0, 1] : [-1, 1] }]
  }))
}

/** One entry of `intervene`. */
export function interventionOf ({ layer, kind, name }: Holdable, unit: number | null, step: number | null, value: number) {
  return { layer, [kind]: name, ...unit === null ? {} : { unit }, ...step === null ? {} : { steps: [step] }, value }
}

/** The last vector of an output of one sequence, `[unit]`: of one with steps that of its last step. */
export function lastVector (sequence: unknown): (number | null)[] {
  let at = sequence
  while (Array.isArray(at) && Array.isArray(at[0])) at = at.at(-1)
  return (Array.isArray(at) ? at : [at]).map((value) => typeof value === 'number' ? value : null)
}
