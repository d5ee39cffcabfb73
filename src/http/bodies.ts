import type { FastifyInstance } from 'fastify'
import { Readable, type Transform } from 'node:stream'
import zlib from 'node:zlib'
import { Fault } from '../errors.ts'
import { readNpz } from '../request/npz.ts'
import { readSafetensors } from '../request/safetensors.ts'
import { list } from '../request/words.ts'
import { addWholeParser } from './whole.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The address names the model: bodies of arrays are read. */
    arrays?: boolean
  }
}

/** Bodies that are arrays by name, by their media types. */
const arrays = {
  'application/x-npz': async (body: Uint8Array, limit: number) => await readNpz(body, limit),
  'application/vnd.safetensors': async (body: Uint8Array) => readSafetensors(body)
} as const

/** Bodies of arrays reach the routes of one model as the JSON body that says the same, in which arrays stand for lists. */
export function readArrays (app: FastifyInstance): void {
  for (const [type, read] of Object.entries(arrays)) {
    addWholeParser(app, type, ({ routeOptions: { bodyLimit = 0, config } }, body, done) => {
      if (config.lines === true || config.arrays === true) read(body, bodyLimit).then((arrays) => done(null, arrays), done)
      else done(new Fault('unsupported_media_type', `Arrays name no model: send ${type} to /models/ID/predict or /models/ID/hidden-states, or one JSON object here, as application/json.`))
    })
  }
}

/** Newer versions of Node have this one. */
const { createZstdDecompress } = zlib as { createZstdDecompress?: () => Transform }

const codings: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  ...(createZstdDecompress === undefined ? {} : { zstd: createZstdDecompress })
}

/** Undoes Content-Encoding as a body arrives: whatever reads it sees it as it was, and no more of it than the body limit allows is ever held. */
export function decompressBodies (app: FastifyInstance): void {
  app.addHook('preParsing', ({ headers }, reply, payload, next) => {
    const coding = headers['content-encoding']?.toLowerCase() ?? 'identity'
    if (coding === 'identity') {
      next(null, payload)
      return
    }
    if (!Object.hasOwn(codings, coding)) {
      next(new Fault('unsupported_media_type', `Send the body as ${list(Object.keys(codings))}, or without Content-Encoding, not as ${coding}.`))
      return
    }
    const decoder = codings[coding]()
    const decoded = Object.assign(Readable.from(chunksOf(decoder, coding), { objectMode: false }), { receivedEncodedLength: 0 })
    // Fastify holds this against Content-Length.
    payload.on('data', (chunk: Buffer) => { decoded.receivedEncodedLength += chunk.length })
    // Whoever reads the body hears of its errors; but it may be answered without being read, or read to its end. Nor does an error end the connection: it is answered.
    for (const stream of [decoder, decoded]) stream.on('error', () => {})
    payload.pipe(decoder)
    const stop = (): void => { if (!decoder.readableEnded) decoder.destroy() }
    payload.once('aborted', stop)
    reply.raw.once('close', stop)
    next(null, decoded)
  })
}

async function * chunksOf (decoder: Transform, coding: string): AsyncGenerator<Buffer> {
  try {
    yield * decoder
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    // Anything else is the client's going away.
    throw /^(Z_|ZSTD_)/.test(code) ? new Fault('malformed', `the body is not ${coding}, as Content-Encoding says: ${message}`) : error
  }
}
