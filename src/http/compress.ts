import type { FastifyInstance } from 'fastify'
import { pipeline, Readable, type Transform } from 'node:stream'
import zlib from 'node:zlib'

/** A content coding by its name in HTTP. */
export type Coding = 'zstd' | 'gzip' | 'deflate'

/** Newer versions of Node have this one. */
const { createZstdCompress } = zlib as { createZstdCompress?: (options: object) => Transform }
const { Z_HUFFMAN_ONLY, Z_NO_FLUSH, Z_SYNC_FLUSH, ZSTD_c_compressionLevel: level = 0, ZSTD_e_continue: go = 0, ZSTD_e_flush: flush = 0 } = zlib.constants as typeof zlib.constants & Record<string, number>

// The digits of numbers, and still more their bits, hardly repeat: to look for what does takes gzip twice the time, for a twentieth of the size.
const deflating = (flushed: boolean): zlib.ZlibOptions => ({ level: 1, strategy: Z_HUFFMAN_ONLY, flush: flushed ? Z_SYNC_FLUSH : Z_NO_FLUSH, chunkSize: 2 ** 16 })

const compressors: Readonly<Partial<Record<Coding, (flushed: boolean) => Transform>>> = {
  ...(createZstdCompress === undefined ? {} : { zstd: (flushed: boolean) => createZstdCompress({ params: { [level]: 1 }, flush: flushed ? flush : go }) }),
  gzip: (flushed) => zlib.createGzip(deflating(flushed)),
  deflate: (flushed) => zlib.createDeflate(deflating(flushed))
}

/** Smaller answers fit into one packet as they are. */
const smallest = 1024

/**
 * Answers to the routes registered after this are compressed where `choose` finds a coding in what the client accepts. On threads of their own, and a
 * stream piece by piece: each line of NDJSON is with its reader as soon as it is written.
 */
export function compressAnswers (app: FastifyInstance, choose: (accepted: string | undefined) => Coding | null): void {
  // Called back, not awaited: each promise of a hook is some microseconds of every request.
  app.addHook('onSend', (request, reply, payload, next) => {
    const vary = [reply.getHeader('vary') ?? []].flat().join(', ')
    if (!vary.includes('Accept-Encoding')) reply.header('vary', vary === '' ? 'Accept-Encoding' : `${vary}, Accept-Encoding`)
    // A stream that failed before it began is answered by a problem in its place.
    reply.removeHeader('content-encoding')
    const coding = choose(request.headers['accept-encoding'])
    const stream = payload instanceof Readable
    const compressor = coding === null ? undefined : compressors[coding]?.(stream)
    if (compressor === undefined || request.method === 'HEAD' || !(stream || sizeOf(payload) >= smallest)) {
      next(null, payload)
      return
    }
    reply.header('content-encoding', coding).removeHeader('content-length')
    // An error of the one ends the other, and the answer with it; who went away needs no word.
    pipeline(stream ? payload : Readable.from([payload]), compressor, () => {})
    next(null, compressor)
  })
}

const sizeOf = (payload: unknown): number => typeof payload === 'string' || payload instanceof Uint8Array ? Buffer.byteLength(payload) : 0

/**
 * The coding that an Accept-Encoding header (RFC 9110, 12.5.3) asks for by its name, zstd before gzip where it likes them as much. None where no answer is
 * asked for in this way, or one without is liked better.
 */
export function codingFor (accepted: string = ''): Coding | null {
  const wishes = new Map(accepted.toLowerCase().split(',').map((part) => {
    const [name, ...parameters] = part.split(';').map((word) => word.trim())
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    return [name === 'x-gzip' ? 'gzip' : name, q === undefined ? 1 : Number(q.slice(2))]
  }))
  const [best, quality] = (['zstd', 'gzip'] as const).filter((name) => compressors[name] !== undefined).map((name) => [name, wishes.get(name) ?? 0] as const)
    .reduce((a, b) => b[1] > a[1] ? b : a)
  return quality > 0 && quality >= (wishes.get('identity') ?? 0) ? best : null
}

/**
 * The coding that a client of the Open Inference Protocol asks for: one, by its name alone. A longer list is what a library sends for itself, as under
 * tritonclient's aio, which does not undo it everywhere.
 */
export function onlyCoding (accepted: string = ''): Coding | null {
  const name = accepted.trim().toLowerCase()
  return name === 'gzip' || name === 'deflate' ? name : null
}
