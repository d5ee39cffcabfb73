import type { InferenceSession } from 'onnxruntime-node'
import type { Values } from '../../src/model.ts'
import { loadOnnx, type OnnxRuntime } from '../../src/ops/onnx/runtime.ts'

const { ort } = await loadOnnx(2) as OnnxRuntime

/** A file as another program has it: only its bytes are known. */
export interface Opened {
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly run: (inputs: Readonly<Record<string, Values>>) => Promise<Map<string, Values & { readonly type: string }>>
  readonly close: () => Promise<void>
}

/** Opens a file with onnxruntime. */
export async function open (bytes: Uint8Array): Promise<Opened> {
  const session: InferenceSession = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3, intraOpNumThreads: 1 })
  return {
    inputs: session.inputNames,
    outputs: session.outputNames,
    run: async (inputs) => {
      const results = await session.run(Object.fromEntries(Object.entries(inputs).map(([name, { shape, data }]) => [name, new ort.Tensor('float32', data, shape)])))
      return new Map(Object.entries(results).map(([name, { dims, data, type }]) => [name, { shape: dims, data: Float32Array.from(data as Float32Array, Number), type }]))
    },
    close: async () => await session.release()
  }
}

/** Of a value in the file: its name, sizes (a word where it is free, -1 without one), and what is said of it. */
export interface Info { readonly name: string, readonly sizes: readonly (number | string)[], readonly doc: string }

/** What the file says of itself, read from the bytes as the protobuf of ONNX has it. */
export function described (bytes: Uint8Array): { ir: number, opset: number, doc: string, properties: Readonly<Record<string, string>>, inputs: Info[], outputs: Info[], nodes: { op: string, name: string }[] } {
  const model = fields(bytes)
  const graph = fields(one(model, 7))
  const info = (value: Uint8Array): Info => {
    const own = fields(value)
    const dims = fields(one(fields(one(fields(one(own, 2)), 1)), 2)).get(1) ?? []
    const size = (dim: Uint8Array): number | string => {
      const parts = fields(dim)
      return parts.has(1) ? parts.get(1)![0] as number : parts.has(2) ? text(parts, 2) : -1
    }
    return { name: text(own, 1), sizes: (dims as Uint8Array[]).map(size), doc: text(own, 3) }
  }
  return {
    ir: model.get(1)![0] as number,
    opset: fields(one(model, 8)).get(2)![0] as number,
    doc: text(model, 6),
    properties: Object.fromEntries((model.get(14) as Uint8Array[]).map((property) => [text(fields(property), 1), text(fields(property), 2)])),
    inputs: (graph.get(11) as Uint8Array[]).map(info),
    outputs: (graph.get(12) as Uint8Array[]).map(info),
    nodes: nodesIn(graph)
  }
}

/** Those in the bodies of loops too. */
function nodesIn (graph: Fields): { op: string, name: string }[] {
  return (graph.get(1) as Uint8Array[]).map(fields).flatMap((node) => {
    const bodies = (node.get(5) as Uint8Array[] | undefined ?? []).map(fields).filter((attribute) => attribute.has(6)).map((attribute) => fields(one(attribute, 6)))
    return [{ op: text(node, 4), name: text(node, 3) }, ...bodies.flatMap(nodesIn)]
  })
}

type Fields = Map<number, (number | Uint8Array)[]>

const one = (fields: Fields, field: number): Uint8Array => fields.get(field)![0] as Uint8Array
const text = (fields: Fields, field: number): string => Buffer.from(one(fields, field)).toString()

function fields (bytes: Uint8Array): Fields {
  const found: Fields = new Map()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++]
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const size = key % 8 === 5 ? 4 : varint()
    const value = key % 8 === 0 ? size : bytes.subarray(at, at + size)
    if (key % 8 !== 0) at += size
    found.set(Math.floor(key / 8), [...found.get(Math.floor(key / 8)) ?? [], value])
  }
  return found
}
