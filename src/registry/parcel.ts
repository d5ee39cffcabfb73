import type { Graph, Layer, ModelFile, Weight } from '../model.ts'

/** A model on its way from one process to another: its weights go beside it, as bytes, one array after the other. */
export interface Parcel {
  /** Where a weight stood, how many numbers it has and its place among the arrays. */
  readonly file: ModelFile
  /** How many numbers each array has. */
  readonly lengths: readonly number[]
}

/** The number of the pipe of the arrays: after standard input, output, error and the channel of messages. */
export const arraysPipe = 4

/** Takes a model's weights out of it: what is left, and the arrays. An array that stands in several places is sent once. */
export function packed (file: ModelFile): { parcel: Parcel, arrays: readonly Float32Array[] } {
  const places = new Map<Float32Array, number>()
  const light = withWeights(file, ({ shape, data }) => {
    const place = places.get(data) ?? places.size
    places.set(data, place)
    return { shape, data: Float32Array.of(place) }
  })
  const arrays = [...places.keys()]
  return { parcel: { file: light, lengths: arrays.map(({ length }) => length) }, arrays }
}

/** Puts them back. */
export function unpacked ({ file }: Parcel, arrays: readonly Float32Array[]): ModelFile {
  return withWeights(file, ({ shape, data }) => ({ shape, data: arrays[data[0]] }))
}

type Change = (weight: Weight) => Weight

const withWeights = (file: ModelFile, change: Change): ModelFile => ({ ...file, graph: graphWith(file.graph, change) })

const graphWith = (graph: Graph, change: Change): Graph => ({ ...graph, layers: mapped(graph.layers, (layer) => layerWith(layer, change)) })

function layerWith (layer: Layer, change: Change): Layer {
  const { graph } = layer
  return {
    ...layer,
    weights: mapped(layer.weights, change),
    children: mapped(layer.children, (child) => layerWith(child, change)),
    ...graph === undefined ? {} : { graph: graphWith(graph, change) }
  }
}

const mapped = <T> (record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
