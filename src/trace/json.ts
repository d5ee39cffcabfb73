import { Fault } from '../errors.ts'
import type { Values } from '../model.ts'
import type { Plan } from '../plan/plan.ts'
import { JsonWriter, jsonSize } from './json-writer.ts'
import { stepsOf, type Trace } from './trace.ts'

/** Arrays under the parts of their names: `gates/forget` is `forget` in `gates`. A `Map` keeps the order, also of names such as `0`. */
type Tree = Map<string, Tree | Values>

/**
 * The answer to /hidden-states as JSON, and to /predict when the plan names outputs alone. `head` opens it as it is, the receipt ends it. Members of a layer
 * are its `type`, `units`, `axes`, then its arrays nested by the parts of their names; an array of such a name stands in its place.
 * Numbers are the shortest decimals that give back the same float32; those that are not finite are null, and counted in `nonFinite`.
 */
export function encodeJson (head: Readonly<Record<string, unknown>>, trace: Trace, plan: Plan): Uint8Array {
  const { intervened } = trace
  const runs = [trace, ...(intervened === undefined ? [] : [intervened])]
  const arrays = runs.flatMap(({ layers, outputs }) => [...layers.flatMap(({ tensors }) => Object.values(tensors)), ...outputs.map(({ values }) => values)])
  const json = new JsonWriter(4096 + arrays.reduce((bytes, values) => bytes + jsonSize(values), 0))
  json.open('{')
  for (const [name, value] of Object.entries(head)) json.member(name, value)
  const prediction = plan.layers.length === 0 && plan.outputs.length > 0
  if (!prediction) {
    json.member('batch', trace.batch)
    json.member('steps', stepsOf(trace, plan))
    writeLayers(json, 'layers', plan, trace.layers)
  }
  if (plan.outputs.length > 0) writeOutputs(json, 'outputs', trace.outputs)
  if (intervened !== undefined) {
    writeOutputs(json, 'intervened', intervened.outputs)
    writeLayers(json, 'intervenedLayers', plan, intervened.layers)
  }
  json.member('receipt', trace.receipt)
  if (json.nonFinite > 0) json.member('nonFinite', json.nonFinite)
  json.close('}')
  return json.finish()
}

function writeLayers (json: JsonWriter, key: string, plan: Plan, layers: Trace['layers']): void {
  json.key(key)
  json.open('{')
  for (const [n, { type, units, axes }] of plan.layers.entries()) {
    const { key, tensors, stepIndices } = layers[n]
    const tree = treeOf(key, tensors)
    json.key(key)
    json.open('{')
    for (const [name, value] of Object.entries({ type, units, axes, stepIndices })) {
      if (value !== null && value !== undefined && !tree.has(name)) json.member(name, value)
    }
    writeTree(json, tree)
    json.close('}')
  }
  json.close('}')
}

function writeOutputs (json: JsonWriter, key: string, outputs: Trace['outputs']): void {
  json.key(key)
  json.open('{')
  for (const { name, values } of outputs) {
    json.key(name)
    json.values(values)
  }
  json.close('}')
}

function treeOf (layer: string, tensors: Readonly<Record<string, Values>>): Tree {
  const root: Tree = new Map()
  for (const [name, values] of Object.entries(tensors)) {
    const parts = name.split('/')
    let place = root
    for (const part of parts.slice(0, -1)) {
      const next = place.get(part) ?? new Map()
      if (!(next instanceof Map)) throw shared(layer, name)
      place.set(part, next)
      place = next
    }
    const last = parts[parts.length - 1]
    if (place.has(last)) throw shared(layer, name)
    place.set(last, values)
  }
  return root
}

/** Only a layer inside a wrapper that is itself called like a tensor ('output') can do this. */
const shared = (layer: string, name: string): Fault =>
  new Fault('invalid_value', `'${layer}/${name}' names an array and the place of others: ask for them with different 'tensors'`, '/tensors')

function writeTree (json: JsonWriter, tree: Tree): void {
  for (const [name, branch] of tree) {
    json.key(name)
    if (branch instanceof Map) {
      json.open('{')
      writeTree(json, branch)
      json.close('}')
    } else {
      json.values(branch)
    }
  }
}
