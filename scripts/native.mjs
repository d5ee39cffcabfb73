// The native engine: its C++ (src/ops/native) compiled to dist/native, where there is a compiler. Without one onnxruntime computes in its place.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compilers } from './engine/addon.mjs'
import { nodeApiHeaders, projectFolder } from './engine/names.mjs'

const sources = join(projectFolder, 'src', 'ops', 'native')
const out = join(projectFolder, 'dist', 'native')
const addon = join(out, 'statescope.node')
const noteFile = join(out, 'note.json')

/** Once for each instruction set: which the machine has is asked when the addon is loaded. */
const sets = process.arch === 'x64'
  ? [['base', 4], ['avx2', 8, '-mavx2', '-mfma'], ['avx512', 16, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma']]
  : [['base', 4]]
// What is not a number stays so and nothing is reordered: no -ffast-math. Errors of functions are told by their results, not by errno or traps.
const flags = ['-std=c++20', '-O3', '-fPIC', '-fno-math-errno', '-fno-trapping-math', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION']
const linked = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-pthread', '-static-libstdc++', '-static-libgcc']

/** Compiles it where its sources have changed or it is not there; says what is missing, and leaves that in dist/native/note.json, where the service finds it. */
export function buildNative () {
  if (!existsSync(sources)) return
  const files = ['kernels.h', 'kernels.cc', 'helpers.h', 'program.h', 'program.cc', 'addon.cc']
  const stamp = files.reduce((hash, name) => hash.update(readFileSync(join(sources, name))), createHash('sha256').update(JSON.stringify([sets, flags, linked, process.arch]))).digest('hex')
  if (existsSync(addon) && note().stamp === stamp) return
  mkdirSync(out, { recursive: true })
  rmSync(addon, { force: true })
  try {
    const compiler = compilers().find(command => spawnSync(command, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0)
    if (compiler === undefined) throw new Error('there is no C++ compiler (install g++)')
    console.error('build: compiling the native engine')
    const object = name => join(out, `${name}.o`)
    for (const [name, lanes, ...instructions] of sets) run(compiler, [...flags, `-DSET=${name}`, `-DLANES=${lanes}`, ...instructions, '-c', join(sources, 'kernels.cc'), '-o', object(name)])
    for (const name of ['program', 'addon']) run(compiler, [...flags, `-I${nodeApiHeaders()}`, '-c', join(sources, `${name}.cc`), '-o', object(name)])
    const objects = [...sets.map(([name]) => name), 'program', 'addon'].map(object)
    const fresh = join(out, 'fresh.node')
    run(compiler, ['-shared', ...objects, ...linked, '-o', fresh])
    run(process.execPath, ['-e', 'require(process.argv[1])', fresh])
    renameSync(fresh, addon)
    writeFileSync(noteFile, JSON.stringify({ stamp }))
  } catch ({ message }) {
    console.error(`build: no native engine, onnxruntime takes its place: ${message}`)
    writeFileSync(noteFile, JSON.stringify({ reason: message }))
  } finally {
    for (const name of readdirSync(out)) if (/\.o$|^fresh/.test(name)) rmSync(join(out, name))
  }
}

function note () {
  try {
    return JSON.parse(readFileSync(noteFile, 'utf8'))
  } catch {
    return {}
  }
}

function run (command, args) {
  const { status, signal, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 300_000 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${command} ended with ${status ?? signal}: ${stderr.split('\n').find(line => /error/i.test(line)) ?? stderr.slice(0, 400)}`)
}
