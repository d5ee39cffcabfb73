import { Fault } from '../errors.ts'
import { refused } from './classes.ts'
import { isDict, unwrap, type Dict } from './json.ts'
import type { ArgumentSpec, CallSpec, LayerSpec, ModelSpec, TensorSpec } from './spec.ts'

/** A tensor as files write it: output `index` of node `node` of a layer, nodes counted as that Keras counts them. */
interface Written { readonly layer: string, readonly node: number, readonly index: number }

/** An argument before its tensors are looked up. */
type Raw = { readonly tensor: Written } | { readonly list: readonly Raw[] } | { readonly value: unknown }

interface RawCall { readonly args: readonly Raw[], readonly kwargs: Readonly<Record<string, Raw>> }

/** The calls of a functional model. Throws `bad_file` where a call reads what is not there. */
export function readCalls (layers: readonly LayerSpec[], entries: readonly Dict[], config: Dict, keras: 1 | 2 | 3, what: string): ModelSpec {
  const raw = entries.map((entry, n) => rawCalls(entry, layers[n], what))
  const places = new Map(layers.map(({ name }, n) => [name, n]))
  const outputs = leaves(config.output_layers, `the outputs of ${what}`)
  const inputs = leaves(config.input_layers, `the inputs of ${what}`).map(({ layer: name }) => {
    const n = places.get(name)
    if (n === undefined || layers[n].className !== 'InputLayer') throw new Fault('bad_file', `input "${name}" of ${what} is not an InputLayer of it`)
    return n
  })
  if (inputs.length === 0 || outputs.length === 0) throw new Fault('bad_file', `${what} has no inputs or no outputs`)
  const stray = layers.findIndex(({ className }, n) => className === 'InputLayer' && !inputs.includes(n))
  if (stray >= 0) throw new Fault('bad_file', `InputLayer "${layers[stray].name}" is not among the inputs of ${what}`)

  const read = raw.flatMap((calls) => calls.flatMap(({ args, kwargs }) => [...args, ...Object.values(kwargs)].flatMap(tensorsIn)))
  const [reads, ends] = [nodesByLayer(read), nodesByLayer(outputs)]
  const bases = layers.map((layer, n) => layer.model === null ? [0, 0] as const : basesOf(layer, raw[n].length, reads.get(layer.name) ?? [], ends.get(layer.name) ?? [], keras, what))
  const resolve = ({ layer: name, node, index }: Written, ofOutput: boolean): TensorSpec => {
    const layer = places.get(name)
    if (layer === undefined) throw new Fault('bad_file', `${what} reads an output of layer "${name}", which it does not have`)
    const call = layers[layer].className === 'InputLayer' ? node : node - bases[layer][ofOutput ? 1 : 0]
    const count = layers[layer].className === 'InputLayer' ? 1 : raw[layer].length
    if (call < 0 || call >= count) throw new Fault('bad_file', `${what} reads call ${node} of layer "${name}", which is called ${count} times`)
    return { layer, call, index }
  }
  const settle = (argument: Raw): ArgumentSpec => {
    if ('tensor' in argument) return { tensor: resolve(argument.tensor, false) }
    return 'list' in argument ? { list: argument.list.map(settle) } : argument
  }
  const calls = raw.map((list, n): readonly CallSpec[] => layers[n].className === 'InputLayer'
    ? [{ args: [], kwargs: {} }]
    : list.map(({ args, kwargs }) => ({ args: args.map(settle), kwargs: Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [key, settle(value)])) })))
  return { layers, calls, inputs, outputs: outputs.map((written) => resolve(written, true)) }
}

/** The numbers of the calls that are read, by layer. */
function nodesByLayer (list: readonly Written[]): Map<string, number[]> {
  const nodes = new Map<string, number[]>()
  for (const { layer, node } of list) {
    const own = nodes.get(layer)
    if (own === undefined) nodes.set(layer, [node])
    else own.push(node)
  }
  return nodes
}

/**
 * From what number the calls of a nested model are counted, by its readers (`inner`) and by the model's outputs (`outer`). Keras 1 and 2 count a node that the
 * nested model has of its own, unless it is a Sequential that was never built; Keras 3 counts it in the outputs alone. Every call is read
 * by something, so that a wrong base shows.
 */
function basesOf (layer: LayerSpec, count: number, inner: readonly number[], outer: readonly number[], keras: 1 | 2 | 3, what: string): readonly [number, number] {
  const fits = ([a, b]: readonly [number, number]): boolean => {
    const calls = new Set([...inner.map((node) => node - a), ...outer.map((node) => node - b)])
    return calls.size === count && [...calls].every((call) => call >= 0 && call < count)
  }
  const usual: readonly (readonly [number, number])[] = keras === 3 ? [[0, layer.className === 'Functional' ? 1 : 0], [0, 0], [1, 1]] : [[1, 1], [0, 0]]
  const found = usual.find(fits)
  if (found === undefined) throw new Fault('bad_file', `the calls of the nested model "${layer.name}" in ${what} are not those that are read`)
  return found
}

function rawCalls (entry: Dict, layer: LayerSpec, what: string): RawCall[] {
  const nodes = entry.inbound_nodes ?? []
  if (!Array.isArray(nodes)) throw new Fault('bad_file', `layer "${layer.name}" of ${what} has no list of inbound_nodes`)
  if (layer.className === 'InputLayer') return []
  return nodes.map((node) => {
    const call = isDict(node) && 'args' in node && 'kwargs' in node ? callOfKeras3(node) : callOfKeras2(node)
    if (call.args.flatMap(tensorsIn).length === 0) throw new Fault('bad_file', `a call of layer "${layer.name}" of ${what} reads nothing`)
    return checked(call, layer)
  })
}

