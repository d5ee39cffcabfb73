import type { FastifyInstance } from 'fastify'
import { Fault } from '../errors.ts'
import type { Job } from '../pool/protocol.ts'

/** The formats of an answer, in the order of preference: the one place that knows their media types. */
const mediaTypes: Readonly<Record<Job['format'], string>> = { json: 'application/json' }

declare module 'fastify' {
  interface FastifyRequest {
    /** The format of the answer that `Accept` asks for. */
    format: Job['format']
  }
}

/** Every route registered after this one knows the format of its answer; what there is no format for is refused. */
export function negotiate (app: FastifyInstance): void {
  app.decorateRequest('format', 'json')
  app.addHook('onRequest', async (request) => { request.format = formatFor(request.headers.accept) })
}

/** The Content-Type of a format. */
export const contentType = (format: Job['format']): string => mediaTypes[format]

/**
 * The format that an Accept header likes best (RFC 9110, 12.5.1).
 * @throws Fault not_acceptable, listing the media types there are
 */
export function formatFor (accept: string = '*/*'): Job['format'] {
  const formats = Object.keys(mediaTypes) as Job['format'][]
  const wishes = accept.split(',').map((part) => {
    const [range, ...parameters] = part.split(';').map((word) => word.trim().toLowerCase())
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    return { range, quality: q === undefined ? 1 : Number(q.slice(2)) }
  })
  const quality = (type: string): number => {
    // The most exact range counts: the type itself, then application/*, then */*.
    for (const range of [type, `${type.split('/')[0]}/*`, '*/*']) {
      const wish = wishes.find((one) => one.range === range)
      if (wish !== undefined) return wish.quality
    }
    return 0
  }
  const best = formats.reduce((a, b) => quality(mediaTypes[b]) > quality(mediaTypes[a]) ? b : a)
  if (!(quality(mediaTypes[best]) > 0)) {
    throw new Fault('not_acceptable', `There is no answer as ${accept}. Ask for ${Object.values(mediaTypes).join(' or ')}.`)
  }
  return best
}
