// The steps that `npm start` and `npm test` have in common.

import { build } from './build.mjs'
import { setUpEngine } from './engine/set-up.mjs'

/**
 * Sets the engine up; ends the process, with the reasons, when the one that is asked for cannot be had.
 * @param {string} [engine] auto, native, onnx, tfjs or wasm
 */
export async function engineStep (engine = 'auto') {
  let outcome
  try {
    outcome = await setUpEngine(engine, line => console.error(`engine: ${line}`))
  } catch (error) {
    console.error(`engine: ${error.message}`)
    process.exit(1)
  }
  if (outcome.engine === 'wasm' && engine !== 'wasm') {
    console.error([
      '',
      '***** NO NATIVE TENSORFLOW: the WebAssembly engine takes its place, and is slower. *****',
      ...outcome.reasons.map(reason => `  - ${reason}`),
      'ENGINE=tfjs fails instead of falling back; ENGINE=wasm does not try.',
      ''
    ].join('\n'))
  }
  return outcome
}

/** Compiles the sources where that is due; ends the process when they do not compile. */
export function buildStep () {
  if (!build()) process.exit(1)
}
