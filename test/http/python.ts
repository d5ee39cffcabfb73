import { spawn, spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { inProject } from './support.ts'

/** A Python that can import `modules` of test/http/v2/requirements.txt: TRITON_PYTHON, or the environment that .ci/run keeps in the cache. */
export function pythonWith (modules: string): string | null {
  const { STATESCOPE_CACHE, XDG_CACHE_HOME, TRITON_PYTHON } = process.env
  const cache = STATESCOPE_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'statescope')
  const places = [...TRITON_PYTHON === undefined || TRITON_PYTHON === '' ? [] : [TRITON_PYTHON], join(cache, 'triton', 'bin', 'python')]
  return places.find((place) => spawnSync(place, ['-c', `import ${modules}`], { stdio: 'ignore', timeout: 60_000 }).status === 0) ?? null
}

export interface Check { readonly name: string, readonly error: string | null }

/** What a program of this project prints: its checks. Does not block, as the service is in this process. */
export function checksOf (python: string, program: string, args: readonly string[]): Promise<Check[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, [inProject(program), ...args], { timeout: 120_000, env: { ...process.env, PYTHONPATH: inProject('test/http') } })
    let out = ''
    let words = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text })
    child.stderr.setEncoding('utf8').on('data', (text: string) => { words += text })
    child.once('error', reject)
    child.once('close', (status, signal) => {
      if (status === 0) resolve(JSON.parse(out) as Check[])
      else reject(new Error(`${program} ended with ${status ?? signal}: ${words}`))
    })
  })
}
