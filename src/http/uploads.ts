import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Settings } from '../config.ts'
import { Fault } from '../errors.ts'
import type { Arrived } from '../lifecycle/lifecycle.ts'
import type { Received, Staged } from '../store/store.ts'
import type { App } from './service.ts'

/** A statescope.json may have recorded outputs and samples in it, and no more. */
const largestMeta = 16 * 2 ** 20
const metaName = 'statescope.json'

/** Bodies of the routes of `app` reach their handlers as they arrive. */
export async function streamBodies (app: App, { UPLOAD_LIMIT_MB }: Settings): Promise<void> {
  app.removeAllContentTypeParsers()
  // One byte more than is taken, so that what is too large is seen by whoever counts it.
  await app.register(multipart, { limits: { fileSize: Math.floor(UPLOAD_LIMIT_MB * 2 ** 20) + 1, files: 2, parts: 2 } })
  app.addContentTypeParser('*', (_, payload, done) => done(null, payload))
}

/**
 * Refuses before anything is read what would be refused afterwards: a body that is too long, compressed, or not there.
 * @throws Fault too_large, unsupported_media_type, malformed
 */
export function checkAnnounced ({ headers }: FastifyRequest, most: number): void {
  const { 'content-length': length, 'content-encoding': coding = 'identity', 'transfer-encoding': transfer } = headers
  if (coding.toLowerCase() !== 'identity') throw new Fault('unsupported_media_type', 'send the file as it is, without Content-Encoding: a .keras is a zip already')
  if (transfer === undefined && Number(length ?? 0) === 0) throw new Fault('malformed', 'the body is empty: send the model file as the body, a .keras or .h5')
  // The parts of a form have some bytes around them.
  if (Number(length ?? 0) > most + largestMeta) throw new Fault('too_large', `the body is larger than ${megabytes(most)} MiB: start the service with a larger UPLOAD_LIMIT_MB`)
}

/**
 * The files of a request, written as they arrive: its body is the model, or a form with the model and, perhaps, a statescope.json. They have to have the
 * digest that the header Content-Digest says (RFC 9530), which is over the body as it was sent.
 * @throws Fault malformed, digest_mismatch, too_large, unsupported_media_type, and what writing throws
 */
export async function receive (request: FastifyRequest, staged: Staged, most: number): Promise<Arrived> {
  const expected = contentDigest(request.headers['content-digest'])
  if (!request.isMultipart()) {
    const model = await staged.writeModel(chunksOf(request.body as Readable), most)
    compare(expected, model.digest)
    return { model, meta: null }
  }
  const hash = createHash('sha256')
  if (expected !== null) request.raw.on('data', (chunk: Buffer) => { hash.update(chunk) })
  const arrived = await form(request, staged, most)
  if (expected !== null) compare(expected, `sha256:${hash.digest('hex')}`)
  return arrived
}

async function form (request: FastifyRequest, staged: Staged, most: number): Promise<Arrived> {
  let [model, meta]: (Received | null)[] = [null, null]
  try {
    for await (const part of request.parts()) {
      if (part.type !== 'file') throw new Fault('malformed', `the form has a field ${JSON.stringify(part.fieldname)} that is no file: send the model as a file, and its ${metaName} as another`)
      if (part.filename === metaName || part.fieldname === metaName) {
        if (meta !== null) throw new Fault('malformed', `the form has two files named ${metaName}`)
        meta = await staged.write(metaName, chunksOf(part.file), largestMeta)
      } else {
        if (model !== null) throw new Fault('malformed', `the form has two models, ${JSON.stringify((part as MultipartFile).filename)} is the second: send one`)
        model = await staged.writeModel(chunksOf(part.file), most)
      }
    }
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('malformed', `the form cannot be read: ${(error as Error).message}`)
  }
  if (model === null) throw new Fault('malformed', 'the form holds no model: send it as a file, a .keras or .h5')
  return { model, meta }
}

/** What breaks a body off is its sender's doing. Where an answer is given before its end the rest is read all the same, or nothing more would come over the connection. */
async function * chunksOf (body: Readable): AsyncGenerator<Uint8Array> {
  const chunks = body.iterator({ destroyOnReturn: false })
  try {
    for (;;) {
      const { done, value } = await chunks.next().catch((error: Error) => { throw error instanceof Fault ? error : new Fault('malformed', `the body broke off: ${error.message}`) })
      if (done === true) return
      yield value as Uint8Array
    }
  } finally {
    // The iterator has to leave first: it would hold the stream still.
    await chunks.return?.()
    body.resume()
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 2 ** 20 * 10) / 10

/** The sha-256 of a Content-Digest header, as the service writes digests; null without the header. Others may stand beside it. */
export function contentDigest (header: string | string[] | undefined): string | null {
  if (header === undefined) return null
  const [, base64] = /(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):[ \t]*(?=[,;]|$)/.exec([header].flat().join(',')) ?? []
  if (base64 === undefined) throw new Fault('malformed', 'Content-Digest holds no sha-256: send it as sha-256=:BASE64:, or leave the header out')
  return `sha256:${Buffer.from(base64, 'base64').toString('hex')}`
}

function compare (expected: string | null, got: string): void {
  if (expected !== null && expected !== got) throw new Fault('digest_mismatch', `the body has the digest ${got}, Content-Digest says ${expected}: it was damaged on the way, or is another file. Send it again`)
}
