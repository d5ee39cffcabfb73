import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate'
import type { Inputs } from '../api/wire.ts'

/** Inputs that a link carries. */
export interface Carried { readonly inputs: Inputs, readonly name: string }

/** Longer addresses are cut by programs that they are sent through. */
const longest = 8192

const start = '#inputs='

/** The part of an address after which these inputs stand, compressed, in base64url (RFC 4648, 5); null where they are too many for a link. */
export function hashOf ({ inputs, name }: Carried): string | null {
  const text = JSON.stringify({ inputs, name })
  // Far from fitting, it need not be compressed to know.
  if (text.length > longest * 100) return null
  const bytes = deflateSync(strToU8(text), { level: 9 })
  const hash = start + btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
  return hash.length > longest ? null : hash
}

/** The inputs of an address; null where it carries none, undefined where it is damaged. */
export function carriedBy (hash: string): Carried | null | undefined {
  if (!hash.startsWith(start)) return null
  if (hash.length > longest) return undefined
  try {
    const packed = atob(hash.slice(start.length).replaceAll('-', '+').replaceAll('_', '/'))
    const value = JSON.parse(strFromU8(inflateSync(Uint8Array.from(packed, (character) => character.charCodeAt(0))))) as Partial<Carried> | null
    return value !== null && typeof value === 'object' && 'inputs' in value && typeof value.name === 'string' ? { inputs: value.inputs, name: value.name } : undefined
  } catch {
    return undefined
  }
}
