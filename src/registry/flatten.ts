import { Fault } from '../errors.ts'
import type { Argument, Graph, Input, Layer, Node, Output, Ref, Weight } from '../model.ts'
import { isDict } from './json.ts'
import type { ArgumentSpec, CallSpec, LayerSpec, ModelSpec, TensorSpec } from './spec.ts'

/** The weights found for a layer, by Keras' short names. */
export type Found = ReadonlyMap<LayerSpec, Readonly<Record<string, Weight>>>

/** More calls than this are in no real model; nested models called many times multiply. */
const mostNodes = 20000

/** One sequence of more numbers than this (256 MiB) fits no request. */
const mostNumbers = 2 ** 26

/** One graph from a model and the models in it, with the order of the layers that Keras keeps. */
export function flatten (model: ModelSpec, found: Found): { graph: Graph, layerOrder: string[] } {
  const flat = new Flattening(found)
  const outputs = flat.open(model, '', '', null)
  const graph = { inputs: flat.inputs, outputs: named(model, outputs), nodes: flat.nodes, layers: flat.layers }
  return { graph, layerOrder: flat.order }
}

/** Outputs are named after the layer they come from; further ones of one name get _1, _2, as in Keras 2. */
function named (model: ModelSpec, refs: readonly Ref[]): Output[] {
  const taken = new Set<string>()
  const counts = new Map<string, number>()
  return refs.map((ref, n) => {
    const base = model.layers[model.outputs[n].layer].name
    let name = base
    while (taken.has(name)) {
      const count = (counts.get(base) ?? 0) + 1
      counts.set(base, count)
      name = `${base}_${count}`
    }
    taken.add(name)
    return { name, ref }
  })
}

class Flattening {
  readonly inputs: Input[] = []
  readonly nodes: Node[] = []
  readonly layers: Record<string, Layer> = {}
  /** Keys of `layers`; their own order is not kept for names like "1". */
  readonly order: string[] = []
  readonly #found: Found
  readonly #specs = new Map<string, LayerSpec | null>()
  readonly #keys = new Set<string>()

  constructor (found: Found) {
    this.#found = found
  }

