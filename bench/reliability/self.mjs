// Faults planted in a copy of dist/: the check of their row has to find them, and nothing without them. Needs `npm run build`.
//
//   node bench/reliability/self.mjs [leak digest queue]

import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { when } from '../machine.mjs'

const project = join(import.meta.dirname, '..', '..')
const results = join(project, 'bench', 'results', 'reliability')

/** `find` in a file of dist/src becomes `put`; then a script must say that its row is not held. */
const plants = {
  leak: {
    row: 30,
    plant: 'half a MiB kept of each request',
    script: ['soak.mjs', '--minutes', '0.5'],
    file: 'http/requests.js',
    find: /record\(request, reply\);\s+next\(\)/,
    put: (lines) => `(globalThis.kept ??= []).push(Buffer.alloc(2 ** 19, 1));\n${lines}`
  },
  digest: {
    row: 2,
    plant: 'a digest that is not checked',
    script: ['fuzz-files.mjs', '--format', 'shards', '--flips', '200'],
    file: 'registry/reader.js',
    find: /digest !== null && digest !== content\.digest/,
    put: () => 'false'
  },
  queue: {
    row: 21,
    plant: 'a queue without bounds',
    // Twice as many are enough to fill a queue, and what waits is soon worked off.
    script: ['overload.mjs', '--rounds', '3', '--times', '2'],
    file: 'server.js',
    find: /requests: settings\.QUEUE_LIMIT\b/,
    put: () => 'requests: Infinity'
  }
}

/** What the row's check says of a copy of the service, with the fault or without. */
function measure (name, planted) {
  const { row, script: [script, ...args], file, find, put } = plants[name]
  // Below the project, so that packages are found; git does not see it.
  const copy = join(project, '.tap', 'plants', name)
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(join(copy, 'bench'), { recursive: true })
  for (const part of ['dist', 'package.json', join('bench', 'http'), join('bench', 'reliability'), join('bench', 'machine.mjs')]) cpSync(join(project, part), join(copy, part), { recursive: true })
  for (const folder of ['models', 'test']) symlinkSync(join(project, folder), join(copy, folder))
  if (planted) {
    const path = join(copy, 'dist', 'src', file)
    const text = readFileSync(path, 'utf8')
    if (!find.test(text)) throw new Error(`${file} is another: there is no ${find}`)
    writeFileSync(path, text.replace(find, put))
  }
  spawnSync(process.execPath, [join('bench', 'reliability', script), ...args], { cwd: copy, stdio: 'inherit' })
  const result = JSON.parse(readFileSync(join(copy, 'bench', 'results', 'reliability', `${row}.json`), 'utf8'))
  rmSync(copy, { recursive: true })
  return result
}

const asked = process.argv.slice(2)
for (const name of asked.length > 0 ? asked : Object.keys(plants)) {
  const without = measure(name, false)
  const found = measure(name, true)
  const held = without.held && !found.held
  const { row, plant } = plants[name]
  mkdirSync(results, { recursive: true })
  const says = ({ held, got }) => `${held ? 'held' : 'not held'}: ${got}`
  writeFileSync(join(results, `self-${name}.json`), `${JSON.stringify({ row, plant, without: says(without), got: says(found), held, when: when() }, null, 2)}\n`)
  console.log(`${plant}: ${held ? 'found' : 'NOT FOUND'}`)
  if (!held) process.exitCode = 1
}
