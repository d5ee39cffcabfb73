import * as node from 'node:fs/promises'
import type { Files } from '../../src/store/disk.ts'

/** A file system whose `n`th call fails with `code`, or writes one byte only; and how many calls there were. Removing what is left behind never fails: a later start does it again. */
export function failing (n: number, code: string): { files: Files, calls: () => number } {
  let calls = 0
  const call = async <T> (work: () => Promise<T>, short?: () => Promise<T>): Promise<T> => {
    if (++calls !== n) return await work()
    if (code === 'short') return await (short ?? work)()
    throw Object.assign(new Error(`${code}: stub`), { code, syscall: 'stub' })
  }
  const handle = (file: node.FileHandle): node.FileHandle => new Proxy(file, {
    get: (target, name) => {
      if (name === 'write') return async (bytes: Uint8Array, at: number, length: number) => await call(async () => await target.write(bytes, at, length), async () => await target.write(bytes, at, 1))
      if (name === 'sync') return async () => await call(async () => await target.sync())
      if (name === 'close') return async () => { await target.close(); await call(async () => {}) }
      return Reflect.get(target, name, target)
    }
  })
  const files = {
    mkdir: async (...args: Parameters<typeof node.mkdir>) => await call(async () => await node.mkdir(...args)),
    open: async (...args: Parameters<typeof node.open>) => handle(await call(async () => await node.open(...args))),
    rename: async (...args: Parameters<typeof node.rename>) => await call(async () => await node.rename(...args)),
    rm: async (...args: Parameters<typeof node.rm>) => await node.rm(...args),
    rmdir: async (path: string) => await node.rmdir(path)
  } as unknown as Files
  return { files, calls: () => calls }
}
