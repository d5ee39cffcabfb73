import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Copies `from` to `to`, of the same size, and carries the CRC-32 of what stands before them on over these bytes. */
export type Copying = (from: Uint8Array, to: Uint8Array, sum: number) => number

const require = createRequire(import.meta.url)

/** In two passes. */
export function inTwo (): Copying {
  const { crc32 }: typeof import('@node-rs/crc32') = require('@node-rs/crc32')
  return (from, to, sum) => {
    to.set(from)
    return crc32(from, sum)
  }
}

/** In one pass, by the addon (addon.cc); null where it was not built, or the processor is not fit for it. */
export function inOne (): Copying | null {
  try {
    const { copy }: { copy?: Copying } = require(join(import.meta.dirname, '..', '..', '..', 'native', 'copying.node'))
    return copy ?? null
  } catch {
    return null
  }
}
