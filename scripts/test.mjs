// npm test [-- FILES AND TAP OPTIONS]: engine, build, then tap over the compiled tests.
//
//   npm test                               all but the slow ones
//   npm test -- --slow                     all
//   npm test -- test/ops/engine.test.ts    some files, by source or compiled name
//
// With CI=true a skipped test is a failed one. The last line says `N passed, N failed`, in assertions.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { projectFolder } from './engine/names.mjs'
import { buildStep, engineStep } from './steps.mjs'

await engineStep(process.env.ENGINE || undefined)
buildStep()

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const options = args.filter(arg => arg.startsWith('-') && arg !== '--slow')
const named = args.filter(arg => !arg.startsWith('-')).map(compiled)
const files = named.length > 0 ? named : testFiles()
const output = join(projectFolder, '.tap', 'results.tap')
mkdirSync(dirname(output), { recursive: true })
rmSync(output, { force: true })

const require = createRequire(import.meta.url)
const tap = join(dirname(require.resolve('tap/package.json')), 'dist', 'esm', 'run.mjs')
const { status } = spawnSync(process.execPath, [
  tap, 'run', `--output-file=${output}`, ...process.env.CI === 'true' ? ['--fail-skip'] : [], ...options, ...files
], {
  cwd: projectFolder,
  stdio: 'inherit',
  // The tests are compiled: tap need not load a TypeScript compiler for each of them.
  env: { ...process.env, TAP_TYPE_STRIP_ONLY: '1', TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '2' }
})

const { passed, failed, skipped } = counts()
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : status || 1

function testFiles () {
  return readdirSync(join(projectFolder, 'dist', 'test'), { recursive: true })
    .filter(name => name.endsWith('.test.js') && (slow || !name.endsWith('.slow.test.js')))
    .map(name => join('dist', 'test', name))
    .sort()
}

// test/room/name.test.ts is dist/test/room/name.test.js to tap.
function compiled (name) {
  const path = relative(projectFolder, resolve(name))
  if (!/^test[/\\].*\.ts$/.test(path)) return path
  return join('dist', path.replace(/\.ts$/, '.js'))
}

// tap closes its output with a comment that has the totals of all files.
function counts () {
  const text = existsSync(output) ? readFileSync(output, 'utf8') : ''
  const totals = [...text.matchAll(/^# \{ total: .*\}$/gm)].at(-1)?.[0] ?? ''
  const number = key => Number(new RegExp(`\\b${key}: (\\d+)`).exec(totals)?.[1] ?? 0)
  return { passed: number('pass'), failed: number('fail') + number('todo'), skipped: number('skip') }
}
