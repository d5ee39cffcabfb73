import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { describeModel, describeSample, describeWeights } from '../../src/describe/describe.ts'
import type { Weight } from '../../src/model.ts'
import { readModel } from '../../src/registry/read.ts'
import { decodeRequest } from '../../src/request/decode.ts'
import { readCases } from '../support/cases.ts'

const folder = fileURLToPath(new URL('../../../test/goldens/', import.meta.url))
const files = readdirSync(`${folder}models`)

t.test('models by real Keras: described, their weights all there bit for bit, their sample and their recorded inputs accepted', async (t) => {
  let count = 0
  let compared = 0
  for (const golden of readCases(`${folder}cases`)) {
    const main = files.find((name) => name === `${golden.id}.keras` || name === `${golden.id}.h5`)
    if (main === undefined) continue
    const file = await readModel({ main: `${folder}models/${main}`, weights: null })
    const entry = { key: 'm/1', id: 'm', version: 1, status: 'ready' as const, digest: 'sha256:0', file, meta: {} }
    const { batch } = decodeRequest(describeSample(entry), entry)
    t.equal(batch.size, 1, golden.id)
    // A model of one input is asked by its array, as check.mjs does: older Kerases name an input otherwise than it was called.
    const single = file.graph.inputs.length === 1 ? Object.values(golden.inputs)[0] : undefined
    const { inputs } = decodeRequest({ inputs: single ?? golden.inputs }, entry, 'predict').batch
    for (const { name } of file.graph.inputs) {
      const flat = [single ?? golden.inputs[name]].flat(Infinity) as number[]
      t.ok(flat.length === inputs[name].data.length && flat.every((x, n) => Math.fround(x) === inputs[name].data[n]), `${golden.id} ${name}`)
    }
    const { recurrentLayers, layers } = JSON.parse(JSON.stringify(describeModel(entry))) as { recurrentLayers: { tensors: string[] }[], layers: { calls: Call[] }[] }
    const names = new Set(recurrentLayers.flatMap(({ tensors }) => tensors))
    t.same(Object.keys(golden.expect).filter((name) => /\/(hidden|cell|gates\/\w+)$/.test(name) && !names.has(name)), [], `${golden.id}: every tensor of the golden is named`)
    const calls = layers.flatMap(({ calls }) => calls)
    const keys = calls.map(({ key }) => key)
    t.same(keys.toSorted(), file.graph.nodes.map(({ key }) => key).toSorted(), `${golden.id}: every call is told, once`)
    t.same(calls.flatMap(({ inbound }) => inbound).filter(({ key }) => !keys.includes(key)), [], `${golden.id}: what a call reads is told too`)
    for (const { key, shape, shapes = [shape!] } of calls) {
      for (const [index, own] of shapes.entries()) {
        const given = golden.expect[index === 0 ? `${key}/output` : `${key}/output_${index}`]
        if (given === undefined) continue
        const actual = sizesOf(given)
        t.ok(own.length === actual.length && own.every((size, axis) => size === null || size === actual[axis]), `${golden.id}: ${key} gives [${actual}], told [${own}]`)
        compared++
      }
    }

    const { weights } = JSON.parse(Buffer.from(describeWeights(entry, { values: true, layout: 'keras' })).toString()) as { weights: { data: unknown }[] }
    const listed = Float32Array.from(weights.flatMap(({ data }) => [data].flat(Infinity) as number[])).sort()
    const held = Float32Array.from(Object.values(file.graph.layers).flatMap(weightsOf).flatMap(({ data }) => [...data])).sort()
    t.ok(Buffer.from(listed.buffer).equals(Buffer.from(held.buffer)), `${golden.id}: the numbers of the file, no more and no fewer`)
    count++
  }
  t.ok(count >= 60)
  t.ok(compared >= 200, `${compared} shapes as Keras' own`)
})

interface Call { readonly key: string, readonly inbound: { key: string }[], readonly shape?: (number | null)[], readonly shapes?: (number | null)[][] }

const sizesOf = (value: unknown): number[] => Array.isArray(value) ? [value.length, ...sizesOf(value[0])] : []

/** Every weight that hangs on a layer, whatever it is wrapped in. */
function weightsOf (value: unknown): Weight[] {
  if (typeof value !== 'object' || value === null) return []
  if ('shape' in value && 'data' in value) return [value as Weight]
  return Object.values(value).flatMap(weightsOf)
}
