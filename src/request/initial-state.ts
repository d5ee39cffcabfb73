import { cellsIn, unitsOf } from '../cells/cells.ts'
import { Fault } from '../errors.ts'
import type { Graph, Layer, Values } from '../model.ts'
import { statesByLayer, StoredArray } from './arrays.ts'
import { readNested } from './nested.ts'
import type { Expected } from './shape.ts'
import { isTyped, readTyped } from './typed.ts'
import { at, invalid, isObject, list } from './words.ts'

/** A state that a request may bring for a layer. */
interface State {
  /** Its name within the layer: `hidden`, `forward/cell`, `cells/0/hidden`. */
  readonly name: string
  /** Without the batch axis: `[unit]`, or `[row, column, unit]` of a ConvLSTM. */
  readonly shape: Expected
}

/** The states of a recurrent layer, empty for all others. */
function statesOf (layer: Layer): State[] {
  if (layer.className === 'Bidirectional') {
    return ['forward', 'backward'].flatMap((side) => statesOf(layer.children[side]).map(({ name, shape }) => ({ name: `${side}/${name}`, shape })))
  }
  return cellsIn(layer).flatMap(({ at: place, layer: inner, cell }) => cell.states.map((state) => ({
    name: place === '' ? state : `${place}/${state}`, shape: stateShape(inner)
  })))
}

function stateShape (layer: Layer): Expected {
  const rank = layer.className === 'ConvLSTM2D' ? 2 : layer.className === 'ConvLSTM1D' ? 1 : 0
  const open = Array<null>(rank).fill(null)
  return layer.config.data_format === 'channels_first' ? [unitsOf(layer), ...open] : [...open, unitsOf(layer)]
}

/**
 * `initialState`, `{layer: final}` as a response gave it: a layer's `final`, or the layer's whole object, whose `final` is meant then.
 * Every state of a named layer must be there. By node key, then by state, `[batch, unit]`.
 */
export function readInitialState (value: unknown, graph: Graph, size: number, pointer: string): Record<string, Record<string, Values>> {
  if (value === undefined) return {}
  if (!isObject(value)) throw invalid('an object by layer', value, pointer)
  const recurrent = new Map(graph.nodes.map(({ key, layer }) => [key, statesOf(graph.layers[layer])] as const).filter(([, states]) => states.length > 0))
  return Object.fromEntries(Object.entries(statesByLayer(value, graph.nodes.map(({ key }) => key))).map(([key, given]) => {
    const states = recurrent.get(key)
    if (states === undefined && graph.nodes.some((node) => node.key === key && graph.layers[node.layer].className === 'TimeDistributed')) {
      throw new Fault('invalid_value', `the layer inside '${key}' starts anew at each outer step, so it takes no initial state: leave it out`, at(pointer, key))
    }
    if (states === undefined) throw new Fault('unknown_name', `there is no recurrent layer '${key}'; there are: ${list([...recurrent.keys()])}`, at(pointer, key))
    return [key, readStates(given, '', states, size, at(pointer, key))]
  }))
}

/** Members of a layer in a response that are not states; they may come along. */
const companions = ['type', 'units', 'axes', 'gates', 'mask', 'output', 'stepIndices']

/** The states below one place of the answer's object; `path` is that place within the layer. */
function readStates (value: unknown, path: string, states: readonly State[], size: number, pointer: string): Record<string, Values> {
  const parts = [...new Set(states.map(({ name }) => name.slice(path.length).split('/')[0]))]
  if (!isObject(value)) throw invalid(`an object with ${list(parts)}`, value, pointer)
  if (Object.hasOwn(value, 'final')) return readStates(value.final, path, states, size, at(pointer, 'final'))
  const unknown = Object.keys(value).find((name) => !parts.includes(name) && !companions.includes(name))
  if (unknown !== undefined) throw new Fault('unknown_name', `there is no state '${unknown}' here; there are: ${list(parts)}`, at(pointer, unknown))
  return Object.assign({}, ...parts.map((part) => {
    const place = at(pointer, part)
    const name = path + part
    if (!Object.hasOwn(value, part)) throw new Fault('invalid_value', `the state '${name}' is missing; expected ${list(parts)}`, pointer)
    const state = states.find((candidate) => candidate.name === name)
    if (state === undefined) return readStates(value[part], `${name}/`, states.filter((candidate) => candidate.name.startsWith(`${name}/`)), size, place)
    return { [name]: readState(value[part], [size, ...state.shape], place) }
  })) as Record<string, Values>
}

function readState (value: unknown, expected: Expected, pointer: string): Values {
  const rules = { expected, double: false }
  const { shape, data } = value instanceof StoredArray ? value.numbers(rules, pointer) : isObject(value) && isTyped(value) ? readTyped(value, rules, pointer) : readNested(value, rules, pointer)
  return { shape, data: data as Float32Array }
}
