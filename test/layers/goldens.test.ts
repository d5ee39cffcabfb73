import t from 'tap'
import type { Layer } from '../../src/model.ts'
import { runGraph } from '../../src/layers/graph.ts'
import { fromValues, plainOps, type Plain } from '../../src/ops/plain/ops.ts'
import { readModel } from '../../src/registry/read.ts'
import { farthest, readCases, type Case } from '../support/cases.ts'
import { nested, tensor } from './support.ts'

/** A request's numbers are float32. */
const asked = (input: unknown): Plain => {
  const { shape, data } = tensor(input)
  return { shape, data: Float64Array.from(Float32Array.from(data)) }
}

const weightsOf = (layer: Layer): Record<string, Plain> => Object.fromEntries(Object.entries(layer.weights).map(([name, weight]) => [name, fromValues(weight)]))

/** Every layer of the models made for these layers, computed by the referee, against Keras' own outputs. */
async function held (one: Case): Promise<[what: string, far: number][]> {
  const format = one.id.slice(one.id.lastIndexOf('-') + 1)
  const { graph, keras } = await readModel({ main: `test/goldens/models/${one.id}.${format}`, weights: null })
  const feeds = graph.inputs.map(({ name }) => ({ tensor: asked(one.inputs[name]), mask: null }))
  const results = runGraph({ ops: plainOps(), keras, weightsOf }, graph, graph.nodes.map((_, n) => n), feeds, { wanted: new Map(), initial: new Map() })
  const outputs = graph.outputs.map(({ name, ref }, n): [string, number] => [`predict ${name}`, farthest(nested(results.get(ref.node)!.outputs[ref.index]), one.predict[n])])
  const inner = [...results].flatMap(([n, { outputs }]) => outputs.map((output, index): [string, Plain] => [`${graph.nodes[n].key}/output${index === 0 ? '' : `_${index}`}`, output]))
  return [...outputs, ...inner.filter(([name]) => name in one.expect).map(([name, output]): [string, number] => [name, farthest(nested(output), one.expect[name])])]
}

const cases = readCases('test/goldens/cases').filter(({ id }) => id.startsWith('layers-'))
t.ok(cases.length >= 60, `${cases.length} models`)
for (const one of cases) {
  t.test(one.id, async (t) => {
    const all = await held(one)
    t.ok(all.length > one.predict.length || Object.keys(one.expect).length === 0, 'layers are compared')
    for (const [what, far] of all) t.ok(far <= one.atol, `${what}: within ${one.atol}, is ${far}`)
  })
}
