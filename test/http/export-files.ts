import { cpSync } from 'node:fs'
import type { Test } from 'tap'
import type { Values } from '../../src/model.ts'
import { open, type Opened } from '../export/reading.ts'
import { flatten, readCases, shapeOf, type Case } from '../support/cases.ts'
import { call, inProject, serve } from './support.ts'

const kinds = ['hidden', 'cell', 'gates', 'final', 'output', 'preactivations', 'contributions']

interface Described { inputs: { name: string, shape: (number | null)[] }[], outputs: { name: string }[], layers: { type: string, keys: string[] }[] }

/** The inputs of a golden for another number of sequences, and where a second axis is open of another length. */
function inputsFor ({ inputs }: Case, { inputs: slots }: Described, size: number, length: number | null): Record<string, unknown> {
  return Object.fromEntries(slots.map(({ name, shape }, n) => {
    const all = (inputs[name] ?? Object.values(inputs)[n]) as unknown[][]
    const rows = Array.from({ length: size }, (_, row) => all[row % all.length])
    return [name, length === null || shape[1] !== null ? rows : rows.map((row) => Array.from({ length }, (_, step) => row[step % row.length]))]
  }))
}

const arrayOf = (nested: unknown): Values => ({ shape: shapeOf(nested), data: Float32Array.from((nested as number[]).flat(Infinity) as number[], Number) })

/** Relative to max(1, |value|), as float32 is written in JSON; what is not finite is null there. */
function distance (own: Values, expected: unknown): number {
  const { shape, data } = arrayOf(expected)
  if (shape.join() !== own.shape.join()) return Infinity
  return data.reduce((worst, value, n) => Math.max(worst, Number.isFinite(own.data[n]) ? Math.abs(own.data[n] - value) / Math.max(1, Math.abs(value)) : 0), 0)
}

/** Holds the files of these goldens against the answers of the service, over batches and lengths. Gives the address of the service that has them. */
export async function holdFiles (t: Test, ids: readonly string[]): Promise<string> {
  const cases = readCases(inProject('test/goldens/cases')).filter(({ id }) => ids.includes(id))
  t.equal(cases.length, ids.length, 'each is there')
  const folder = t.testdir({})
  for (const { id } of cases) for (const ending of ['h5', 'keras']) if (id.endsWith(ending)) cpSync(inProject(`test/goldens/models/${id}.${ending}`), `${folder}/${id}.${ending}`)
  const { url } = await serve(t, folder)
  for (const one of cases) {
    t.test(`${one.id}: the file gives what /hidden-states answers`, async (t) => {
      const { body: model } = await call<Described>(`${url}/models/${one.id}`)
      const layers = model.layers.filter(({ type }) => type !== 'InputLayer' && !type.startsWith('ops.')).flatMap(({ keys }) => keys)
      const fileOf = async (outputs: readonly string[]): Promise<Opened> => {
        const response = await fetch(`${url}/models/${one.id}/export?format=onnx&outputs=${encodeURIComponent(JSON.stringify(outputs))}`)
        t.equal(response.status, 200)
        return await open(new Uint8Array(await response.arrayBuffer()))
      }
      const file = await fileOf(layers)
      // Without the gates kernels do the recurrence, where there are some.
      const slim = await fileOf(file.outputs.filter((name) => /\/(hidden|cell)$/.test(name)))
      const lengths = model.inputs.some(({ shape }) => shape[1] === null) ? [null, 1, 7] : [null]
      for (const size of [1, 2, 5]) {
        for (const length of lengths) {
          const inputs = inputsFor(one, model, size, length)
          const { status, body } = await call(`${url}/hidden-states`, { model: one.id, inputs: model.inputs.length === 1 ? Object.values(inputs)[0] : inputs, layers, tensors: kinds, outputs: true })
          t.equal(status, 200)
          const expected = new Map([...Object.entries(flatten(body.layers)).filter(([, value]) => Array.isArray(value) && typeof value[0] === 'object'), ...Object.entries(body.outputs as object)])
          const feeds = Object.fromEntries(Object.entries(inputs).map(([name, nested]) => [name, arrayOf(nested)]))
          const given = await file.run(feeds)
          const far = [...given, ...await slim.run(feeds)].map(([name, values]): [string, number] => [name, distance(values, expected.get(expected.has(name) ? name : name.replace(/\/output$/, '')))])
          t.same(far.filter(([, distance]) => !(distance <= 1e-6)), [], `batch ${size}, ${length ?? 'its own'} steps`)
          t.same([...expected.keys()].filter((name) => !given.has(name) && !given.has(`${name}/output`)), [], 'nothing is left out')
        }
      }
      await file.close()
      await slim.close()
    })
  }
  return url
}
