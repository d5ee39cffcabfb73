// Builds tfjs-node's addon from the sources it ships, against a TensorFlow library, with a C++ compiler alone:
// it includes nothing of Node but Node-API, whose headers and binary interface are the same for every Node version.

import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { place } from './place.mjs'
import { addonFile, librariesFolder, nodeApiHeaders } from './names.mjs'
import { run } from './run.mjs'

/** The C++ compilers that may be there, the one to try first first. */
export const compilers = (env = process.env) => [env.CXX, 'c++', 'g++', 'clang++'].filter(Boolean)

/** The first C++ compiler that runs; throws when there is none. */
export async function findCompiler (env = process.env) {
  const tried = []
  for (const command of compilers(env)) {
    try {
      await run(command, ['--version'], { seconds: 30, quiet: true })
      return command
    } catch (error) {
      tried.push(error.message)
    }
  }
  throw new Error(`no C++ compiler to build tfjs-node's addon with (install g++): ${tried.join('; ')}`)
}

/**
 * Fills `folder` with `deps/lib` (the wheel's libraries, hard-linked) and the addon, in the places they have below tfjs-node.
 */
export async function buildAddon (compiler, tfjsNode, wheel, wheelFolder, folder) {
  const libraries = join(folder, librariesFolder)
  await mkdir(libraries, { recursive: true })
  for (const library of [...wheel.linked, ...wheel.others]) await place(join(wheelFolder, 'lib', library), join(libraries, library))
  const addon = join(folder, addonFile(tfjsNode.napi))
  await mkdir(dirname(addon), { recursive: true })
  const sources = join(tfjsNode.folder, 'binding')
  await run(compiler, [
    '-shared', '-fPIC', '-O2', '-std=c++17', `-DNAPI_VERSION=${tfjsNode.napi}`, '-DBUILDING_NODE_EXTENSION',
    `-I${nodeApiHeaders()}`, `-I${tfjsNode.folder}`, `-I${join(wheelFolder, 'include')}`,
    ...(await readdir(sources)).filter(name => name.endsWith('.cc')).sort().map(name => join(sources, name)),
    '-o', addon, `-L${libraries}`, ...wheel.linked.map(library => `-l:${library}`),
    // The addon finds its libraries from where it stands, so the pair can be moved together.
    '-Wl,-rpath,$ORIGIN/../../deps/lib'
  ], { seconds: 600, quiet: true }).catch(async error => {
    await rm(addon, { force: true })
    throw error
  })
}

/**
 * Loads an addon in a process of its own and multiplies two matrices with it.
 * @returns {Promise<string>} the version of the TensorFlow library under it
 */
export async function tryAddon (file) {
  const script = join(dirname(fileURLToPath(import.meta.url)), 'try-addon.cjs')
  try {
    return (await run(process.execPath, [script, file], { seconds: 120, quiet: true })).trim()
  } catch (error) {
    const hint = error.signal === 'SIGILL' || error.signal === 'SIGABRT'
      ? ' (the processor may lack an instruction that this TensorFlow was built with, such as AVX)'
      : ''
    throw new Error(`the addon does not run here${hint}: ${error.message}`)
  }
}
