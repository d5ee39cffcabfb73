import type { FastifyRequest } from 'fastify'
import { Fault } from '../../errors.ts'
import { strictJson } from '../../request/strict.ts'
import { whatIsWrong } from '../json.ts'

/** A body cut in two: `json` is undefined where there is none, the tensors' bytes are all there is then. */
export interface Parts { readonly json: unknown, readonly bytes: Uint8Array }

/** Cuts the body where Inference-Header-Content-Length says. Throws Fault. */
export function partsOf ({ body, headers }: FastifyRequest): Parts {
  const whole = body instanceof Uint8Array ? body : new Uint8Array()
  const length = headers['inference-header-content-length']
  if (length === undefined) return { json: parsed(whole), bytes: new Uint8Array() }
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length) || Number(length) > whole.length) {
    throw new Fault('malformed', `Inference-Header-Content-Length is ${JSON.stringify(length)}: it must be the bytes of JSON at the start of the body, which has ${whole.length}`)
  }
  const end = Number(length)
  return { json: end === 0 ? undefined : parsed(whole.subarray(0, end)), bytes: whole.subarray(end) }
}

function parsed (bytes: Uint8Array): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Fault('malformed', 'the JSON part of the body is not UTF-8: Inference-Header-Content-Length says where tensors in bytes begin')
  }
  if (text === '') throw new Fault('malformed', 'the body is empty: send a JSON object with "inputs"')
  try {
    return strictJson(text, true)
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('malformed', whatIsWrong(text))
  }
}
