/**
 * Writes the few messages of ONNX (onnx.proto3 of opset 18) that a graph needs, in protobuf's wire format. Own code because the packages
 * that know the format bring a whole protobuf runtime with all of ONNX in it, for what is a page here.
 */

export type Attribute = number | string | { readonly float: number } | { readonly floats: readonly number[] } | readonly number[] | readonly string[] | { readonly graph: Graph }

export interface NodeProto {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

/** ONNX's numbers for element types. */
export const elementTypes = { float: 1, int64: 7, bool: 9 } as const
export type ElementType = keyof typeof elementTypes

export interface ValueInfo {
  readonly name: string
  readonly type: ElementType
  /** A free axis is a word, or -1 where it has none. */
  readonly shape: readonly (number | string)[]
  /** What it is, for a reader. */
  readonly doc?: string
}

export interface Initializer { readonly name: string, readonly shape: readonly number[], readonly data: Float32Array | BigInt64Array }

export interface Graph {
  readonly nodes: readonly NodeProto[]
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly initializers: readonly Initializer[]
}

/** What a file says of itself beside its graph. */
export interface About {
  readonly doc: string
  /** The version of who wrote it. */
  readonly producer: string
  readonly properties: Readonly<Record<string, string>>
}

/** Fields of one message. Bytes are kept where they lie: a message in another, and a weight, are not copied. */
class Message {
  readonly #parts: Uint8Array[] = []
  #length = 0

  /** Numbers below 2^53 or negative ones, as protobuf's int64. */
  int (field: number, value: number): void {
    this.#varint(field << 3)
    this.#varint(value)
  }

  float (field: number, value: number): void {
    this.#varint(field << 3 | 5)
    this.#push(new Uint8Array(Float32Array.of(value).buffer))
  }

  bytes (field: number, value: Uint8Array): void {
    this.#varint(field << 3 | 2)
    this.#varint(value.length)
    this.#push(value)
  }

  text (field: number, value: string): void {
    this.bytes(field, Buffer.from(value))
  }

  message (field: number, write: (message: Message) => void): void {
    const inner = new Message()
    write(inner)
    this.#varint(field << 3 | 2)
    this.#varint(inner.#length)
    for (const part of inner.#parts) this.#push(part)
  }

  /** All of it, one part after the other. */
  get parts (): readonly Uint8Array[] {
    return this.#parts
  }

  #push (part: Uint8Array): void {
    this.#parts.push(part)
    this.#length += part.length
  }

  #varint (value: number): void {
    const bytes = []
    let rest = BigInt.asUintN(64, BigInt(value))
    do {
      bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0))
      rest >>= 7n
    } while (rest > 0n)
    this.#push(Uint8Array.from(bytes))
  }
}

/** The bytes of an ONNX model with this graph. */
export function encodeModel (graph: Graph): Uint8Array {
  return Buffer.concat(modelParts(graph))
}

/** The version of the file format, and of the operators' definitions. */
export const versions = { ir: 8, opset: 18 } as const

/** The same in parts that follow each other; arrays of the graph lie in them as they are, without a copy. */
export function modelParts (graph: Graph, about?: About): readonly Uint8Array[] {
  const model = new Message()
  model.int(1, versions.ir)
  if (about !== undefined) {
    model.text(2, 'statescope')
    model.text(3, about.producer)
    model.text(6, about.doc)
  }
  model.message(7, (message) => writeGraph(message, graph, 'statescope'))
  model.message(8, (opset) => opset.int(2, versions.opset))
  for (const [key, value] of Object.entries(about?.properties ?? {})) {
    model.message(14, (property) => {
      property.text(1, key)
      property.text(2, value)
    })
  }
  return model.parts
}

function writeGraph (to: Message, { nodes, inputs, outputs, initializers }: Graph, name: string): void {
  for (const node of nodes) {
    to.message(1, (message) => {
      for (const input of node.inputs) message.text(1, input)
      for (const output of node.outputs) message.text(2, output)
      // A name of its own: onnxruntime 1.20 makes names of fused nodes from it, and refuses a graph in which two are the same.
      message.text(3, node.outputs.find((output) => output !== '')!)
      message.text(4, node.op)
      for (const [key, value] of Object.entries(node.attributes)) message.message(5, (attribute) => writeAttribute(attribute, key, value))
    })
  }
  to.text(2, name)
  for (const { name: own, shape, data } of initializers) {
    to.message(5, (tensor) => {
      for (const size of shape) tensor.int(1, size)
      tensor.int(2, data instanceof Float32Array ? elementTypes.float : elementTypes.int64)
      tensor.text(8, own)
      tensor.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    })
  }
  for (const input of inputs) to.message(11, (message) => writeValue(message, input))
  for (const output of outputs) to.message(12, (message) => writeValue(message, output))
}

function writeValue (to: Message, { name, type, shape, doc }: ValueInfo): void {
  to.text(1, name)
  to.message(2, (about) => about.message(1, (tensor) => {
    tensor.int(1, elementTypes[type])
    tensor.message(2, (sizes) => {
      for (const size of shape) {
        sizes.message(1, (one) => {
          if (typeof size === 'string') one.text(2, size)
          else if (size >= 0) one.int(1, size)
        })
      }
    })
  }))
  if (doc !== undefined) to.text(3, doc)
}

/** AttributeProto's numbers for its own types. */
const kinds = { float: 1, int: 2, string: 3, graph: 5, floats: 6, ints: 7, strings: 8 } as const

function writeAttribute (to: Message, name: string, value: Attribute): void {
  to.text(1, name)
  if (typeof value === 'number') {
    to.int(3, value)
    to.int(20, kinds.int)
  } else if (typeof value === 'string') {
    to.text(4, value)
    to.int(20, kinds.string)
  } else if ('float' in value) {
    to.float(2, value.float)
    to.int(20, kinds.float)
  } else if ('floats' in value) {
    for (const one of value.floats) to.float(7, one)
    to.int(20, kinds.floats)
  } else if ('graph' in value) {
    to.message(6, (message) => writeGraph(message, value.graph, name))
    to.int(20, kinds.graph)
  } else if (value.every((one) => typeof one === 'number')) {
    for (const one of value) to.int(8, one)
    to.int(20, kinds.ints)
  } else {
    for (const one of value) to.text(9, one as string)
    to.int(20, kinds.strings)
  }
}
