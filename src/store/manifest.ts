import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../errors.ts'
import type { Manifest } from './manifest-schema.ts'
import { manifestName } from './store.ts'

export type { Manifest } from './manifest-schema.ts'

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

/**
 * The manifest of the version in `folder`; null where there is none, as with what was put there by hand.
 * @throws Fault bad_file where it is damaged, or statescope.json is another than was stored. The model file itself is checked as it is read.
 */
export async function readManifest (folder: string): Promise<Manifest | null> {
  const text = await read(folder, manifestName)
  if (text === null) return null
  const manifest = parsed(text)
  // Imported when the engine already starts in its thread: typebox takes 0.2 s.
  const { isManifest } = await import('./manifest-schema.ts')
  if (!isManifest(manifest)) throw new Fault('bad_file', `"${manifestName}" is damaged: delete this version and store the model again`)
  const meta = manifest.files['statescope.json'] as Manifest['files'][string] | undefined
  const bytes = await read(folder, 'statescope.json')
  if ((bytes === null ? undefined : digestOf(bytes)) !== meta?.digest) {
    throw new Fault('bad_file', '"statescope.json" is not the one that was stored with the model: it was altered or damaged. Delete this version and store it again')
  }
  return manifest
}

async function read (folder: string, name: string): Promise<Buffer | null> {
  return await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw new Fault('bad_file', `"${name}" cannot be read: ${error.code}`)
  })
}

function parsed (text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    return null
  }
}
