import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import t from 'tap'
import { attributes } from '../../src/ops/eager/attributes.ts'

t.test('every attribute that tfjs-node and this project name is made known before a second thread starts', async (t) => {
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-node/package.json'))
  const compiled = readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js') && !name.endsWith('_test.js')).map((name) => join(folder, 'dist', name))
  const own = readdirSync('src/ops', { recursive: true, encoding: 'utf8' }).filter((name) => name.startsWith('eager') && name.endsWith('.ts')).map((name) => join('src/ops', name))
  const named = new Set([...compiled, ...own].flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/(?:OpAttr\)?\(+|name: )'(\w+)'/g)].map(([, name]) => name)))
  t.ok(named.size > 80, `${named.size} found`)
  // An optimizer's name stands as an attribute's does.
  named.delete('SGD')
  t.same([...named].filter((name) => !attributes.includes(name)), [])
})
