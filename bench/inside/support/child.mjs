// Runs a function of a module in a process of its own: native libraries read their number of threads from the environment, once.

import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

/** The result of `module[name](argument)` in a new process. `cores`: it may use the first of them only. */
export async function inProcess (module, name, argument, { env = {}, cores = availableParallelism() } = {}) {
  const script = fileURLToPath(new URL('runner.mjs', import.meta.url))
  const all = cores >= availableParallelism()
  const child = fork(script, [module, name, JSON.stringify(argument)], {
    execPath: all ? process.execPath : 'taskset',
    execArgv: [...(all ? [] : ['-c', `0-${cores - 1}`, process.execPath]), '--expose-gc'],
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', ...env }
  })
  return await new Promise((resolve, reject) => {
    let answer
    child.on('message', (message) => { answer = message })
    child.on('error', reject)
    child.on('exit', (code) => answer === undefined ? reject(new Error(`${name} of ${module} ended with ${code}`)) : resolve(answer))
  })
}
