// Makes TensorFlow's native engine usable by tfjs-node. scripts/README.md says which ways it tries, and in what order.

import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { buildAddon, findCompiler, tryAddon } from './addon.mjs'
import { findEntry, makeEntry } from './cache.mjs'
import { addonFile, cacheFolder, platformName, tfjsNode, wheels } from './names.mjs'
import { downloadOwn, probeHost } from './own-download.mjs'
import { placeEngine, placedEngine, removeEngine } from './place.mjs'
import { wheelEntry } from './wheel.mjs'

const engines = ['auto', 'native', 'onnx', 'tfjs', 'wasm']

/**
 * Sees to it that tfjs-node has its native engine, in the first way that works.
 * @param {string} engine auto, native, onnx, tfjs or wasm: wasm does nothing; tfjs throws where auto, native and onnx fall back to wasm, which then checks the compiled plans
 * @param {(line: string) => void} log
 * @returns {Promise<{engine: 'tfjs', way: string, tensorflow: string} | {engine: 'wasm', reasons: string[]}>}
 * @throws {Error} on tfjs, with the reason that each way failed for
 */
export async function setUpEngine (engine, log) {
  if (!engines.includes(engine)) throw new Error(`ENGINE is one of ${engines.join(', ')}, not ${JSON.stringify(engine)}`)
  if (engine === 'wasm') return { engine, reasons: ['ENGINE=wasm asks for it'] }
  const target = tfjsNode()
  const placed = await placedEngine(target)
  if (placed !== null) return placed
  return await withSignals(() => firstWay(engine, target, log))
}

async function firstWay (engine, target, log) {
  const reasons = []
  for (const way of ways(target, platformName(), cacheFolder(), log)) {
    try {
      const found = await way()
      if (found === null) continue
      const { entry, ...about } = found
      await placeEngine(entry, target, { engine: 'tfjs', napi: target.napi, tfjsNode: target.version, ...about })
      log(`TensorFlow ${about.tensorflow} is in place: ${about.way}`)
      return { engine: 'tfjs', ...about }
    } catch (error) {
      log(error.message)
      reasons.push(error.message)
    }
  }
  const outcome = { engine: 'wasm', reasons }
  // Where node_modules cannot be written there is nothing of ours to take away either.
  await removeEngine(target, outcome).catch(error => log(`the reasons could not be noted for the service: ${error.message}`))
  if (engine === 'tfjs') throw new Error(['ENGINE=tfjs, and TensorFlow cannot be had here:', ...reasons].join('\n  - '))
  return outcome
}

// Each way gives a folder that holds `deps/lib` and an addon that ran here, or null where it does not apply, or throws its reason.
function ways (target, platform, cache, log) {
  const base = `tfjs-node-${target.version}-napi-${target.napi}-${platform}`
  const wheel = wheels[platform]
  const names = { own: `${base}-own`, wheel: wheel && `${base}-${wheel.project}-${wheel.version}` }
  const tryIn = folder => tryAddon(join(folder, addonFile(target.napi)))

  async function alreadyThere () {
    if (!existsSync(join(target.folder, addonFile(target.napi)))) return null
    return { entry: target.folder, way: 'it was there already', tensorflow: await tryIn(target.folder) }
  }

  async function cached (name) {
    const entry = name && await findEntry(cache, name, log)
    return entry ? { entry, way: 'from the cache', tensorflow: await tryIn(entry) } : null
  }

  async function made (name, way, fill) {
    let tensorflow
    const entry = await makeEntry(cache, name, async folder => {
      await fill(folder)
      tensorflow = await tryIn(folder)
    }, log)
    return { entry, way, tensorflow }
  }

  async function ownDownload () {
    await probeHost(target)
    log("tfjs-node's download host answers: running tfjs-node's own install script")
    return made(names.own, "by tfjs-node's own install script", folder => downloadOwn(target, folder))
  }

  async function fromWheel () {
    if (!wheel) throw new Error(`no TensorFlow wheel is known to work on ${platform}`)
    // What is missing is found out before anything large is fetched.
    const compiler = await findCompiler()
    const unpacked = await wheelEntry(cache, wheel, platform, log)
    log("building tfjs-node's addon")
    return made(names.wheel, `from the wheel of ${wheel.project}`, folder => buildAddon(compiler, target, wheel, unpacked, folder))
  }

  return [alreadyThere, () => cached(names.own), () => cached(names.wheel), ownDownload, fromWheel]
}

// A signal ends the process by way of its exit handlers, which end what it started and remove what it had half made.
async function withSignals (work) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const leave = signal => process.exit(128 + constants.signals[signal])
  for (const signal of signals) process.once(signal, leave)
  try {
    return await work()
  } finally {
    for (const signal of signals) process.removeListener(signal, leave)
  }
}
