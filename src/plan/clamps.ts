import { unitsOf } from '../cells/cells.ts'
import { Fault } from '../errors.ts'
import type { Graph } from '../model.ts'
import type { Intervention } from '../request/probe.ts'
import { places } from './internals.ts'
import type { PlannedClamp } from './plan.ts'

/**
 * Holds interventions against a model. A cell's layer is named as its tensors are: `lstm`, `bi/forward`, `rnn/cells/0`. Throws `unknown_name` for a layer,
 * gate or state that is not there, and `invalid_value` for a unit, or for another number of values than units.
 */
export function planClamps (graph: Graph, interventions: readonly Intervention[]): PlannedClamp[] {
  const cells = graph.nodes.flatMap(({ key, layer: path }, node) => places(graph.layers[path]).map(({ prefix, layer, states, gates }) => {
    const within = prefix === '' ? '' : `/${prefix.slice(0, -1)}`
    return { node, key, prefix, name: key + within, path: path + within, names: { gate: gates, state: states }, count: unitsOf(layer) }
  }))
  return interventions.flatMap(({ layer, kind, name, units, steps, value }, n) => {
    const place = `/intervene/${n}`
    const exact = cells.filter((cell) => cell.name === layer)
    // A layer's path stands for every call of it.
    const meant = exact.length > 0 ? exact : cells.filter(({ path }) => path === layer)
    if (meant.length === 0) {
      throw new Fault('unknown_name', `there is no recurrent layer ${JSON.stringify(layer)} with gates and states of its own; there are ${words(cells.map((cell) => cell.name))}`, `${place}/layer`)
    }
    return meant.map(({ node, key, prefix, names, count }) => {
      if (!names[kind].includes(name)) throw new Fault('unknown_name', `${JSON.stringify(layer)} has no ${kind} ${JSON.stringify(name)}; it has ${words(names[kind])}`, `${place}/${kind}`)
      const outside = units?.find((unit) => unit >= count)
      if (outside !== undefined) throw new Fault('invalid_value', `${JSON.stringify(layer)} has no unit ${outside}: its units are 0 to ${count - 1}`, `${place}/unit`)
      if (units === null && typeof value !== 'number' && value.length !== count) {
        throw new Fault('invalid_value', `${value.length} values are not one for each of the ${count} units of ${JSON.stringify(layer)}`, `${place}/value`)
      }
      return { node, key, name: `${prefix}${kind === 'gate' ? 'gates/' : ''}${name}`, units, steps, value, pointer: place }
    })
  })
}

const words = (names: readonly string[]): string => names.length === 0 ? 'none' : names.map((name) => JSON.stringify(name)).join(', ')
