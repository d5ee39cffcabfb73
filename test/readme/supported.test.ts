import { readFileSync } from 'node:fs'
import t from 'tap'
import { layers } from '../../src/layers/table.ts'
import type { Layer } from '../../src/model.ts'
import { activationNames } from '../../src/ops/activations.ts'
import { cells, classOf, models } from '../../src/registry/classes.ts'
import { findModels } from '../../src/registry/folders.ts'
import { readModel, savedModelReason } from '../../src/registry/read.ts'

const page = readFileSync('README.md', 'utf8')
const supported = page.slice(page.indexOf('\n## What is supported\n'), page.indexOf('\n## More\n'))

/** The rows of the table under this head: first cell, second cell. */
function rows (head: string): [string, string][] {
  const start = supported.indexOf(head)
  if (start < 0) throw new Error(`README.md has no table ${head}`)
  const table = supported.slice(start, supported.indexOf('\n\n', start))
  return table.split('\n').slice(2).map((row) => row.split('|').slice(1, 3) as [string, string])
}
const named = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
const namedIn = (head: string): string[] => rows(head).flatMap(([, cell]) => named(cell))
const sorted = (names: Iterable<string>): string[] => [...names].sort()

t.test('the table of layers has every class that can be computed, once, and no other', async (t) => {
  const computed = [...[...layers.keys()].filter((name) => !name.startsWith('ops.')), ...cells, ...models, 'InputLayer']
  t.same(sorted(namedIn('| | classes |')), sorted(computed))
})

t.test('so has the table of operations', async (t) => {
  // WithMask stands in no file: the registry makes it.
  const computed = [...layers.keys()].flatMap((name) => name.startsWith('ops.') && name !== 'ops.WithMask' ? [name.slice('ops.'.length)] : [])
  t.same(sorted(namedIn('| | operations |')), sorted(computed))
})

t.test('old names of classes are known as something else', async (t) => {
  const old = named(/^Under their old names too: (.*)$/m.exec(supported)?.[1] ?? '')
  t.ok(old.length > 3)
  for (const name of old) t.not(classOf({ class_name: name, config: {} }, name).className, name)
})

t.test('the table of activations has those of each Keras', async (t) => {
  const table = rows('| activations of | names |')
  const shown = (keras: string): string[] => sorted(table.flatMap(([of, names]) => of.includes(keras) || of.includes('1 to 3') ? named(names) : []))
  t.same(shown('Keras 1'), activationNames(1))
  t.same(shown('and 2'), activationNames(2))
  t.same(shown('Keras 3'), activationNames(3))
})

t.test('every option of the table, and every class but those named, is in a golden', async (t) => {
  const classes = new Set<string>()
  const options = new Set<string>()
  const note = ({ className, config, children }: Layer): void => {
    classes.add(className)
    for (const [option, value] of Object.entries(config)) options.add(`${className} ${option}: ${JSON.stringify(value)}`)
    for (const child of Object.values(children)) note(child)
  }
  for (const { main, weights } of await findModels('test/goldens/models')) {
    // Whether each of them opens is for test/goldens to say.
    const model = await readModel({ main: main!, weights }).catch(() => null)
    for (const layer of Object.values(model?.graph.layers ?? {})) note(layer)
  }
  for (const [of, some] of rows('| layers | options |')) {
    for (const className of named(of)) {
      for (const option of named(some)) t.ok(options.has(`${className} ${option}`), `${className} ${option}`)
    }
  }
  const [, layersWithout, operationsWithout] = /^Without a golden of their own.*: the layers (.*) and the operations (.*)\.$/m.exec(supported)!
  const without = new Set([...named(layersWithout), ...named(operationsWithout).map((name) => `ops.${name}`)])
  for (const name of [...layers.keys(), ...cells]) t.ok(classes.has(name) || without.has(name), name)
})

t.test('a SavedModel is converted by the line that the service gives', async (t) => {
  const lines = named(savedModelReason())
  t.equal(lines.length, 2)
  for (const line of lines) t.ok(page.includes(`\`${line}\``), line)
})
