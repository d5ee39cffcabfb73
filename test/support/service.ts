import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { defaults, type Settings } from '../../src/config.ts'
import { startServer, type Server } from '../../src/server.ts'

/** A path of the project, as the compiled tests see it. */
export const inProject = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** The real service, listening on a free port of the loopback address, until the test is over. */
export async function serve (t: Test, folder: string | null, settings: Partial<Settings> = {}, files: readonly string[] = []): Promise<Server> {
  const server = await startServer({ run: 'serve', settings: { ...defaults(), PORT: 0, LOG_LEVEL: 'silent', ...engine(), ...settings }, folder, files })
  t.teardown(server.close)
  return server
}

/** The engine that the tests are run with: ENGINE, as for the service. */
const engine = (): Partial<Settings> => {
  const { ENGINE } = process.env
  return ENGINE === 'tfjs' || ENGINE === 'wasm' ? { ENGINE } : {}
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
