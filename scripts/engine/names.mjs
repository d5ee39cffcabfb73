// What the set-up knows about versions, platforms and places.

import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's own folder. */
export const projectFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const require = createRequire(import.meta.url)

/** tfjs-node's folder and package.json, read from node_modules. */
export function tfjsNode () {
  const packageFile = require.resolve('@tensorflow/tfjs-node/package.json')
  const packageJson = require(packageFile)
  // node-pre-gyp loads the addon built for the highest Node-API version that both sides know.
  const napi = Math.max(...packageJson.binary.napi_versions.filter(version => version <= Number(process.versions.napi)))
  return { folder: dirname(packageFile), packageJson, version: packageJson.version, napi }
}

/** The folder of the Node-API headers, which do not depend on the Node version. */
export function nodeApiHeaders () {
  return join(dirname(require.resolve('node-api-headers/package.json')), 'include')
}

/** The cache outside node_modules: STATESCOPE_CACHE, else the user's cache folder. */
export function cacheFolder (env = process.env) {
  if (env.STATESCOPE_CACHE) return env.STATESCOPE_CACHE
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'statescope')
}

/** This machine as Node names it; musl is told apart because the wheels are linked against glibc. */
export function platformName () {
  if (process.platform !== 'linux') return `${process.platform}-${process.arch}`
  process.report.excludeNetwork = true // without it the report asks the name server about open connections
  const { glibcVersionRuntime } = process.report.getReport().header
  return `linux-${process.arch}${glibcVersionRuntime ? '' : '-musl'}`
}

/** Where the two files tfjs-node needs stand, relative to its folder and to a cache entry alike. */
export const librariesFolder = 'deps/lib'
export const addonFile = napi => `lib/napi-v${napi}/tfjs_binding.node`

const tensorflowLibraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']

/**
 * The wheels that TensorFlow's C library is taken from. Only what was downloaded, hashed, linked and run is listed (linux-arm64 under
 * emulation). The Python version in the name does not matter to Node: the same file is asked for whatever Python is there.
 * `linked` libraries are what the addon is linked against; `others` come along because those need them.
 */
export const wheels = {
  'linux-x64': {
    project: 'tensorflow-cpu',
    version: '2.15.1',
    sha256: '54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26',
    megabytes: 207,
    tags: ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'],
    linked: tensorflowLibraries,
    others: []
  },
  'linux-arm64': {
    project: 'tensorflow-cpu-aws',
    version: '2.15.1',
    sha256: 'd4c3a3a9363bf42999adedbbd514e3a133be2d62f61fee9cfa46aaefb087c09e',
    megabytes: 212,
    tags: ['manylinux_2_17_aarch64', 'manylinux2014_aarch64'],
    linked: tensorflowLibraries,
    others: ['libomp-54bf90fd.so.5']
  }
}

/** Folders below a wheel's `tensorflow/include` that hold what the addon includes. */
export const wheelHeaders = ['tensorflow/c/', 'tensorflow/core/platform/', 'tsl/', 'xla/tsl/']
