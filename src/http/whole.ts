import { errorCodes, type FastifyInstance, type FastifyRequest } from 'fastify'
import { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { MessageChannel } from 'node:worker_threads'

/** A body as it arrives; `receivedEncodedLength` where it is decoded on the way. */
type Payload = Readable & { readonly receivedEncodedLength?: number }

type Done<Body> = (error: Error | null, body?: Body) => void

/** A port that leads nowhere: what is moved there is freed at once. */
const { port1: nowhere } = new MessageChannel()
nowhere.close()

/** Bodies of a media type are read whole, and `parse` makes of their bytes what the request has as its body. */
export function addWholeParser (app: FastifyInstance, type: string, parse: (request: FastifyRequest, bytes: Buffer, done: Done<unknown>) => void): void {
  app.addContentTypeParser(type, (request, payload, done) => readWhole(request, payload, (error, bytes) => {
    if (bytes === undefined) {
      done(error, undefined)
      return
    }
    // While it arrived others may have taken the room there was.
    const refusal = request.server.refusal?.(request)
    if (refusal == null) parse(request, bytes, done)
    else {
      freeBytes(bytes)
      done(refusal)
    }
  }))
}

/**
 * The bytes of a body, as Fastify's `parseAs: 'buffer'` reads them, with its errors; but the pieces that came over a connection are freed as soon as they are
 * joined. Left to the garbage collector, large bodies would have it go through the whole heap some twenty times a second, for a third of the service's time.
 */
function readWhole (request: FastifyRequest, payload: Payload, done: Done<Buffer>): void {
  const { bodyLimit: limit = 0 } = request.routeOptions
  const announced = Number(request.headers['content-length'])
  if (announced > limit) {
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
    return
  }
  const pieces: Buffer[] = []
  let length = 0

  const end = (error: Error | null): void => {
    payload.off('data', onData).off('end', onEnd).off('error', onError)
    const owned = payload instanceof IncomingMessage ? pieces.filter(fills) : []
    // A piece that is all there is needs no copy.
    const alone = error === null && pieces.length === 1 && owned.length === 1
    const body = alone ? pieces[0] : error === null ? Buffer.concat(pieces, length) : undefined
    if (owned.length > 0 && !alone) free(owned.map(({ buffer }) => buffer as ArrayBuffer))
    done(error, body)
  }
  const onData = (piece: Buffer): void => {
    pieces.push(piece)
    length += piece.length
    // Neither what arrives may be longer than the limit nor what comes of it.
    if (length > limit || (payload.receivedEncodedLength ?? 0) > limit) end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
  }
  const onEnd = (): void => {
    const arrived = payload.receivedEncodedLength || length
    end(Number.isNaN(announced) || arrived === announced ? null : new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH())
  }
  const onError = (error: Error & { statusCode?: number }): void => {
    // What goes wrong as a body arrives is its sender's doing.
    end(Object.assign(error, { statusCode: error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 400 }))
  }
  payload.on('data', onData).on('end', onEnd).on('error', onError).resume()
}

/**
 * Frees the bytes of a body whose reader has all that it needs, where they are memory of their own. Whatever should still look at them finds an empty array,
 * never another's numbers: nothing is used again here.
 */
export function freeBytes (body: Buffer): void {
  if (fills(body)) free([body.buffer as ArrayBuffer])
}

const free = (memory: ArrayBuffer[]): void => nowhere.postMessage(null, memory)

const fills = ({ length, buffer }: Buffer): boolean => length > 0 && length === buffer.byteLength && buffer instanceof ArrayBuffer