  /**
   * The nodes of a model, those of models in it among them. Paths and keys start with `path` and `key`; `feeds` are what its inputs are
   * (null: inputs of the graph itself). Gives where its outputs come from.
   */
  open (model: ModelSpec, path: string, key: string, feeds: readonly Ref[] | null): Ref[] {
    if (feeds === null) this.#addLayers(model, path, true)
    const results = new Map<string, readonly Ref[] | number>()
    model.inputs.forEach((layer, n) => {
      results.set(`${layer}:0`, feeds === null ? this.#input(model.layers[layer], path, key) : [feeds[n]])
    })
    for (const { layer, call } of inOrder(model)) {
      if (results.has(`${layer}:${call}`)) continue
      const spec = model.layers[layer]
      const suffix = model.calls[layer].length > 1 ? `:${call}` : ''
      const { args, kwargs } = this.#call(model.calls[layer][call], results, model)
      const nodeKey = `${key}${spec.name}${suffix}`
      if (spec.model === null) {
        results.set(`${layer}:${call}`, this.#add({ key: nodeKey, layer: `${path}${spec.name}`, args, kwargs }))
      } else {
        const given = this.#feeds(spec, args, kwargs, nodeKey)
        results.set(`${layer}:${call}`, this.open(spec.model, `${path}${spec.name}/`, `${nodeKey}/`, given))
      }
    }
    return model.outputs.map((tensor) => refOf(tensor, results, model))
  }

  /** What a nested model is called on, in the order of its inputs, with the masks it is given by name laid over them. */
  #feeds (spec: LayerSpec, args: readonly Argument[], kwargs: Readonly<Record<string, Argument>>, key: string): Ref[] {
    const given = args.flatMap(refsIn)
    const { mask, ...rest } = kwargs
    const expected = spec.model!.inputs.length
    if (given.length !== expected) throw new Fault('bad_file', `nested model "${key}" has ${expected} inputs and is called on ${given.length}`)
    const [other] = Object.keys(rest)
    if (other !== undefined) throw new Fault('unsupported_layer', `nested model "${key}" is called with ${other}=...: give it as an input of the model and save it again`)
    const masks = mask === undefined ? [] : 'list' in mask ? mask.list : [mask]
    return given.map((ref, n) => {
      const own = masks[n]
      if (own === undefined || !('ref' in own)) return ref
      const name = `${key}/__mask${expected > 1 ? `:${n}` : ''}`
      this.#put(name, null, () => ({ path: name, className: 'ops.WithMask', config: { name: 'mask' }, weights: {}, children: {} }))
      return { node: this.#add({ key: name, layer: name, args: [{ ref }, own], kwargs: {} }), index: 0 }
    })
  }

  #call ({ args, kwargs }: CallSpec, results: ReadonlyMap<string, readonly Ref[] | number>, model: ModelSpec): { args: Argument[], kwargs: Record<string, Argument> } {
    const settle = (argument: ArgumentSpec): Argument => {
      if ('tensor' in argument) return { ref: refOf(argument.tensor, results, model) }
      return 'list' in argument ? { list: argument.list.map(settle) } : argument
    }
    return { args: args.map(settle), kwargs: Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, settle(value)])) }
  }

  #add (node: Node): number {
    if (this.#keys.has(node.key)) throw new Fault('bad_file', `two layers would be addressed as "${node.key}": rename one of them`)
    if (this.nodes.length >= mostNodes) throw new Fault('bad_file', `the model has more than ${mostNodes} calls of layers`)
    this.#keys.add(node.key)
    return this.nodes.push(node) - 1
  }

  #input (spec: LayerSpec, path: string, key: string): number {
    const node = this.#add({ key: `${key}${spec.name}`, layer: `${path}${spec.name}`, args: [], kwargs: {} })
    this.inputs.push({ name: spec.name, node, shape: shapeOf(spec), dtype: typeOf(spec) })
    return node
  }

  /** In Keras' order: those of a nested model in its place. Inputs of nested models are what feeds them, no layers. */
  #addLayers (model: ModelSpec, path: string, outermost: boolean): void {
    for (const spec of model.layers) {
      const own = `${path}${spec.name}`
      if (spec.model !== null) this.#addLayers(spec.model, `${own}/`, false)
      else if (outermost || spec.className !== 'InputLayer') this.#put(own, spec, () => this.#layer(spec, own))
    }
  }

  #put (path: string, spec: LayerSpec | null, make: () => Layer): void {
    const there = this.#specs.get(path)
    if (there !== undefined && there !== spec) throw new Fault('bad_file', `two layers would be addressed as "${path}": rename one of them`)
    if (there !== undefined) return
    this.#specs.set(path, spec)
    this.layers[path] = make()
    this.order.push(path)
  }

  #layer (spec: LayerSpec, path: string): Layer {
    const weights = this.#found.get(spec) ?? {}
    if (spec.model !== null) {
      // A model inside a wrapper keeps a graph of its own, its keys under the wrapper's.
      const inner = new Flattening(this.#found)
      const refs = inner.open(spec.model, `${path}/`, `${path}/`, null)
      const graph = { inputs: inner.inputs, outputs: named(spec.model, refs), nodes: inner.nodes, layers: inner.layers }
      return { path, className: 'Functional', config: spec.config, weights, children: {}, graph }
    }
    const children = Object.fromEntries(Object.entries(spec.children).map(([role, child]) => [role, this.#layer(child, childPath(spec, child, role, path))]))
    return { path, className: spec.className, config: spec.config, weights, children }
  }
}

/** `bi/forward`, `td/<inner name>`, `rnn/cell`, `rnn/cells/0`. */
function childPath (spec: LayerSpec, child: LayerSpec, role: string, path: string): string {
  if (spec.className === 'TimeDistributed') return `${path}/${child.name}`
  return spec.className === 'StackedRNNCells' ? `${path.replace(/\/cell$/, '')}/cells/${role}` : `${path}/${role}`
}

function refOf (tensor: TensorSpec, results: ReadonlyMap<string, readonly Ref[] | number>, model: ModelSpec): Ref {
  const result = results.get(`${tensor.layer}:${tensor.call}`)!
  if (typeof result === 'number') return { node: result, index: tensor.index }
  const ref = result[tensor.index]
  if (ref === undefined) throw new Fault('bad_file', `output ${tensor.index} of "${model.layers[tensor.layer].name}" is read: it has ${result.length}`)
  return ref
}

const refsIn = (argument: Argument): Ref[] => 'ref' in argument ? [argument.ref] : 'list' in argument ? argument.list.flatMap(refsIn) : []

const tensorsIn = (argument: ArgumentSpec): TensorSpec[] => 'tensor' in argument ? [argument.tensor] : 'list' in argument ? argument.list.flatMap(tensorsIn) : []

/** The calls of a model, each after those it reads, otherwise in the file's order. Throws `bad_file` for a circle. */
function inOrder (model: ModelSpec): { layer: number, call: number }[] {
  const order: { layer: number, call: number }[] = []
  const state = new Map<string, 'open' | 'done'>()
  const readsOf = (layer: number, call: number): TensorSpec[] => {
    const { args, kwargs } = model.calls[layer][call]
    return [...args, ...Object.values(kwargs)].flatMap(tensorsIn)
  }
  model.calls.forEach((calls, first) => calls.forEach((_, firstCall) => {
    const stack = [{ layer: first, call: firstCall, reads: null as TensorSpec[] | null }]
    while (stack.length > 0) {
      const top = stack[stack.length - 1]
      const key = `${top.layer}:${top.call}`
      if (top.reads === null) {
        if (state.get(key) === 'done') { stack.pop(); continue }
        if (state.get(key) === 'open') throw new Fault('bad_file', `layer "${model.layers[top.layer].name}" reads, round a circle, what it gives itself`)
        state.set(key, 'open')
        top.reads = readsOf(top.layer, top.call).reverse()
      }
      const next = top.reads.pop()
      if (next !== undefined) {
        stack.push({ layer: next.layer, call: next.call, reads: null })
      } else {
        state.set(key, 'done')
        order.push({ layer: top.layer, call: top.call })
        stack.pop()
      }
    }
  }))
  return order
}

/** An InputLayer's shape, batch first. */
function shapeOf ({ name, config }: LayerSpec): (number | null)[] {
  const { batch_shape: given = config.batch_input_shape ?? null, shape } = config
  const list = Array.isArray(given) ? given : Array.isArray(shape) ? [null, ...shape] : null
  if (list === null || list.length === 0 || list.length > 8 || !list.every((size) => size === null || (Number.isSafeInteger(size) && size > 0 && size <= 1 << 24))) {
    throw new Fault('bad_file', `input "${name}" has no usable shape: ${JSON.stringify(given ?? shape)}`)
  }
  const volume = list.reduce<number>((product, size) => product * (size ?? 1), 1)
  if (volume > mostNumbers) throw new Fault('bad_file', `input "${name}" takes ${volume} numbers at once: models of up to ${mostNumbers} are served`)
  return list as (number | null)[]
}

function typeOf ({ name, config }: LayerSpec): string {
  if (config.sparse === true || config.ragged === true) throw new Fault('unsupported_layer', `input "${name}" is ${config.sparse === true ? 'sparse' : 'ragged'}: only dense inputs are computed`)
  const type = isDict(config.dtype) ? null : config.dtype ?? config.input_dtype ?? 'float32'
  if (typeof type !== 'string') throw new Fault('bad_file', `input "${name}" has a dtype that is none`)
  return type
}
