// What a result was measured on.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'

const project = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const packages = ['fastify', 'onnxruntime-node', '@tensorflow/tfjs-node']

/** The day and the commit, in words. */
export function when () {
  const git = (...args) => execFileSync('git', args, { cwd: project, encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', '--untracked-files=no', 'src') !== ''
  return `${new Date().toISOString().slice(0, 10)}, commit ${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`
}

/** The machine and the versions, in words. */
export function machine () {
  const versions = packages.map((name) => `${name} ${JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')).version}`)
  return {
    cpu: `${cpus()[0].model.trim()}, ${availableParallelism()} cores${avx512() ? ' with AVX-512' : ''}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    versions: [`Node ${process.version.slice(1)}`, ...versions, `TensorFlow ${tensorflow()} under tfjs-node`].join(', '),
    rivals: readFileSync(join(import.meta.dirname, 'rivals', 'requirements.txt'), 'utf8').trim().split('\n').map((line) => line.replace('==', ' ')).join(', ')
  }
}

const avx512 = () => { try { return readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f') } catch { return false } }

function tensorflow () {
  try {
    return JSON.parse(readFileSync(require.resolve('@tensorflow/tfjs-node/statescope-engine.json'), 'utf8')).tensorflow
  } catch {
    return 'not set up'
  }
}
