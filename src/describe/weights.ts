import { cellOf, unitsOf } from '../cells/cells.ts'
import { Fault } from '../errors.ts'
import type { Layer, Weight } from '../model.ts'
import type { Served } from '../registry/entry.ts'
import { packers } from '../trace/encode.ts'
import { JsonWriter, jsonSize } from '../trace/json-writer.ts'
import type { NamedArray } from '../trace/named.ts'
import { equationsOf } from './equations.ts'
import { axesOf, gateWeights } from './gates.ts'
import { keras1Weights } from './keras1.ts'
import { arrayStats, cellStats } from './stats.ts'

export interface WeightsChoice {
  /** A layer's path; every layer that has weights where it is left out. */
  readonly layer?: string
  /** false: names, shapes and axes alone. */
  readonly values: boolean
  readonly layout: 'gates' | 'keras' | 'keras1'
  /** What can be said of the arrays in a few numbers, layer by layer; with the layout `gates` alone. */
  readonly stats?: boolean
}

/** What weights can be had as. */
export type WeightsFormat = 'json' | keyof typeof packers

type Head = Pick<Served, 'id' | 'version' | 'digest' | 'file'>

/**
 * The answer to /models/:id/weights, in JSON numbers as the shortest decimals of their float32. Layout `gates`: by layer, recurrent ones gate by
 * gate; `keras`: the list that the whole model's `get_weights()` gives; `keras1`: the same list with the arrays that Keras 1 had. Other formats have the arrays by the layer and their names in it
 * (`lstm/W_i`, `bi/forward/U_c`, `lstm/kernel`), and as metadata what the JSON says without `data`. Throws `unknown_name` for a layer that is not there, `invalid_value` for
 * stats of a list.
 */
export function describeWeights (head: Head, choice: WeightsChoice, format: WeightsFormat = 'json'): Uint8Array {
  if (format === 'json') return writeAnswer(head, choice, () => {})
  const arrays: NamedArray[] = []
  const words = writeAnswer(head, { ...choice, values: false }, (name, { shape, data }) => { arrays.push({ name, shape, data }) })
  return packers[format](JSON.parse(Buffer.from(words).toString()), choice.values ? arrays : [])
}

/** Given every weight that is written, under its layer's path and its name in the layer. */
type Take = (name: string, weight: Weight) => void

function writeAnswer ({ id, version, digest, file }: Head, { layer, values, layout, stats = false }: WeightsChoice, take: Take): Uint8Array {
  const { layers } = file.graph
  if (stats && layout !== 'gates') throw new Fault('invalid_value', `"stats" are given gate by gate: leave "layout" out, or say layout=gates in place of layout=${layout}`)
  if (layer !== undefined && !Object.hasOwn(layers, layer)) {
    throw new Fault('unknown_name', `there is no layer ${JSON.stringify(layer)} in this model; its layers are ${file.layerOrder.map((path) => JSON.stringify(path)).join(', ')}`)
  }
  const all = file.layerOrder.flatMap((path) => listOf(layers[path], file.keras, layout).map((weight) => ({ layer: path, ...weight })))
  const chosen = all.map((weight, index) => ({ index, ...weight })).filter((weight) => layer === undefined || weight.layer === layer)
  const json = new JsonWriter(4096 + (values ? chosen.reduce((bytes, { weight }) => bytes + jsonSize(weight), 0) : 0))
  json.open('{')
  for (const [name, value] of Object.entries({ model: id, version, digest })) json.member(name, value)
  if (layout !== 'gates') {
    json.key('weights')
    json.open('[')
    for (const { index, layer: path, name, weight } of chosen) {
      json.open('{')
      json.member('index', index)
      json.member('layer', path)
      json.member('name', name)
      writeWeight(json, weight, null, values)
      take(`${path}/${name}`, weight)
      json.close('}')
    }
    json.close(']')
  } else {
    const paths = layer === undefined ? file.layerOrder.filter((path) => weightsIn(layers[path]).length > 0) : [layer]
    json.key('layers')
    json.open('{')
    for (const path of paths) {
      json.key(path)
      writeLayer(json, layers[path], { keras: file.keras, values, stats, path, take })
    }
    json.close('}')
  }
  if (json.nonFinite > 0) json.member('nonFinite', json.nonFinite)
  json.close('}')
  return json.finish()
}

