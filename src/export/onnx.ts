import { Fault } from '../errors.ts'
import { runPlan, type Given } from '../layers/run-plan.ts'
import { Builder, type Value } from '../ops/onnx/builder.ts'
import { constants } from '../ops/constants.ts'
import { onnxOps } from '../ops/onnx/ops.ts'
import { modelParts } from '../ops/onnx/proto.ts'
import { axesOf, isRecurrent } from '../plan/internals.ts'
import { planForNames } from '../plan/kept.ts'
import type { Plan } from '../plan/plan.ts'
import type { Served } from '../registry/entry.ts'
import { aboutFile, inputInfo, outputInfo, type Tensor } from './about.ts'
import { namesFor } from './names.ts'
import { sizesOf } from './sizes.ts'

/** Protobuf knows no longer file. */
const longest = 2 ** 31 - 1

/**
 * The model as an ONNX file, in parts that follow each other: its own outputs, and the tensors that `words` name as further ones (`lstm/hidden`;
 * `lstm/gates` and `lstm` for all that begin so). Masks are booleans, all else, inputs too, is float32. `writer` is the version of the service.
 * @throws Fault `unknown_name` for what the model does not give (`where(n)` points to the nth word), `unsupported_layer` where a layer cannot be written
 * as a graph, `too_large`
 */
export function onnxFile (entry: Served, words: readonly string[], writer: string, where: (n: number) => string, most = longest): readonly Uint8Array[] {
  const { file: { graph } } = entry
  const names = [...graph.outputs.map(({ name }) => name), ...namesFor(entry.file, words)]
  const plan = planForNames(entry.file, names, (n) => where(words.indexOf(names[n])))
  const b = new Builder(null, new Set([...graph.inputs.map(({ name }) => name), ...names]))
  const sizes = sizesOf(entry.file, plan)
  const inputs = graph.inputs.map(({ name, shape }): Value => ({ name, type: 'float', shape: shape.map((size, axis) => axis === 0 ? -1 : size ?? -1) }))
  const given = write(b, entry, plan, inputs)
  const ops = onnxOps(b)
  const tensors = [
    ...plan.outputs.map(({ name, node }, n): Tensor => {
      const { key, layer: path } = graph.nodes[node]
      const layer = graph.layers[path]
      return { name, key, type: layer.className, what: 'output', axes: isRecurrent(layer) ? axesOf(layer) : null, value: ops.cast(given.outputs[n], 'float'), sizes: sizes.outputs?.[n] }
    }),
    ...plan.layers.flatMap(({ key, type, axes, internals, outputs }, n) => [...internals, ...outputs].flatMap(({ name: what }): Tensor[] => {
      const value = given.layers[n].get(what)
      const name = `${key}/${what}`
      if (value !== undefined) return [{ name, key, type, what, axes, value: ops.cast(value, /(^|\/)mask$/.test(what) ? 'bool' : 'float'), sizes: sizes.layers?.[n].get(what) }]
      if (!words.includes(name)) return []
      throw new Fault('unknown_name', `there is no output ${JSON.stringify(name)}: no step of layer ${JSON.stringify(key)} is masked in this model`, where(words.indexOf(name)))
    }))
  ]
  const shown = named(tensors, inputs)
  const body = b.graph(graph.inputs.map((_, n) => inputInfo(entry, n, sizes.inputs[n])), shown)
  const outputs = body.outputs.map(({ name }, n) => outputInfo(name, shown[n]))
  const parts = modelParts({ ...body, outputs }, aboutFile(entry, writer, sizes.inputs, shown))
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length > most) throw new Fault('too_large', `the file would have ${length} bytes, and an ONNX file has no more than ${most}: take the weights from GET /models/${entry.id}/weights`)
  return parts
}

/** The graph of a plan's layers. What cannot be written as one, the engine runs op by op; outside there is none. */
function write (b: Builder, { file }: Served, plan: Plan, inputs: readonly Value[]): Given<Value> {
  try {
    return runPlan(onnxOps(b), constants(b), file, plan, inputs, {})
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('unsupported_layer', `${(error as Error).message}. The model cannot be written as an ONNX graph; this service computes it nevertheless`)
  }
}

/** An output that has the name of an input, as where a model gives back what it takes, is `NAME/output`. */
function named (tensors: readonly Tensor[], inputs: readonly Value[]): Tensor[] {
  const taken = new Set(inputs.map(({ name }) => name))
  return tensors.map((tensor) => {
    let { name } = tensor
    while (taken.has(name)) name = `${name}/output`
    taken.add(name)
    return { ...tensor, name }
  })
}
