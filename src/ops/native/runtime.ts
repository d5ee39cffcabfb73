import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Lowered } from './lower.ts'
import { matrixKey, type View } from './view.ts'

/** Where scripts/native.mjs leaves the addon, or why there is none. */
const folder = join(import.meta.dirname, '..', '..', '..', 'native')

/** What the addon has: see addon.cc. */
interface Addon {
  readonly instructions: string
  pack: (data: Float32Array, offset: number, inner: number, columns: number, down: number, along: number) => object
  compile: (code: Int32Array, scratch: number, constants: readonly (Float32Array | object)[], inputs: readonly number[], outputs: readonly number[]) => object
  run: (program: object, inputs: readonly Float32Array[], outputs: readonly Float32Array[], threads: number) => void
}

/** The native engine on one thread. */
export interface NativeRuntime {
  /** Of the processor, which it was made for. */
  readonly instructions: string
  /** A program ready to run, again and again, with memory of its own for what it gives. Matrices that several programs read are packed once for all that share `packs`. */
  program: (lowered: Lowered, packs: Map<string, object>) => (inputs: readonly Float32Array[], outputs: readonly Float32Array[]) => void
}

/** Loads it for one of `workers` threads; the reason where it cannot be had. */
export function loadNative (workers: number): NativeRuntime | { readonly reason: string } {
  const threads = Math.max(1, Math.floor(availableParallelism() / workers))
  return nativeWith(threads)
}

/** The same with a number of threads. */
export function nativeWith (threads: number): NativeRuntime | { readonly reason: string } {
  try {
    const addon: Addon = createRequire(import.meta.url)(join(folder, 'statescope.node'))
    return {
      instructions: addon.instructions,
      program: ({ code, scratch, constants, inputs, outputs }, packs) => {
        const packed = (view: View): object => {
          const { store: { constant }, offset, shape: [inner, columns], strides: [down, along] } = view
          const key = matrixKey(view)
          const own = packs.get(key) ?? addon.pack(constant!, offset, inner, columns, down, along)
          packs.set(key, own)
          return own
        }
        const program = addon.compile(code, scratch, constants.map((constant) => constant instanceof Float32Array ? constant : packed(constant)), inputs, outputs)
        return (given, results) => { addon.run(program, given, results, threads) }
      }
    }
  } catch (error) {
    return { reason: `the native engine does not load: ${missing() ?? (error as Error).message.split('\n')[0]}` }
  }
}

/** Why it was not built. */
function missing (): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(folder, 'note.json'), 'utf8')) as { reason?: string }).reason
  } catch {
    return undefined
  }
}
