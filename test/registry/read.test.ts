import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { refsIn } from '../../src/layers/graph.ts'
import type { Graph, Layer, ModelFile, Weight } from '../../src/model.ts'
import { readModel } from '../../src/registry/read.ts'
import { hasWeights, slotsOf } from '../../src/registry/weight-table.ts'
import type { LayerSpec } from '../../src/registry/spec.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = join(root, 'test/goldens/models')

async function open (name: string): Promise<ModelFile> {
  const path = join(folder, name)
  if (!statSync(path).isDirectory()) return await readModel({ main: path, weights: null })
  const weights = readdirSync(path).find((file) => file === 'model.weights.h5')
  return await readModel({ main: join(path, 'model.json'), weights: weights === undefined ? null : join(path, weights) })
}

/** A layer, those inside it, and those of a graph inside it. */
const all = (layer: Layer): Layer[] => [layer, ...Object.values(layer.children).flatMap(all), ...layer.graph === undefined ? [] : Object.values(layer.graph.layers).flatMap(all)]

/** Layers whose class has weights, without all of them; and graphs that read what is not there yet. */
function wrongIn (graph: Graph): string[] {
  const wrong: string[] = []
  const own = ({ className, config }: Layer): LayerSpec => ({ name: '', className, savedClass: className, config, trainable: true, children: {}, model: null })
  for (const layer of Object.values(graph.layers).flatMap(all)) {
    const names = hasWeights(own(layer)) ? slotsOf(own(layer)).map(({ name }) => name) : []
    if (names.join() !== Object.keys(layer.weights).join()) wrong.push(`${layer.path} has ${Object.keys(layer.weights).join()} for ${names.join()}`)
    for (const [name, { shape, data }] of Object.entries(layer.weights)) {
      if (data.length !== shape.reduce((a, b) => a * b, 1) || !(data.buffer instanceof SharedArrayBuffer)) wrong.push(`${layer.path} ${name}`)
    }
  }
  const keys = new Set<string>()
  graph.nodes.forEach(({ key, layer, args, kwargs }, n) => {
    if (keys.has(key)) wrong.push(`two nodes ${key}`)
    keys.add(key)
    if (graph.layers[layer] === undefined) wrong.push(`${key} is of no layer`)
    for (const { node } of [...args, ...Object.values(kwargs)].flatMap(refsIn)) if (!(node < n)) wrong.push(`${key} reads ${node}`)
  })
  for (const { ref } of graph.outputs) if (graph.nodes[ref.node] === undefined) wrong.push('an output of no node')
  return wrong
}

t.test('every file by real Keras: all weights found, each of its shape and in shared memory, nodes in an order that can run', async (t) => {
  const names = readdirSync(folder)
  t.ok(names.length >= 60, `${names.length} files`)
  for (const name of names) {
    const { graph, layerOrder } = await open(name)
    t.same(wrongIn(graph), [], name)
    t.same([...layerOrder].sort(), Object.keys(graph.layers).sort(), `${name}: every layer in the order`)
  }
})

t.test('the sample models', async (t) => {
  for (const id of ['chars', 'nextchar', 'weather', 'weather-kind']) {
    const main = readdirSync(join(root, 'models', id)).find((name) => name.startsWith('model.'))!
    const { graph, keras, format } = await readModel({ main: join(root, 'models', id, main), weights: null })
    t.same(wrongIn(graph), [], id)
    t.ok([2, 3].includes(keras) && main.endsWith(format), id)
  }
})

/** Shape, sum, and sum by place; what weight_sums.py writes. */
function sumsOf ({ shape, data }: Weight): [readonly number[], number, number] {
  let [plain, placed] = [0, 0]
  data.forEach((value, n) => {
    plain += value
    placed += value * (n + 1)
  })
  return [shape, plain, placed]
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(b))

// test/goldens/make/weight_sums.py under each Keras wrote these.
for (const keras of ['keras2', 'keras3']) {
  t.test(`weights in the order and with the numbers that ${keras} gives`, async (t) => {
    const recorded = JSON.parse(readFileSync(join(root, `test/registry/weights.${keras}.json`), 'utf8')) as Record<string, [number[], number, number][]>
    for (const [name, expected] of Object.entries(recorded)) {
      const { graph, layerOrder } = await open(name)
      const found = layerOrder.flatMap((path) => all(graph.layers[path])).flatMap(({ weights }) => Object.values(weights)).map(sumsOf)
      t.same(found.map(([shape]) => shape), expected.map(([shape]) => shape), `${name}: shapes`)
      t.ok(found.every(([, plain, placed], n) => near(plain, expected[n][1]) && near(placed, expected[n][2])), `${name}: numbers`)
    }
    t.ok(Object.keys(recorded).length >= 12)
  })
}
