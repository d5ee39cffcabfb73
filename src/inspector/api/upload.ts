import { signal } from '@preact/signals'
import { Refusal } from './call.ts'
import type { Problem } from './wire.ts'

/** The ADMIN_TOKEN that the reader gave: for this page alone, until it is closed or reloaded. */
export const adminToken = signal('')

/** Uploads a model file as a version of a model. Throws Refusal. */
export async function upload (id: string, version: number, file: File): Promise<void> {
  const response = await fetch(`models/${encodeURIComponent(id)}/versions/${version}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${adminToken.value}`, 'content-type': 'application/octet-stream', accept: 'application/json' },
    body: file
  }).catch(() => { throw new Refusal('The service does not answer, or it ended the upload. Is it still running?') })
  if (response.ok) return
  const problem = await response.json().catch(() => null) as Problem | null
  throw new Refusal(problem?.detail ?? `The service answered ${response.status}.`, problem)
}

/** A model's id made of a file's name: what an id may not hold becomes a hyphen. */
export function idOf (name: string): string {
  const id = name.replace(/\.(keras|h5|hdf5)$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(0, 128)
  return id === '' ? 'model' : id
}
