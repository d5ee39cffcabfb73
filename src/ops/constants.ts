import type { Layer } from '../model.ts'

/** Where constants go: an op set, or a graph that is being written. */
interface Constants<T> { constant: (data: Float32Array, shape: readonly number[]) => T }

/** The weights of layers as constants of a graph or a program: each stands in it once, as soon as it is asked for. */
export function constants<T> (into: Constants<T>): (layer: Layer) => Readonly<Record<string, T>> {
  const known = new Map<Layer, Record<string, T>>()
  return (layer) => {
    const own = known.get(layer) ?? Object.fromEntries(Object.entries(layer.weights).map(([name, { data, shape }]) => [name, into.constant(data, shape)]))
    known.set(layer, own)
    return own
  }
}
