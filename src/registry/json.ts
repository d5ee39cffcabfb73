import { Fault } from '../errors.ts'

export type Dict = Readonly<Record<string, unknown>>

export const isDict = (value: unknown): value is Dict => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Deep enough for every real model; a file that nests deeper is not one. */
const deepest = 256

/** Python's JSON, which also knows NaN and Infinity. Throws `bad_file` where the text is none, or nests too deep. */
export function parseJson (text: string, what: string): unknown {
  // 1e999 is JSON for infinity. NaN has no such spelling, and is in no config that could be computed with.
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|(-?)Infinity/gs, (token, sign) => token.startsWith('"') ? token : `${sign}1e999`)
  let value: unknown
  try {
    value = JSON.parse(plain)
  } catch (error) {
    throw new Fault('bad_file', `${what} is not JSON: ${(error as Error).message}`)
  }
  if (depth(value) > deepest) throw new Fault('bad_file', `${what} nests more than ${deepest} deep`)
  return value
}

/** Level by level, so that no depth is too much for the stack. */
function depth (value: unknown): number {
  let level: unknown[] = [value]
  let count = 0
  while (level.length > 0 && count <= deepest) {
    level = level.flatMap((one) => typeof one === 'object' && one !== null ? Object.values(one) : [])
    count++
  }
  return count
}

/**
 * Plain values in place of what Keras wraps: NumPy values and tensors (`__numpy__`, `__tensor__`), tuples (`__tuple__`, and the lists they
 * become). Objects of other kinds stay as they are.
 */
export function unwrap (value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap)
  if (!isDict(value)) return value
  if (value.class_name === '__tuple__' && Array.isArray(value.items)) return value.items.map(unwrap)
  if ((value.class_name === '__numpy__' || value.class_name === '__tensor__') && isDict(value.config)) return unwrap(value.config.value)
  if (value.type === 'ndarray' || value.type === 'list') return unwrap(value.value)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrap(inner)]))
}

export const string = (value: unknown): string | null => typeof value === 'string' ? value : null
