import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import type { FastifyRequest } from 'fastify'
import { Fault } from '../../errors.ts'
import { whatIsWrong } from '../json.ts'

const codings: Readonly<Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>>> = {
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
  identity: async (bytes) => bytes
}

/** A body cut in two: `json` is undefined where there is none, the tensors' bytes are all there is then. */
export interface Parts { readonly json: unknown, readonly bytes: Uint8Array }

/** Undoes Content-Encoding, up to `limit` bytes, and cuts the body where Inference-Header-Content-Length says. Throws Fault. */
export async function partsOf ({ body, headers }: FastifyRequest, limit: number): Promise<Parts> {
  const whole = await decoded(body instanceof Uint8Array ? body : new Uint8Array(), headers['content-encoding']?.toLowerCase() ?? 'identity', limit)
  const length = headers['inference-header-content-length']
  if (length === undefined) return { json: parsed(whole), bytes: new Uint8Array() }
  if (typeof length !== 'string' || !/^\d{1,15}$/.test(length) || Number(length) > whole.length) {
    throw new Fault('malformed', `Inference-Header-Content-Length is ${JSON.stringify(length)}: it must be the bytes of JSON at the start of the body, which has ${whole.length}`)
  }
  const end = Number(length)
  return { json: end === 0 ? undefined : parsed(whole.subarray(0, end)), bytes: whole.subarray(end) }
}

async function decoded (bytes: Uint8Array, coding: string, limit: number): Promise<Uint8Array> {
  if (!Object.hasOwn(codings, coding)) throw new Fault('unsupported_media_type', `send the body as gzip or deflate, or without Content-Encoding, not as ${coding}`)
  try {
    return await codings[coding](bytes, { maxOutputLength: limit })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new Fault('too_large', `the body is larger than ${limit} bytes when it is decompressed: send fewer sequences at once, or start the service with a larger BODY_LIMIT_MB`)
    throw new Fault('malformed', `the body is not ${coding}, as Content-Encoding says: ${message}`)
  }
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
    return JSON.parse(text)
  } catch {
    throw new Fault('malformed', whatIsWrong(text))
  }
}