/** The part of the model's `get_weights()` that a layer gives, names of layers inside it by their place: `forward/kernel`. */
function listOf (layer: Layer, keras: 1 | 2 | 3, layout: WeightsChoice['layout']): { name: string, weight: Weight }[] {
  const all = weightsIn(layer, '', layout === 'keras1' ? keras1Weights : undefined)
  // Before Keras 3 a wrapper lists what is trained first; models and plain layers do not.
  if (keras === 3 || layer.config.trainable === false || insideOf(layer).length === 0) return all
  return [...all.filter(({ trained }) => trained), ...all.filter(({ trained }) => !trained)]
}

function weightsIn (layer: Layer, prefix = '', ownOf: (layer: Layer) => [string, Weight][] = ({ weights }) => Object.entries(weights)): { name: string, weight: Weight, trained: boolean }[] {
  return [
    ...ownOf(layer).map(([name, weight]) => ({ name: prefix + name, weight, trained: layer.config.trainable !== false && !/^moving_/.test(name) })),
    ...insideOf(layer).flatMap(([place, inner]) => weightsIn(inner, place === '' ? prefix : `${prefix}${place}/`, ownOf))
  ]
}

/** Layers in a layer by their place in its JSON: `forward`, `cells/0`, a wrapped layer's own name; '' for the cell of an RNN, which stands for it. */
function insideOf (layer: Layer): [string, Layer][] {
  const { children, className, graph, path } = layer
  const own = Object.entries(children).map(([role, child]): [string, Layer] => {
    if (className === 'RNN') return ['', child]
    if (className === 'StackedRNNCells') return [`cells/${role}`, child]
    return [className === 'TimeDistributed' ? child.path.slice(path.length + 1) : role, child]
  })
  const graphed = Object.entries(graph?.layers ?? {}).map(([key, inner]): [string, Layer] => [key.slice(path.length + 1), inner])
  return [...own, ...graphed]
}

interface Manner {
  readonly keras: 1 | 2 | 3
  readonly values: boolean
  readonly stats: boolean
  /** Where the layer is: the names of its weights start with it. */
  readonly path: string
  readonly take: Take
  /** The cells of an RNN are run from its last step to its first; a layer that is its own cell says so itself. */
  readonly backwards?: boolean
}

function writeLayer (json: JsonWriter, layer: Layer, manner: Manner): void {
  json.open('{')
  json.member('type', layer.className)
  writeInside(json, layer, manner)
  json.close('}')
}

function writeInside (json: JsonWriter, layer: Layer, manner: Manner): void {
  const cell = cellOf(layer)
  if (layer.className === 'RNN') {
    json.member('cell', layer.children.cell.className)
    writeInside(json, layer.children.cell, { ...manner, backwards: layer.config.go_backwards === true })
  } else if (layer.className === 'StackedRNNCells') {
    json.key('cells')
    json.open('{')
    for (const [n, inner] of Object.entries(layer.children)) {
      json.key(n)
      writeLayer(json, inner, { ...manner, path: `${manner.path}/cells/${n}` })
    }
    json.close('}')
  } else if (cell !== undefined) {
    json.member('units', unitsOf(layer))
    json.member('gateOrder', cell.gates)
    json.member('equations', equationsOf(layer, manner.keras, manner.backwards))
    const named = gateWeights(layer, cell)
    writeWeights(json, named, manner)
    if (manner.stats) json.member('stats', { ...arrayStats(named), ...cellStats(layer, cell, manner.keras) })
  } else {
    const inside = insideOf(layer).filter(([, inner]) => weightsIn(inner).length > 0)
    if (inside.length === 0 || Object.keys(layer.weights).length > 0) {
      const named = Object.entries(layer.weights).map(([name, weight]) => ({ name, weight, axes: axesOf(layer, name, weight.shape.length) }))
      writeWeights(json, named, manner)
      if (manner.stats) json.member('stats', arrayStats(named))
    }
    for (const [place, inner] of inside) {
      json.key(place)
      writeLayer(json, inner, { ...manner, path: `${manner.path}/${place}` })
    }
  }
}

function writeWeights (json: JsonWriter, weights: readonly { name: string, weight: Weight, axes: readonly string[] | null }[], { values, path, take }: Manner): void {
  json.key('weights')
  json.open('{')
  for (const { name, weight, axes } of weights) {
    json.key(name)
    json.open('{')
    writeWeight(json, weight, axes, values)
    take(`${path}/${name}`, weight)
    json.close('}')
  }
  json.close('}')
}

function writeWeight (json: JsonWriter, weight: Weight, axes: readonly string[] | null, values: boolean): void {
  json.member('shape', weight.shape)
  if (axes !== null) json.member('axes', axes)
  if (!values) return
  json.key('data')
  json.values(weight)
}
