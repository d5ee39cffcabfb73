import * as node from 'node:fs/promises'
import { Fault } from '../errors.ts'

/** What is needed of a file system. Tests put one in its place that fails. */
export type Files = Pick<typeof node, 'mkdir' | 'open' | 'rename' | 'rm' | 'rmdir'>

export const realFiles: Files = node

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** Waits for the file system; what fails there is said as a fault: `storage_full` where there is no room, else `storage_failed`. */
export async function disk<T> (work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (error instanceof Fault) throw error
    if (code !== undefined && full.has(code)) throw new Fault('storage_full', 'there is no room left where the models lie: delete versions that are not needed, or give MODELS_DIR more room')
    throw new Fault('storage_failed', code === 'EROFS' || code === 'EACCES' || code === 'EPERM'
      ? `the service may not write to MODELS_DIR (${code}): mount it writable, for the user that the service runs as`
      : `the model could not be stored (${code ?? String(error)}${syscall === undefined ? '' : `, ${syscall}`}); nothing has changed: try again`)
  }
}

/** Writes all of `bytes`: a write may take less than it was given. */
export async function writeAll (file: node.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await disk(file.write(bytes, at, bytes.length - at))
    if (bytesWritten === 0) throw new Fault('storage_failed', 'the file system takes no more bytes; nothing has changed: try again')
    at += bytesWritten
  }
}

/** Makes a folder's own entries last: a rename is safe from a power cut only after this. Where folders cannot be opened (Windows) there is nothing to do. */
export async function syncFolder (files: Files, path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await disk(files.open(path, 'r'))
  try {
    await disk(folder.sync())
  } finally {
    await disk(folder.close())
  }
}