/** Without the arguments that are None, and those that only say that this is no training. */
function checked ({ args, kwargs }: RawCall, layer: LayerSpec): RawCall {
  const { training, ...rest } = kwargs
  if (training !== undefined && 'value' in training && training.value === true) {
    throw refused(layer.name, layer.className, 'it is called with training=True, so that its result changes from call to call: call it without and save the model again')
  }
  return { args, kwargs: Object.fromEntries(Object.entries(rest).filter(([, argument]) => !('value' in argument) || argument.value !== null)) }
}

// Keras 3: { args, kwargs } with tensors as { class_name: '__keras_tensor__', config: { keras_history: [layer, node, index] } }

function callOfKeras3 (node: Dict): RawCall {
  const args = Array.isArray(node.args) ? node.args.map(argumentOfKeras3) : []
  const kwargs = isDict(node.kwargs) ? Object.entries(node.kwargs).map(([key, value]) => [key, argumentOfKeras3(value)]) : []
  return { args, kwargs: Object.fromEntries(kwargs) }
}

function argumentOfKeras3 (value: unknown): Raw {
  if (isDict(value) && value.class_name === '__keras_tensor__') {
    const history = isDict(value.config) ? value.config.keras_history : null
    if (!isWritten(history)) throw new Fault('bad_file', `a tensor does not say where it comes from: ${JSON.stringify(value).slice(0, 200)}`)
    return written(history)
  }
  if (isDict(value) && value.class_name === '__tuple__' && Array.isArray(value.items)) return argumentOfKeras3(value.items)
  if (Array.isArray(value) && holdsTensor(value)) return { list: value.map(argumentOfKeras3) }
  if (isDict(value) && holdsTensor(value)) return { list: sortedValues(value).map(argumentOfKeras3) }
  return { value: unwrap(value) }
}

const holdsTensor = (value: unknown): boolean => Array.isArray(value)
  ? value.some(holdsTensor)
  : isDict(value) && (value.class_name === '__keras_tensor__' || Object.values(value).some(holdsTensor))

// Keras 1 and 2: [layer, node, index] or [layer, node, index, kwargs], in a list, in lists of lists, in a dict, or alone

function callOfKeras2 (node: unknown): RawCall {
  const found: Raw[] = []
  let kwargs: unknown = {}
  const visit = (value: unknown): Raw => {
    if (isLeaf(value)) {
      if (value.length === 4) kwargs = value[3]
      const argument = value[0] === '_CONSTANT_VALUE' ? { value: unwrap(value[2]) } : writtenOrThrow(value)
      return argument
    }
    if (Array.isArray(value)) return { list: value.map(visit) }
    if (isDict(value)) return { list: sortedValues(value).map(visit) }
    throw new Fault('bad_file', `a call reads ${JSON.stringify(value)?.slice(0, 200)}, which is no tensor`)
  }
  const first = visit(node)
  // Keras takes a list of one tensor for the tensor.
  found.push('list' in first && first.list.length === 1 ? first.list[0] : first)
  const named = isDict(kwargs) ? Object.entries(kwargs).map(([key, value]) => [key, keywordOfKeras2(value)]) : []
  return { args: found, kwargs: Object.fromEntries(named) }
}

function keywordOfKeras2 (value: unknown): Raw {
  if (isWritten(value)) return value[0] === '_CONSTANT_VALUE' ? { value: unwrap(value[2]) } : written(value)
  if (Array.isArray(value) && value.length === 3 && value[0] === '_CONSTANT_VALUE') return { value: unwrap(value[2]) }
  const inner = Array.isArray(value) ? value : isDict(value) ? sortedValues(value) : []
  const list = inner.map(keywordOfKeras2)
  return list.flatMap(tensorsIn).length > 0 ? { list } : { value: unwrap(value) }
}

/** A node's entry, not a list of them: a name comes first. */
const isLeaf = (value: unknown): value is unknown[] => Array.isArray(value) && (value.length === 3 || value.length === 4) && typeof value[0] === 'string'

const isWritten = (value: unknown): value is [string, number, number] =>
  Array.isArray(value) && value.length === 3 && typeof value[0] === 'string' && Number.isSafeInteger(value[1]) && Number.isSafeInteger(value[2])

function written ([layer, node, index]: readonly [string, number, number]): { tensor: Written } {
  if (index < 0) throw new Fault('bad_file', `output ${index} of layer "${layer}" is read: there is none`)
  return { tensor: { layer, node, index } }
}

function writtenOrThrow (leaf: readonly unknown[]): { tensor: Written } {
  const first = leaf.slice(0, 3)
  if (!isWritten(first)) throw new Fault('bad_file', `a call reads ${JSON.stringify(leaf).slice(0, 200)}, which is no tensor`)
  return written(first)
}

const tensorsIn = (argument: Raw): Written[] => 'tensor' in argument ? [argument.tensor] : 'list' in argument ? argument.list.flatMap(tensorsIn) : []

/** Inputs and outputs of a model: one leaf, or leaves in lists and dicts. Keras takes the values of a dict in the order of its sorted keys. */
function leaves (value: unknown, what: string): Written[] {
  if (isWritten(value)) return [written(value).tensor]
  if (Array.isArray(value)) return value.flatMap((one) => leaves(one, what))
  if (isDict(value)) return sortedValues(value).flatMap((one) => leaves(one, what))
  throw new Fault('bad_file', `${what} are not written as layers: ${JSON.stringify(value)?.slice(0, 200)}`)
}

const sortedValues = (dict: Dict): unknown[] => Object.keys(dict).sort().map((key) => dict[key])
