import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { TensorKind } from '../request/probe.ts'
import { buildPlan, recurrentKeys } from './build.ts'
import type { Plan, PlannedLayer } from './plan.ts'

const kinds: readonly TensorKind[] = ['hidden', 'cell', 'gates', 'preactivations']

/**
 * The plan that gives one tensor `[batch, step, unit]` of one layer, and the layer's mask. Throws `unknown_name` for a layer or tensor that is not there, and
 * `invalid_value` for one of other axes. `layer` null: the only recurrent one.
 */
export function planSearched (file: ModelFile, layer: string | null, tensor: string): Plan {
  const keys = recurrentKeys(file)
  if (layer === null && keys.length !== 1) {
    throw new Fault('invalid_value', keys.length === 0 ? 'no layer of this model is recurrent' : `name one of the layers ${words(keys)}`, '/select/layer')
  }
  const key = layer ?? keys[0]
  if (!keys.includes(key)) throw new Fault('unknown_name', `there is no recurrent layer ${JSON.stringify(key)}; there are ${words(keys)}`, '/select/layer')
  const plan = buildPlan(file, { layers: [key], tensors: kinds, steps: 'all', outputs: false, raw: false }, {})
  const [planned] = plan.layers
  const found = planned.internals.filter(({ name, stepAxis }) => stepAxis !== null && (name === tensor || name === 'mask'))
  if (!found.some(({ name }) => name === tensor) || tensor === 'mask') throw new Fault('unknown_name', `layer ${JSON.stringify(key)} has no tensor ${JSON.stringify(tensor)}; it has ${words(tensorsOf(planned))}`, '/select/tensor')
  if (planned.axes?.join() !== 'batch,step,unit') throw new Fault('invalid_value', `layer ${JSON.stringify(key)} (${planned.type}) has [${String(planned.axes?.join(', '))}], and a search is over [batch, step, unit]`, '/select/layer')
  return { ...plan, layers: [{ ...planned, internals: found }] }
}

const words = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ')
const tensorsOf = ({ internals }: PlannedLayer): string[] => internals.filter(({ name, stepAxis }) => stepAxis !== null && !/(^|\/)mask$/.test(name)).map(({ name }) => name)
