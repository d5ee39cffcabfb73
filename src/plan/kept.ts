import { LRUCache } from 'lru-cache'
import type { ModelFile } from '../model.ts'
import type { Meta } from '../registry/meta.ts'
import type { Probe } from '../request/probe.ts'
import { buildPlan } from './build.ts'
import { planByName } from './by-name.ts'
import type { Plan } from './plan.ts'
import { planSearched } from './searched.ts'

/** Plans kept of one model; the one used longest ago makes room. */
const most = 64
/** A probe can be as long as its request: the words of a longer one are not kept. */
const longest = 4096

const kept = new WeakMap<ModelFile, LRUCache<string, Plan>>()

/** `buildPlan`, once for each probe: the same probe gets the very same plan again. */
export function planFor (file: ModelFile, probe: Probe, meta: Meta): Plan {
  return keep(file, JSON.stringify([probe, probe.raw ? meta.scaler : null]), () => buildPlan(file, probe, meta))
}

/** `planByName`, once for each list of names. */
export function planForNames (file: ModelFile, names: readonly string[], where: (n: number) => string): Plan {
  return keep(file, JSON.stringify(names), () => planByName(file, names, where))
}

/** `planSearched`, once for each tensor. */
export function planForSearch (file: ModelFile, layer: string | null, tensor: string): Plan {
  return keep(file, JSON.stringify({ layer, tensor }), () => planSearched(file, layer, tensor))
}

function keep (file: ModelFile, key: string, build: () => Plan): Plan {
  if (key.length > longest) return build()
  const plans = kept.get(file) ?? new LRUCache<string, Plan>({ max: most })
  kept.set(file, plans)
  const known = plans.get(key)
  if (known !== undefined) return known
  const plan = build()
  plans.set(key, plan)
  return plan
}
