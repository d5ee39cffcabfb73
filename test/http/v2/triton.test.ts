import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { inProject, serve } from '../support.ts'

/** A Python that has test/http/v2/requirements.txt: TRITON_PYTHON, or the environment that .ci/run keeps in the cache. */
function pythonWithClient (): string | null {
  const { STATESCOPE_CACHE, XDG_CACHE_HOME, TRITON_PYTHON } = process.env
  const cache = STATESCOPE_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'statescope')
  const places = [...TRITON_PYTHON === undefined || TRITON_PYTHON === '' ? [] : [TRITON_PYTHON], join(cache, 'triton', 'bin', 'python')]
  return places.find((place) => spawnSync(place, ['-c', 'import tritonclient.http.aio'], { stdio: 'ignore', timeout: 60_000 }).status === 0) ?? null
}

interface Check { readonly name: string, readonly error: string | null }

/** Does not block: the service is in this process. */
function checksOf (python: string, args: readonly string[]): Promise<Check[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, [inProject('test/http/v2/triton.py'), ...args], { timeout: 120_000 })
    let out = ''
    let words = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { words += text })
    child.once('error', reject)
    child.once('close', (status, signal) => {
      if (status === 0) resolve(JSON.parse(out) as Check[])
      else reject(new Error(`triton.py ended with ${status ?? signal}: ${words}`))
    })
  })
}

const python = pythonWithClient()

t.test('the unmodified tritonclient, sync and aio', { skip: python === null && 'no Python with tritonclient: install test/http/v2/requirements.txt and set TRITON_PYTHON' }, async (t) => {
  const folder = t.testdir()
  const id = 'embed-any-k3-keras'
  copyFileSync(inProject(`test/goldens/models/${id}.keras`), join(folder, `${id}.keras`))
  writeFileSync(join(folder, 'broken.h5'), 'no model')
  const { url } = await serve(t, folder)
  const checks = await checksOf(python!, [new URL(url).host, inProject(`test/goldens/cases/${id}.json`), id])
  t.ok(checks.length >= 11, 'all of them')
  for (const { name, error } of checks) t.equal(error, null, name)
})
