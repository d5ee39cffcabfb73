import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = fileURLToPath(new URL('../../src/', import.meta.url))

/** The way of the data: a room may import from its own row and from those further down. Types of any room are free: they are the contracts. */
const rows = [['start'], ['http'], ['lifecycle'], ['decode'], ['describe', 'export', 'generate'], ['request'], ['store'], ['registry'], ['plan'], ['pool'], ['studies'], ['run'], ['layers', 'cells'], ['ops'], ['trace']]
/** Outside the rooms, for all of them. */
const shared = ['model.ts', 'errors.ts']

interface Import { readonly target: string, readonly typeOnly: boolean }

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name)).map((name) => name.split(sep).join('/'))
/** The page of the inspector runs in a browser: a client, and no part of the way. */
const inspector = (file: string): boolean => file.startsWith('inspector/')
const files = sources.filter((file) => !inspector(file))

function importsOf (text: string): Import[] {
  const statements = [...text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm)].map(([, type, target]) => ({ target, typeOnly: type !== undefined }))
  const calls = [...text.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g)].map(([, target]) => ({ target, typeOnly: false }))
  return [...statements, ...calls]
}

const imports = new Map(files.map((file) => [file, importsOf(readFileSync(join(src, file), 'utf8'))]))
const resolved = (from: string, target: string): string => normalize(join(dirname(from), target)).split(sep).join('/')
const room = (file: string): string => file.includes('/') ? file.slice(0, file.indexOf('/')) : 'start'
const row = (file: string): number => rows.findIndex((row) => row.includes(room(file)))

/** Every file and every package that runs when `entry` is imported; packages by the file that imports them. */
function reachedFrom (entry: string): { files: Set<string>, packages: Map<string, string> } {
  const packages = new Map<string, string>()
  const seen = new Set([entry])
  for (const file of seen) {
    for (const { target, typeOnly } of imports.get(file) ?? []) {
      if (typeOnly) continue
      if (target.startsWith('.')) seen.add(resolved(file, target))
      else packages.set(target, file)
    }
  }
  return { files: seen, packages }
}

const packagesFrom = (entry: string): Map<string, string> => reachedFrom(entry).packages

t.test('imports are found, in all their forms', async (t) => {
  t.same(importsOf("import a from 'a'\nimport type { B } from 'b'\nimport {\n  c,\n  type D\n} from './c.ts'\nimport 'd'\nexport * from 'e'\nawait import('f')\nrequire('g')"), [
    { target: 'a', typeOnly: false },
    { target: 'b', typeOnly: true },
    { target: './c.ts', typeOnly: false },
    { target: 'd', typeOnly: false },
    { target: 'e', typeOnly: false },
    { target: 'f', typeOnly: false },
    { target: 'g', typeOnly: false }
  ])
})

t.test('every file stands in a known room, and every import is of a file that is there', async (t) => {
  t.ok(files.length > 50)
  for (const [file, targets] of imports) {
    t.ok(shared.includes(file) || row(file) >= 0, file)
    for (const { target } of targets) if (target.startsWith('.')) t.ok(imports.has(resolved(file, target)), `${file} imports ${target}`)
  }
})

t.test('no import goes back against the way of the data', async (t) => {
  const back: string[] = []
  for (const [file, targets] of imports) {
    for (const { target, typeOnly } of targets) {
      if (!target.startsWith('.') || typeOnly) continue
      const to = resolved(file, target)
      if (!shared.includes(to) && (shared.includes(file) || row(to) < row(file))) back.push(`${file} -> ${to}`)
    }
  }
  t.same(back, [])
})

t.test('the main thread never imports tensorflow, a worker never imports the server', async (t) => {
  const main = packagesFrom('cli.ts')
  const worker = packagesFrom('pool/worker.ts')
  t.ok(main.has('fastify'), 'the walk reaches the server')
  t.ok([...worker.keys()].some((name) => name.startsWith('@tensorflow/')), 'the walk reaches the engine')
  t.same([...main].filter(([name]) => name.startsWith('@tensorflow/')), [])
  t.same([...worker].filter(([name]) => /^(@?fastify|pino|close-with-grace|env-schema)/.test(name)), [])
})

t.test('model files are parsed in a process of their own, which knows neither the server nor an engine', async (t) => {
  const main = reachedFrom('cli.ts')
  const reader = reachedFrom('registry/reader.ts')
  const parsers = ['registry/formats/hdf5.ts', 'registry/formats/keras.ts', 'registry/topology.ts']
  for (const file of parsers) t.ok(reader.files.has(file) && !main.files.has(file), file)
  t.same([...reader.packages].filter(([name]) => /^(@?fastify|pino|@tensorflow|onnxruntime)/.test(name)), [])
})

t.test('the inspector is a client: it imports nothing of the service, and the service nothing of it', async (t) => {
  const page = sources.filter(inspector)
  t.ok(page.length > 10)
  for (const file of page) {
    for (const { target } of importsOf(readFileSync(join(src, file), 'utf8'))) {
      if (target.startsWith('.')) t.ok(inspector(resolved(file, target)) && existsSync(join(src, resolved(file, target))), `${file} imports ${target}`)
      else t.match(target, /^(preact|@preact|echarts|fflate|papaparse|ml-hclust|@dagrejs)(\/|$)/, `${file} imports ${target}`)
    }
  }
  for (const [file, targets] of imports) for (const { target } of targets) t.notMatch(target, /\.\.\/inspector\//, file)
})

t.test('each room says what belongs there', async (t) => {
  for (const name of new Set(files.filter((file) => file.includes('/')).map((file) => dirname(file)))) t.ok(existsSync(join(src, name, 'README.md')), `src/${name}/README.md`)
})
