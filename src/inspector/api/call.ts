import { signal } from '@preact/signals'
import type { Problem } from './wire.ts'

/** A request as the service takes it: what is sent, and what the `curl` under a picture shows. */
export interface Call {
  readonly method: 'GET' | 'POST'
  /** Below the service's own address, without a leading slash: `models/weather/weights?stats=true`. */
  readonly path: string
  readonly body?: unknown
  readonly accept?: string
}

/** A refusal of the service, or that it could not be reached. The message is for the reader as it is. */
export class Refusal extends Error {
  readonly problem: Problem | null

  constructor (message: string, problem: Problem | null = null) {
    super(message)
    this.problem = problem
  }
}

const tokenKey = 'statescope-token'

/** The API_TOKEN that the reader gave, kept for this tab. */
export const token = signal(sessionStorage.getItem(tokenKey) ?? '')
token.subscribe((value) => value === '' ? sessionStorage.removeItem(tokenKey) : sessionStorage.setItem(tokenKey, value))

/** Raised when the service wants a token, or another one than it was sent. */
export const locked = signal(false)

/** The answer to `call` as JSON. Throws Refusal; an aborted signal throws its AbortError. */
export async function ask<T> (call: Call, signal?: AbortSignal): Promise<T> {
  return await (await send(call, signal)).json() as T
}

/** The response to `call`, whose body the caller reads. Throws as `ask`. */
export async function send (call: Call, signal?: AbortSignal): Promise<Response> {
  const headers = new Headers({ accept: call.accept ?? 'application/json' })
  if (token.value !== '') headers.set('authorization', `Bearer ${token.value}`)
  if (call.body !== undefined) headers.set('content-type', 'application/json')
  const body = call.body === undefined ? undefined : JSON.stringify(call.body)
  let response: Response
  try {
    response = await fetch(call.path, { method: call.method, headers, body, signal })
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new Refusal('The service does not answer. Is it still running?')
  }
  if (response.ok) return response
  const problem = await response.json().catch(() => null) as Problem | null
  if (response.status === 401) locked.value = true
  throw new Refusal(problem?.detail ?? `The service answered ${response.status}.`, problem)
}

/** The command line that gives the same answer, for a POSIX shell. A token stays out of it: `$API_TOKEN` stands in its place. */
export function curlOf ({ method, path, body, accept }: Call): string {
  const parts = [`curl -s ${quote(new URL(path, document.baseURI).href)}`]
  if (method !== 'GET') parts.push(`-X ${method}`)
  if (token.value !== '') parts.push('-H "Authorization: Bearer $API_TOKEN"')
  if (accept !== undefined) parts.push(`-H ${quote(`Accept: ${accept}`)}`)
  if (body !== undefined) parts.push("-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`)
  return parts.join(' \\\n  ')
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
