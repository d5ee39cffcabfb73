// The native addons: their C++ compiled to dist/native, where there is a compiler. Without one onnxruntime computes in the place of the native engine, and lists of numbers are read by TypeScript.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compilers } from './engine/addon.mjs'
import { nodeApiHeaders, projectFolder } from './engine/names.mjs'

const sources = join(projectFolder, 'src')
const out = join(projectFolder, 'dist', 'native')
const noteFile = join(out, 'note.json')
const addonFile = name => join(out, `${name}.node`)

/** By their names: floats of a register, and what the compiler is told. Which the machine has is asked when an addon is loaded. */
const sets = process.arch === 'x64'
  ? { base: [4], avx2: [8, '-mavx2', '-mfma'], avx512: [16, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx2', '-mfma'] }
  : { base: [4] }
/** The folder of each, its file that is made once for each of some instruction sets, if it has one, and its others. */
const addons = {
  statescope: { folder: 'ops/native', varied: 'kernels', by: ['base', 'avx2', 'avx512'], once: ['program', 'addon'] },
  numbers: { folder: 'request/native', varied: 'numbers', by: ['base', 'avx2'], once: ['addon'] },
  copying: { folder: 'trace/native', by: [], once: ['addon'] }
}
// What is not a number stays so and nothing is reordered: no -ffast-math. Errors of functions are told by their results, not by errno or traps.
const flags = ['-std=c++20', '-O3', '-fPIC', '-fno-math-errno', '-fno-trapping-math', '-DNAPI_VERSION=8', '-DBUILDING_NODE_EXTENSION']
const linked = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : ['-pthread', '-static-libstdc++', '-static-libgcc']

/** Compiles them where their sources have changed or one is not there; says what is missing, and leaves that in dist/native/note.json, where the service finds it. */
export function buildNative () {
  const here = Object.entries(addons).filter(([, { folder }]) => existsSync(join(sources, folder)))
  if (here.length === 0) return
  const names = here.map(([name]) => name)
  const files = ['node-api.h', ...here.flatMap(([, { folder }]) => readdirSync(join(sources, folder)).filter(name => /\.(cc|h)$/.test(name)).sort().map(name => join(folder, name)))]
  const stamp = files.reduce((hash, name) => hash.update(readFileSync(join(sources, name))), createHash('sha256').update(JSON.stringify([addons, sets, flags, linked, process.arch]))).digest('hex')
  if (names.every(name => existsSync(addonFile(name))) && note().stamp === stamp) return
  mkdirSync(out, { recursive: true })
  for (const name of names) rmSync(addonFile(name), { force: true })
  try {
    const compiler = compilers().find(command => spawnSync(command, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0)
    if (compiler === undefined) throw new Error('there is no C++ compiler (install g++)')
    console.error('build: compiling the native addons')
    for (const name of names) make(compiler, name)
    writeFileSync(noteFile, JSON.stringify({ stamp }))
  } catch ({ message }) {
    console.error(`build: no native engine, onnxruntime takes its place: ${message}`)
    writeFileSync(noteFile, JSON.stringify({ reason: message }))
  } finally {
    for (const name of readdirSync(out)) if (/\.o$|^fresh/.test(name)) rmSync(join(out, name))
  }
}

function make (compiler, addon) {
  const { folder, varied, by, once } = addons[addon]
  const compile = (name, object, ...options) => {
    const file = join(out, `${addon}-${object}.o`)
    run(compiler, [...flags, ...options, '-c', join(sources, folder, `${name}.cc`), '-o', file])
    return file
  }
  const objects = [
    ...by.filter(set => set in sets).map((set) => {
      const [lanes, ...instructions] = sets[set]
      return compile(varied, set, `-DSET=${set}`, `-DLANES=${lanes}`, ...instructions)
    }),
    ...once.map(name => compile(name, name, `-I${nodeApiHeaders()}`))
  ]
  const fresh = join(out, 'fresh.node')
  run(compiler, ['-shared', ...objects, ...linked, '-o', fresh])
  run(process.execPath, ['-e', 'require(process.argv[1])', fresh])
  renameSync(fresh, addonFile(addon))
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
