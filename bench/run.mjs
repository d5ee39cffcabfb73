// npm run bench -- [part ...]: runs the parts named, or all, each in a process of its own, then renders docs/benchmarks.md from all results there are.
// BENCH_ROUNDS, and over HTTP BENCH_SECONDS (of a round), stand in for what the parts choose themselves.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { write } from './write.mjs'

const files = [...partsIn('scenarios'), ...partsIn('inside')]
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !files.some((file) => nameOf(file) === name))
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}. The parts are ${files.map(nameOf).join(', ')}.`)
  process.exit(2)
}

const given = (name, setting) => process.env[setting] ? { [name]: Number(process.env[setting]) } : {}
const options = { scenarios: { ...given('rounds', 'BENCH_ROUNDS'), ...given('seconds', 'BENCH_SECONDS') }, inside: given('rounds', 'BENCH_ROUNDS') }

const failed = []
for (const file of files.filter((file) => wanted.length === 0 || wanted.includes(nameOf(file)))) {
  console.log(`\n${nameOf(file)}`)
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, 'part.mjs'), file, JSON.stringify(options[basename(dirname(file))])], { stdio: 'inherit' })
  if (status !== 0) failed.push(nameOf(file))
}
write(files.map(nameOf))
if (failed.length > 0) {
  console.error(`Failed, so that their old results stand: ${failed.join(', ')}.`)
  process.exit(1)
}

function nameOf (file) {
  return basename(file, '.mjs')
}

/** The modules of a folder that are parts: those that export `run`. The LSTM comes first, as most targets are its. */
function partsIn (folder) {
  const path = join(import.meta.dirname, folder)
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.mjs')).sort() : []
  const first = ['lstm.mjs', 'kernel.mjs']
  return [...first.filter((name) => names.includes(name)), ...names.filter((name) => !first.includes(name))].map((name) => join(path, name))
    .filter((file) => /^export (async )?(function|const) run\b/m.test(readFileSync(file, 'utf8')))
}
