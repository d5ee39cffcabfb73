import { readFile } from 'node:fs/promises'
import { Fault } from '../errors.ts'
import type { Meta } from './meta-schema.ts'

export type { Meta, Scaler } from './meta-schema.ts'
export type TextCoding = NonNullable<Meta['text']>

/** Reads and checks it. Throws `bad_file` that names the key. */
export async function readMeta (path: string): Promise<Meta> {
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new Fault('bad_file', `"statescope.json" is not JSON: ${(error as Error).message}`)
  }
  // Imported when the engine already starts in its thread: typebox takes 0.2 s.
  const { wrongIn } = await import('./meta-schema.ts')
  const wrong = wrongIn(parsed)
  if (wrong !== null) throw new Fault('bad_file', `"statescope.json": ${wrong}`)
  return parsed as Meta
}
