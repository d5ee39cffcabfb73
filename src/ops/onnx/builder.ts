import type { Attribute, ElementType, Graph, Initializer, NodeProto, ValueInfo } from './proto.ts'

/** A tensor of a graph that is being written: its name, and what is known of its shape (-1: free). */
export interface Value { readonly name: string, readonly type: ElementType, readonly shape: readonly number[] }

/** Collects the nodes of one graph, and of the bodies of its loops. */
export class Builder {
  readonly #nodes: NodeProto[] = []
  /** What its nodes give, by name. */
  readonly #values = new Map<string, Value>()
  readonly #initializers: Initializer[] = []
  readonly #constants = new Map<unknown, Value>()
  readonly #outer: Builder | null
  readonly #names: { next: number, readonly taken: ReadonlySet<string> }
  /** Where nodes go: this graph, or the body of the loop being written. */
  #open: Builder

  /** `taken`: names of inputs and outputs to come, which nothing else may have. */
  constructor (outer: Builder | null = null, taken: ReadonlySet<string> = new Set()) {
    this.#outer = outer
    this.#names = outer === null ? { next: 0, taken } : outer.#names
    this.#open = this
  }

  fresh (type: ElementType, shape: readonly number[]): Value {
    let name: string
    do name = `t${this.#names.next++}`
    while (this.#names.taken.has(name))
    return { name, type, shape }
  }

  /** Adds a node with one output of the type and shape given. */
  node (op: string, inputs: readonly (Value | null)[], type: ElementType, shape: readonly number[], attributes: NodeProto['attributes'] = {}): Value {
    const output = this.fresh(type, shape)
    this.add(op, inputs, [output], attributes)
    return output
  }

  /** Adds a node whose outputs are there already; null: not given, not taken. */
  add (op: string, inputs: readonly (Value | null)[], outputs: readonly (Value | null)[], attributes: Readonly<Record<string, Attribute>> = {}): void {
    const names = (values: readonly (Value | null)[]): string[] => values.map((value) => value?.name ?? '')
    this.#open.#nodes.push({ op, inputs: names(inputs), outputs: names(outputs), attributes })
    for (const value of outputs) if (value !== null) this.#open.#values.set(value.name, value)
  }

  /** A constant; the same array, or the same key, is stored once. */
  constant (data: Float32Array | BigInt64Array, shape: readonly number[], key: unknown = data): Value {
    if (this.#outer !== null) return this.#outer.constant(data, shape, key)
    const known = this.#constants.get(key)
    if (known !== undefined && known.shape.length === shape.length && known.shape.every((size, n) => size === shape[n])) return known
    const value = this.fresh(data instanceof Float32Array ? 'float' : 'int64', shape)
    this.#initializers.push({ name: value.name, shape, data })
    this.#constants.set(key, value)
    return value
  }

  scalar (value: number): Value {
    return this.constant(Float32Array.of(value), [], `f${Object.is(value, -0) ? '-0' : value}`)
  }

  /** Whole numbers, as ONNX wants shapes, axes and indices. */
  whole (values: readonly number[]): Value {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], `i${values.join()}`)
  }

