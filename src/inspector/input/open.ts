import { readCsv, type CsvChoices, type CsvReading } from './csv.ts'
import { readJson } from './json.ts'
import { readNpz } from './npz.ts'
import { Unreadable, type Reading, type Takes } from './reading.ts'
import { textsOf } from './text.ts'

/** What a reader gave, before it is read: kept, as a table can be read again in another way. */
export type Source =
  | { readonly kind: 'csv' | 'json' | 'lines' | 'text', readonly name: string, readonly text: string }
  | { readonly kind: 'npz', readonly name: string, readonly bytes: Uint8Array }
  | { readonly kind: 'model', readonly name: string }

/** What a file holds, by the end of its name and by its first bytes. Throws Unreadable for text that is not UTF-8. */
export function sourceOf (name: string, bytes: Uint8Array, model: Takes): Source {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1].toLowerCase() ?? ''
  const starts = (...first: number[]): boolean => first.every((byte, n) => bytes[n] === byte)
  if (['h5', 'hdf5', 'keras'].includes(ending) || starts(0x89, 0x48, 0x44, 0x46)) return { kind: 'model', name }
  if (['npz', 'npy'].includes(ending) || starts(0x93, 0x4e, 0x55, 0x4d) || starts(0x50, 0x4b, 3, 4)) return { kind: 'npz', name, bytes }
  const text = textOf(bytes)
  if (ending === 'ndjson' || ending === 'jsonl') return { kind: 'lines', name, text }
  if (ending === 'json') return { kind: isModel(text) ? 'model' : 'json', name, text }
  if (ending === 'txt' && model.text !== undefined) return { kind: 'text', name, text }
  return { ...sourceOfPasted(text), name }
}

/** Numbers that were pasted: JSON starts with a bracket. */
export const sourceOfPasted = (text: string): Source & { text: string } => ({ kind: /^\s*[[{]/.test(text) ? 'json' : 'csv', name: 'pasted numbers', text })

function textOf (bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Unreadable('This file is no text in UTF-8. The page reads CSV, JSON, NDJSON, npz and npy; from a spreadsheet save "CSV UTF-8".')
  }
}

/** Whether a JSON is an architecture: a converted model, or what to_json() gives. */
function isModel (text: string): boolean {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null
    return typeof value === 'object' && value !== null && ('modelTopology' in value || ('class_name' in value && 'config' in value))
  } catch {
    return false
  }
}

/** Reads a source for `model`; a table as `choices` say. Throws Unreadable. */
export function readSource (source: Exclude<Source, { kind: 'model' }>, model: Takes, choices?: CsvChoices): Reading | CsvReading {
  if (source.kind === 'npz') return readNpz(source.bytes, model)
  if (source.kind === 'csv') return readCsv(source.text, model, choices)
  if (source.kind === 'json') return readJson(source.text, model)
  if (source.kind === 'lines') return readJson(source.text, model, true)
  if (model.text === undefined) throw new Unreadable('This model reads numbers, not text.')
  return { inputs: { text: textsOf(source.text, model.text) }, said: [] }
}
