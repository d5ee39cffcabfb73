// npm test [-- FILES AND TAP OPTIONS]: engine, build, then tap over the compiled tests.
//
//   npm test                               all but the slow ones
//   npm test -- --slow                     all
//   npm test -- test/ops/engine.test.ts    some files, by source or compiled name
//
// With CI=true a skipped test is a failed one. The last line says `N passed, N failed`, in assertions.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { projectFolder } from './engine/names.mjs'
import { Failures } from './failures.mjs'
import { buildStep, engineStep } from './steps.mjs'

await engineStep(process.env.ENGINE || undefined)
buildStep()

const args = process.argv.slice(2)
const slow = args.includes('--slow')
const options = args.filter(arg => arg.startsWith('-') && arg !== '--slow')
const named = args.filter(arg => !arg.startsWith('-')).map(compiled)
const files = named.length > 0 ? named : testFiles()
const { status, text, failures } = await tap([...process.env.CI === 'true' ? ['--fail-skip'] : [], ...options, ...files])
const { passed, failed, skipped } = counts(text)
// A file that ends too early fails without a failed assertion.
const lost = status !== 0 && failed === 0 ? 1 : 0
for (const failure of failures) console.log(`not ok: ${failure}\n`)
if (skipped > 0) console.log(`${skipped} skipped`)
console.log(`${passed} passed, ${failed + lost} failed`)
process.exitCode = status === 0 && failed === 0 && passed > 0 ? 0 : status || 1

// Runs tap; `text` is what it wrote, its closing comment at least. In a terminal tap draws, and its plain output goes to a file;
// elsewhere the plain output is what is printed.
async function tap (args) {
  const drawn = process.stdout.isTTY
  const output = join(projectFolder, '.tap', 'results.tap')
  mkdirSync(dirname(output), { recursive: true })
  rmSync(output, { force: true })
  const runner = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist', 'esm', 'run.mjs')
  const child = spawn(process.execPath, [runner, 'run', ...drawn ? [`--output-file=${output}`] : ['--reporter=tap'], ...args], {
    cwd: projectFolder,
    stdio: ['inherit', drawn ? 'inherit' : 'pipe', 'inherit'],
    // The tests are compiled: tap need not load a TypeScript compiler for each of them.
    env: { ...process.env, TAP_TYPE_STRIP_ONLY: '1', TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '2' }
  })
  let text = ''
  const failures = new Failures()
  child.stdout?.on('data', chunk => {
    process.stdout.write(chunk)
    text = (text + chunk).slice(-10_000)
    failures.write(chunk)
  })
  const status = await new Promise(resolve => child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal])))
  if (drawn && existsSync(output)) failures.write(text = readFileSync(output, 'utf8'))
  return { status, text, failures: failures.texts() }
}

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

// tap closes with a comment that has the totals of all files.
function counts (text) {
  const totals = [...text.matchAll(/^# \{ total: .*\}$/gm)].at(-1)?.[0] ?? ''
  const number = key => Number(new RegExp(`\\b${key}: (\\d+)`).exec(totals)?.[1] ?? 0)
  return { passed: number('pass'), failed: number('fail') + number('todo'), skipped: number('skip') }
}