  /**
   * Writes a loop's body: the nodes that `write` adds go into a graph of their own, with the states and one step of each sequence as inputs. What
   * needs no state is not done step by step: it stands before the loop, for all steps at once. `sequences`: what the loop reads then.
   */
  body (states: readonly Value[], steps: readonly Value[], sequences: readonly Value[], write: () => readonly Value[]): { graph: Graph, sequences: Value[] } {
    const around = this.#open
    const inner = new Builder(this)
    this.#open = inner
    let outputs: Value[]
    try {
      outputs = inner.#apart(write())
    } finally {
      this.#open = around
    }
    const inside = new Map([...states, ...steps, ...inner.#values.values()].map((value) => [value.name, value]))
    const all = new Map(steps.map(({ name }, n) => [name, sequences[n]]))
    // What the loop gives has to come from its body.
    const given = new Set(outputs.map(({ name }) => name))
    const nodes = needed(inner.#nodes, [...given]).filter((node) => {
      const lifted = node.inputs.flatMap((name) => all.get(name) ?? [])
      const { name, type, shape } = inside.get(node.outputs[0])!
      // Axes are matched from the last one on: with the steps in front only operands and results of one rank still meet as they did.
      const stays = given.has(name) || !pointwise.has(node.op) || lifted.length === 0 || node.inputs.some((name) => inside.has(name) && !all.has(name)) ||
        lifted.some((value) => value.shape.length !== shape.length + 1)
      if (stays) return true
      const value = this.fresh(type, [sequences[0].shape[0], ...shape])
      around.#nodes.push({ ...node, inputs: node.inputs.map((input) => all.get(input)?.name ?? input), outputs: [value.name] })
      around.#values.set(value.name, value)
      all.set(name, value)
      return false
    })
    const body = added(nodes, inside, given)
    const read = new Set(body.flatMap(readBy))
    const heard = [...all].filter(([name]) => read.has(name))
    return {
      graph: { nodes: body, inputs: [...states, ...heard.map(([name]) => inside.get(name)!)].map(info), outputs: outputs.map(info), initializers: [] },
      sequences: heard.map(([, value]) => value)
    }
  }

  /** One of two tensors of the same shape, by `condition`, a boolean `[1]`: only the nodes of the one that is taken are computed. */
  choose (condition: Value, yes: () => Value, no: () => Value): Value {
    const [one, other] = [this.#branch(yes), this.#branch(no)]
    const { type, shape } = one.value
    return this.node('If', [condition], type, shape, { then_branch: { graph: one.graph }, else_branch: { graph: other.graph } })
  }

  /** What `write` adds, as a graph of its own that reads the tensors around it. */
  #branch (write: () => Value): { graph: Graph, value: Value } {
    const around = this.#open
    const inner = new Builder(this)
    this.#open = inner
    try {
      const [value] = inner.#apart([write()])
      return { graph: { nodes: needed(inner.#nodes, [value.name]), inputs: [], outputs: [info(value)], initializers: [] }, value }
    } finally {
      this.#open = around
    }
  }

  /** The whole graph, with its outputs under names of their own. */
  graph (inputs: readonly ValueInfo[], given: readonly { readonly name: string, readonly value: Value }[]): Graph {
    const outputs = this.#apart(given.map(({ value }) => value))
    const names = new Map(outputs.map(({ name }, n) => [name, given[n].name]))
    const nodes = needed(this.#nodes, outputs.map(({ name }) => name)).map((node) => renamed(node, names))
    const read = new Set(nodes.flatMap(readBy))
    return { nodes, inputs, outputs: outputs.map((value, n) => ({ ...info(value), name: given[n].name })), initializers: this.#initializers.filter(({ name }) => read.has(name)) }
  }

  /** Outputs as ONNX wants them: each of a node of this graph, none twice. */
  #apart (values: readonly Value[]): Value[] {
    const taken = new Set<string>()
    return values.map((value) => {
      const own = this.#values.has(value.name) && !taken.has(value.name) ? value : this.node('Identity', [value], value.type, value.shape)
      taken.add(own.name)
      return own
    })
  }
}

/**
 * A loop's nodes with each product of two matrices that one sum alone reads as one node with that sum, ONNX' Gemm: at every step a node less, and the product is added where it
 * is made. onnxruntime does so itself only where it knows every size. `values`: what there is in the body, by name; `given`: what leaves it.
 */
function added (nodes: readonly NodeProto[], values: ReadonlyMap<string, Value>, given: ReadonlySet<string>): NodeProto[] {
  const readers = nodes.flatMap(readBy)
  const products = new Map(nodes.flatMap((node): [string, NodeProto][] => {
    const [name] = node.outputs
    const alone = node.op === 'MatMul' && !given.has(name) && readers.filter((read) => read === name).length === 1
    return alone && [node.inputs[0], name].every((matrix) => values.get(matrix)?.shape.length === 2) ? [[name, node]] : []
  }))
  const gone = new Set<NodeProto>()
  const sums = nodes.map((node) => {
    if (node.op !== 'Add') return node
    const [sum, ...operands] = [node.outputs[0], ...node.inputs].map((name) => values.get(name))
    const at = operands.findIndex((value) => value !== undefined && products.has(value.name))
    const other = operands[1 - at]
    // Gemm spreads no product over more rows: all have to be of one shape.
    const alike = at >= 0 && other !== undefined && [operands[at]!, other].every(({ shape }) => shape.join() === sum!.shape.join())
    if (!alike) return node
    const product = products.get(operands[at]!.name)!
    gone.add(product)
    return { op: 'Gemm', inputs: [...product.inputs, other.name], outputs: node.outputs, attributes: {} }
  })
  return sums.filter((node) => !gone.has(node))
}

/** The nodes that the outputs named need, in their order: onnxruntime computes the others too. */
function needed (nodes: readonly NodeProto[], outputs: readonly string[]): NodeProto[] {
  const wanted = new Set(outputs)
  return nodes.toReversed().flatMap((whole) => {
    if (!whole.outputs.some((name) => wanted.has(name))) return []
    const node = whole.op === 'Scan' ? trimmed(whole, wanted) : whole
    for (const name of readBy(node)) wanted.add(name)
    return [node]
  }).toReversed()
}

/** A loop without the results that nobody reads. */
function trimmed (node: NodeProto, wanted: ReadonlySet<string>): NodeProto {
  const { body: { graph }, num_scan_inputs: sequences, scan_output_directions: directions } = node.attributes as { body: { graph: Graph }, num_scan_inputs: number, scan_output_directions: number[] }
  const states = node.inputs.length - sequences
  const stays = node.outputs.map((name, n) => n < states || wanted.has(name))
  const outputs = graph.outputs.filter((_, n) => stays[n])
  return {
    ...node,
    outputs: node.outputs.filter((_, n) => stays[n]),
    attributes: {
      ...node.attributes,
      body: { graph: { ...graph, outputs, nodes: needed(graph.nodes, outputs.map(({ name }) => name)) } },
      scan_output_directions: directions.filter((_, n) => stays[states + n])
    }
  }
}

function renamed (node: NodeProto, names: ReadonlyMap<string, string>): NodeProto {
  const to = (name: string): string => names.get(name) ?? name
  const attributes = Object.entries(node.attributes).map(([key, value]) =>
    [key, typeof value === 'object' && 'graph' in value ? { graph: { ...value.graph, nodes: value.graph.nodes.map((inner) => renamed(inner, names)) } } : value])
  return { ...node, inputs: node.inputs.map(to), outputs: node.outputs.map(to), attributes: Object.fromEntries(attributes) }
}

/** The names that a node reads, the bodies of its loops included. */
const readBy = ({ inputs, attributes }: NodeProto): string[] =>
  [...inputs, ...Object.values(attributes).flatMap((value) => typeof value === 'object' && 'graph' in value ? value.graph.nodes.flatMap(readBy) : [])]

/** Ops that treat every entry alone: of one step or of all. */
const pointwise = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Where', 'And', 'Or', 'Not', 'Equal', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Cast', 'Neg', 'Abs',
  'Sqrt', 'Exp', 'Log', 'Tanh', 'Sigmoid', 'Relu', 'Erf', 'Floor', 'Sign'])

const info = ({ name, type, shape }: Value): ValueInfo => ({ name, type, shape })
