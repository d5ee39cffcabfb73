// Row 31: Schemathesis makes requests from the service's own /openapi.json, right ones and wrong ones, and holds the answers to it, by all its checks.
// The routes of administration have a service of their own, whose models they may take away. Needs `npm run build`, and Python for Schemathesis.
//
//   node bench/reliability/contract.mjs [--cases 10000] [--seed 1]

import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const { values } = parseArgs({ options: { cases: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } } })
const wanted = Number(values.cases)
const home = mkdtempSync(join(tmpdir(), 'contract-'))
const requirements = join(import.meta.dirname, 'requirements.txt')

/** Schemathesis in an environment of its own, kept, and made anew when its list changes. */
function setUp () {
  const folder = join(process.env.STATESCOPE_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'statescope'), 'schemathesis')
  const kept = join(folder, 'requirements.txt')
  if (!existsSync(kept) || readFileSync(kept, 'utf8') !== readFileSync(requirements, 'utf8')) {
    rmSync(folder, { recursive: true, force: true })
    execFileSync(process.env.PYTHON ?? 'python3', ['-m', 'venv', folder], { stdio: 'inherit' })
    execFileSync(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '--requirement', requirements], { stdio: 'inherit' })
    copyFileSync(requirements, kept)
  }
  return join(folder, 'bin', 'schemathesis')
}

/** One run; how many cases it made, of how many operations, and what failed. */
async function attack (schemathesis, url, token, seed, more) {
  const reports = mkdtempSync(join(home, 'report-'))
  const child = spawn(schemathesis, ['--config-file', join(import.meta.dirname, 'schemathesis.toml'), 'run', `${url}/openapi.json`, '--header', `Authorization: Bearer ${token}`,
    '--checks', 'all', '--seed', String(seed), '--continue-on-failure', '--no-color', '--report', 'json', '--report-dir', reports, ...more], { cwd: home, stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (data) => { said += data })
  await new Promise((resolve) => child.once('close', resolve))
  const name = readdirSync(reports).find((name) => name.endsWith('.json'))
  if (name === undefined) throw new Error(`Schemathesis did not run: ${said}`)
  const { test_cases: cases, operations, failures, errors } = JSON.parse(readFileSync(join(reports, name), 'utf8'))
  if (failures.length + errors.length > 0) console.log(said.slice(said.indexOf('= FAILURES')))
  return { cases: cases.generated, operations: operations.selected, failed: failures.length + errors.length }
}

const schemathesis = setUp()
const tokens = { API_TOKEN: 'reader', ADMIN_TOKEN: 'keeper' }
const total = { cases: 0, failed: 0, operations: 0 }
const broken = []
cpSync('models', join(home, 'models'), { recursive: true })
const administration = ['--include-path-regex', '^/models/.id./versions|^/v2/repository']
// Where models come and go, a link of theirs may lead nowhere: no sequences of calls there.
const turns = [
  { token: 'reader', env: tokens, share: 0.9, more: [] },
  { token: 'keeper', env: { ...tokens, MODELS_DIR: join(home, 'models') }, share: 0.1, more: [...administration, '--phases', 'examples,coverage,fuzzing'] }
]
for (const { token, env, share, more } of turns) {
  const service = await startProcess(env, { authorization: `Bearer ${token}` })
  for (let made = 0, seed = Number(values.seed); made < wanted * share; seed++) {
    // A run makes some thousand cases, most of them the same in every one.
    const { cases, operations, failed } = await attack(schemathesis, service.url, token, seed, [...more, '--max-examples', '40', '--max-time', '300'])
    made += cases
    total.cases += cases
    total.failed += failed
    total.operations = Math.max(total.operations, operations)
    if (cases === 0) throw new Error('Schemathesis made no case')
  }
  if (!service.alive()) broken.push('the process is gone')
  else if (token === 'reader') broken.push(...await service.check())
  await service.stop()
}
rmSync(home, { recursive: true })

const held = total.failed === 0 && broken.length === 0 && total.cases >= wanted
writeRow({
  row: 31,
  fault: 'the API and its own description: right and wrong requests made from it, all checks of Schemathesis',
  wanted: `0 failures in ${wanted.toLocaleString('en')} cases`,
  got: `${total.failed} failures in ${total.cases.toLocaleString('en')} cases over ${total.operations} operations${broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`}`,
  held,
  how: 'node bench/reliability/contract.mjs'
})
if (!held) process.exitCode = 1
