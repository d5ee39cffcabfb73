import type { Attribute, ElementType, Graph, Initializer, NodeProto, ValueInfo } from './proto.ts'

/** A tensor of a graph that is being written: its name, and what is known of its shape (-1: free). */
export interface Value { readonly name: string, readonly type: ElementType, readonly shape: readonly number[] }

/** Collects the nodes of one graph, and of the bodies of its loops. */
export class Builder {
  readonly #nodes: NodeProto[] = []
  readonly #initializers: Initializer[] = []
  readonly #constants = new Map<unknown, Value>()
  readonly #outer: Builder | null
  readonly #names: { next: number }
  /** Where nodes go: this graph, or the body of the loop being written. */
  #open: Builder

  constructor (outer: Builder | null = null) {
    this.#outer = outer
    this.#names = outer === null ? { next: 0 } : outer.#names
    this.#open = this
  }

  fresh (type: ElementType, shape: readonly number[]): Value {
    return { name: `t${this.#names.next++}`, type, shape }
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

  /** Writes a loop's body: the nodes that `write` adds go into a graph of their own, with the inputs and outputs given. */
  body (inputs: readonly Value[], write: () => readonly Value[]): Graph {
    const before = this.#open
    const inner = new Builder(this)
    this.#open = inner
    try {
      // Each output has a name of its own, even one that is an input or given twice.
      const outputs = write().map((value) => this.node('Identity', [value], value.type, value.shape))
      return { nodes: inner.#nodes, inputs: inputs.map(info), outputs: outputs.map(info), initializers: [] }
    } finally {
      this.#open = before
    }
  }

  /** The whole graph, with its outputs under names of their own. */
  graph (inputs: readonly ValueInfo[], outputs: readonly { readonly name: string, readonly value: Value }[]): Graph {
    const nodes = outputs.map(({ name, value }): NodeProto => ({ op: 'Identity', inputs: [value.name], outputs: [name], attributes: {} }))
    return {
      nodes: [...this.#nodes, ...nodes],
      inputs,
      outputs: outputs.map(({ name, value: { type, shape } }) => ({ name, type, shape })),
      initializers: this.#initializers
    }
  }
}

const info = ({ name, type, shape }: Value): ValueInfo => ({ name, type, shape })
