import type { Values } from '../model.ts'
import { JsonWriter } from './json-writer.ts'

/**
 * An answer that is no trace, as JSON: `head` opens it, then come the members, nested as they are. `Values` among them become nested lists of the shortest
 * decimals that give back the same float32; numbers and `Float64Array` are written as float64. What is not finite is null, and counted in `nonFinite`.
 */
export function encodeMembers (head: Readonly<Record<string, unknown>>, members: Readonly<Record<string, unknown>>): Uint8Array {
  const json = new JsonWriter()
  json.open('{')
  for (const [name, value] of Object.entries(head)) json.member(name, value)
  const own = writeMembers(json, members)
  if (own + json.nonFinite > 0) json.member('nonFinite', own + json.nonFinite)
  json.close('}')
  return json.finish()
}

/** Gives how many numbers, beside those of `Values`, were not finite. */
function writeMembers (json: JsonWriter, members: Readonly<Record<string, unknown>>): number {
  let lost = 0
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue
    json.key(name)
    lost += write(json, value)
  }
  return lost
}

function write (json: JsonWriter, value: unknown): number {
  if (value instanceof Float64Array) return write(json, Array.from(value))
  if (typeof value !== 'object' || value === null) {
    json.value(value)
    return typeof value === 'number' && !Number.isFinite(value) ? 1 : 0
  }
  if (isValues(value)) {
    json.values(value)
    return 0
  }
  json.open(Array.isArray(value) ? '[' : '{')
  const lost = Array.isArray(value) ? value.reduce((sum: number, entry) => sum + write(json, entry), 0) : writeMembers(json, value as Record<string, unknown>)
  json.close(Array.isArray(value) ? ']' : '}')
  return lost
}

const isValues = (value: object): value is Values => 'data' in value && value.data instanceof Float32Array
