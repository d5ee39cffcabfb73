import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Lowered } from './lower.ts'
import { layout, type View } from './view.ts'

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
  /** A program ready to run, again and again. A matrix that several programs read is packed once for all of them. */
  program: (lowered: Lowered) => (inputs: readonly Float32Array[], outputs: readonly Float32Array[]) => void
}

/** Loads it for one of `workers` threads; the reason where it cannot be had. */
export function loadNative (workers: number): NativeRuntime | { readonly reason: string } {
  const threads = Math.max(1, Math.floor(availableParallelism() / workers))
  return nativeWith(threads)
}

/** The same with a number of threads. */
export function nativeWith (threads: number): NativeRuntime | { readonly reason: string } {
  try {
    /** By the array that a matrix lies in, and gone with it: a model's weights, shared by all its plans. */
    const packs = new WeakMap<Float32Array, Map<string, object>>()
    const addon: Addon = createRequire(import.meta.url)(join(folder, 'statescope.node'))
    return {
      instructions: addon.instructions,
      program: ({ code, scratch, constants, inputs, outputs }) => {
        const packed = (view: View): object => {
          const { store, offset, shape: [inner, columns], strides: [down, along] } = view
          const constant = store.constant!
          const own = packs.get(constant) ?? new Map<string, object>()
          const matrix = own.get(layout(view)) ?? addon.pack(constant, offset, inner, columns, down, along)
          packs.set(constant, own.set(layout(view), matrix))
          return matrix
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
