import type { Layer } from '../../model.ts'
import type { Builder, Value } from './builder.ts'

/** The weights of layers as constants of a graph: each stands in it once, as soon as it is asked for. */
export function constants (b: Builder): (layer: Layer) => Readonly<Record<string, Value>> {
  const known = new Map<Layer, Record<string, Value>>()
  return (layer) => {
    const own = known.get(layer) ?? Object.fromEntries(Object.entries(layer.weights).map(([name, { data, shape }]) => [name, b.constant(data, shape)]))
    known.set(layer, own)
    return own
  }
}
