import { Fault } from '../errors.ts'
import type { ModelFile } from '../model.ts'
import type { TensorKind } from '../request/probe.ts'
import { buildPlan, needed } from './build.ts'
import type { Plan } from './plan.ts'

/** All that there are; the compiler holds this against the list in request. */
const kinds = Object.keys({ hidden: true, cell: true, gates: true, final: true, output: true, preactivations: true, contributions: true } satisfies Record<TensorKind, true>) as TensorKind[]

const whole = new WeakMap<ModelFile, Plan>()

/** Everything a model can give: its outputs, every internal of its recurrent layers, the output of the others. Operations between layers have no name. */
export function planAll (file: ModelFile): Plan {
  let plan = whole.get(file)
  if (plan === undefined) {
    const { nodes, layers } = file.graph
    const keys = nodes.filter(({ layer }) => !layers[layer].className.startsWith('ops.') && layers[layer].className !== 'InputLayer').map(({ key }) => key)
    plan = buildPlan(file, { layers: keys, tensors: kinds, steps: 'all', outputs: true, raw: false }, {})
    whole.set(file, plan)
  }
  return plan
}

/**
 * The plan that gives the tensors of these names and no others: outputs of the model by their own names, internals as `lstm/hidden`. An output
 * goes before an internal of the same name. Throws `unknown_name`; `where(n)` is the pointer to the nth name.
 */
export function planByName (file: ModelFile, names: readonly string[], where: (n: number) => string): Plan {
  const all = planAll(file)
  const asked = new Set(names)
  const outputs = all.outputs.filter(({ name }) => asked.has(name))
  for (const { name } of outputs) asked.delete(name)
  const layers = all.layers.map((layer) => ({
    ...layer,
    internals: layer.internals.filter(({ name }) => asked.delete(`${layer.key}/${name}`)),
    outputs: layer.outputs.filter(({ name }) => asked.delete(`${layer.key}/${name}`))
  })).filter((layer) => layer.internals.length + layer.outputs.length > 0)
  const [missing] = asked
  if (missing !== undefined) throw new Fault('unknown_name', unknown(all, missing), where(names.indexOf(missing)))
  const nodes = needed(file.graph, [...layers.map(({ node }) => node), ...outputs.map(({ node }) => node)])
  return { nodes, layers, steps: 'all', outputs }
}

/** With the tensors of the layer where the name begins with one, else the outputs and the layers. */
function unknown ({ layers, outputs }: Plan, name: string): string {
  const words = (names: readonly string[]): string => names.map((each) => JSON.stringify(each)).join(', ')
  const layer = layers.find(({ key }) => name === key || name.startsWith(`${key}/`))
  const there = layer === undefined
    ? `the model's outputs are ${words(outputs.map((output) => output.name))}, and each of its layers gives others by names such as LAYER/output; the layers are ${words(layers.map(({ key }) => key))}`
    : `layer ${JSON.stringify(layer.key)} gives ${words([...layer.internals, ...layer.outputs].map((tensor) => `${layer.key}/${tensor.name}`))}`
  return `there is no output ${JSON.stringify(name)}; ${there}`
}
