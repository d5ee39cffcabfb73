import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import util from 'node:util'
import type * as tfjs from '@tensorflow/tfjs-core'
import { nameAttributes } from './eager/attributes.ts'

/** tfjs with the backend that computes: every op called through `tf` runs on it. */
export interface Engine {
  readonly tf: typeof tfjs
  readonly name: 'tfjs' | 'wasm'
  /** tfjs' version. */
  readonly version: string
  /** Version of the TensorFlow library under tfjs-node; null for wasm. */
  readonly tensorflow: string | null
  /** Why wasm serves. */
  readonly reason?: string
}

/** What the set-up leaves beside tfjs-node, see scripts/engine/place.mjs. */
interface Note { engine: 'tfjs' | 'wasm', reasons?: string[] }

// CommonJS on purpose: tfjs-node requires the same files, so that there is one tfjs-core, with one table of backends.
const require = createRequire(import.meta.url)

/**
 * Loads the engine, once a thread, the first one before any other: tfjs-node's addon is not made for two at once (eager/attributes.ts). TensorFlow
 * reads the environment of the process, not a worker's copy of it: its log lines are silenced here only in the main thread and in workers made with `env: SHARE_ENV`.
 *
 * @param wanted 'auto' takes tfjs-node where its native engine is set up, else wasm
 * @throws {Error} 'tfjs' where the native engine does not load; 'wasm' and 'auto' where WebAssembly does not load either
 */
export async function loadEngine (wanted: 'auto' | 'tfjs' | 'wasm'): Promise<Engine> {
  if (wanted === 'wasm') return await loadWasm('the setting ENGINE=wasm')
  try {
    return loadNative()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (wanted === 'tfjs') throw new Error(`ENGINE=tfjs, and tfjs-node's native engine does not load: ${reason}`, { cause: error })
    return await loadWasm(reason)
  }
}

function loadNative (): Engine {
  const folder = dirname(require.resolve('@tensorflow/tfjs-node/package.json'))
  const note = readNote(folder)
  // Asked before tfjs-node is: it would register other backends before it fails, and say nothing of the reasons.
  if (!existsSync(join(folder, 'lib'))) {
    throw new Error(note?.reasons?.join('; ') ?? 'the native engine is not set up: npm run engine')
  }
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  mendUtil()
  const tfjsNode = require('@tensorflow/tfjs-node')
  const tf: Engine['tf'] = require('@tensorflow/tfjs-core')
  if (tf.engine() !== tfjsNode.engine()) throw new Error('tfjs-node has a tfjs-core of its own: npm ci installs the one that is meant')
  if (tf.getBackend() !== 'tensorflow') throw new Error(`tfjs-node computes with the backend ${tf.getBackend()}`)
  const { binding } = tfjsNode.backend()
  nameAttributes(binding)
  return { tf, name: 'tfjs', version: tf.version_core, tensorflow: binding.TF_Version }
}

async function loadWasm (reason: string): Promise<Engine> {
  const tf: Engine['tf'] = require('@tensorflow/tfjs-core')
  const wasm: typeof import('@tensorflow/tfjs-backend-wasm') = require('@tensorflow/tfjs-backend-wasm')
  wasm.setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'wasm-out') + sep)
  if (!await tf.setBackend('wasm')) throw new Error('the WebAssembly engine does not load')
  return { tf, name: 'wasm', version: tf.version_core, tensorflow: null, reason: `WebAssembly stands in for TensorFlow: ${reason}` }
}

function readNote (folder: string): Note | null {
  try {
    return JSON.parse(readFileSync(join(folder, 'statescope-engine.json'), 'utf8'))
  } catch {
    return null
  }
}

/**
 * tfjs-node 4.22 calls `util.isNullOrUndefined` and `util.isArray`: Node 22 warns of each, Node 23 dropped the first.
 * This puts both back, in this thread.
 */
function mendUtil (): void {
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray
  })
}
