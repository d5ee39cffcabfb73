import { fileURLToPath } from 'node:url'
import type { Server } from '../../src/server.ts'
import { serve as start } from '../support/service.ts'

/** A path of the project, as the compiled tests see it. */
export const inProject = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** The real service over a folder of models, until the test is over. */
export async function serve (t: { teardown: (close: () => Promise<void>) => void }, folder: string): Promise<Server> {
  const { server } = await start({ MODELS_DIR: folder, ENGINE: process.env.ENGINE ?? '' })
  t.teardown(server.close)
  return server
}

export interface Answer<T = any> { readonly status: number, readonly headers: Headers, readonly body: T }

/** One request: JSON goes out when there is a body, and the answer is read as JSON when it is some. */
export async function call<T = any> (url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
  const response = await fetch(url, body === undefined
    ? { headers, redirect: 'manual' }
    : { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text }
}

/**
 * Is it the same answer? Numbers agree to 1e-6, relative to max(1, |value|): the last bits depend on the company a request was computed in, and what a
 * receipt found on the sequence it looked at; of predictions alone not every answer is checked.
 */
export function alike (found: unknown, expected: unknown): boolean {
  if (typeof found === 'number' && typeof expected === 'number') return Math.abs(found - expected) <= 1e-6 * Math.max(1, Math.abs(expected))
  if (typeof found !== 'object' || typeof expected !== 'object' || found === null || expected === null) return whoever(found) === whoever(expected)
  const members = Object.entries(found)
  return Array.isArray(found) === Array.isArray(expected) && members.length === Object.keys(expected).length &&
    members.every(([name, value]) => Object.hasOwn(expected, name) && alike(value, (expected as Record<string, unknown>)[name]))
}

/** What a receipt says was checked, in this answer or in an earlier one. */
const whoever = (value: unknown): unknown => typeof value === 'string' ? value.replace(/^gates and states of an earlier answer$/, 'gates and states') : value
