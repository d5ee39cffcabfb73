import { readFile } from 'node:fs/promises'
import { Fault } from '../errors.ts'

/** In the store's own folder. */
export const labelsName = 'labels.json'

/** Model -> label -> version. */
export type Labels = Readonly<Record<string, Readonly<Record<string, number>>>>

/** Reads such a file; empty where there is none. Throws Fault bad_file where it is damaged. */
export async function readLabels (path: string): Promise<Labels> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}'
    throw new Fault('bad_file', `${labelsName} cannot be read: ${error.code}`)
  })
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
  try {
    const read: unknown = JSON.parse(text)
    if (isObject(read) && Object.values(read).every((labels) => isObject(labels) && Object.values(labels).every((version) => Number.isInteger(version) && version > 0))) return read as Labels
  } catch {}
  throw new Fault('bad_file', `${labelsName} is damaged: no label is known. Set them again`)
}
