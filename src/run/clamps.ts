import type { Clamp } from '../cells/held.ts'
import type { Clamps } from '../layers/layer.ts'
import type { PlannedClamp } from '../plan/plan.ts'
import { chooseSteps } from './steps.ts'

/** The clamps of a plan as the layers take them, by node key. Which steps there are shows in the run. */
export function clampsByNode (planned: readonly PlannedClamp[]): ReadonlyMap<string, Clamps> {
  const nodes = new Map<string, Record<string, Clamp[]>>()
  for (const { key, name, units, steps, value, pointer } of planned) {
    const own = nodes.get(key) ?? {}
    nodes.set(key, own)
    ;(own[name] ??= []).push({ units, steps: (length) => chooseSteps(steps, length, `${pointer}/steps`), value })
  }
  return nodes
}
