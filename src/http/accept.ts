import type { FastifyInstance } from 'fastify'
import { Fault } from '../errors.ts'
import type { Format } from '../trace/encode.ts'

/** The formats of an answer, in the order of preference: the one place that knows their media types. */
const mediaTypes = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  npz: 'application/x-npz',
  safetensors: 'application/vnd.safetensors',
  sse: 'text/event-stream'
} as const satisfies Partial<Record<Format, string>> & { ndjson: string, sse: string }

/** A format that `Accept` can ask for. */
export type AnswerFormat = keyof typeof mediaTypes
/** Those that arrays are answered in. */
export const answerFormats = ['json', 'ndjson', 'npz', 'safetensors'] as const satisfies readonly AnswerFormat[]

declare module 'fastify' {
  interface FastifyRequest {
    /** The format of the answer that `Accept` asks for. */
    format: AnswerFormat
  }
  interface FastifyContextConfig {
    /** The formats that a route answers in; JSON alone where it does not say. */
    formats?: readonly AnswerFormat[]
  }
}

/** Every route registered after this one knows the format of its answer; what it has no format for is refused. */
export function negotiate (app: FastifyInstance): void {
  app.decorateRequest('format', 'json')
  app.addHook('onRequest', (request, _, next) => {
    request.format = formatFor(request.headers.accept, request.routeOptions.config.formats)
    next()
  })
}

/** The Content-Type of a format. */
export const contentType = (format: AnswerFormat): string => mediaTypes[format]

/**
 * The one of a route's formats that an Accept header likes best (RFC 9110, 12.5.1); the first of those it likes as much.
 * @throws Fault not_acceptable, listing their media types
 */
export function formatFor (accept: string = '*/*', formats: readonly AnswerFormat[] = ['json']): AnswerFormat {
  // What most ask for.
  if (accept === '*/*') return formats[0]
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
    throw new Fault('not_acceptable', `There is no answer as ${accept}. Ask for ${formats.map((format) => mediaTypes[format]).join(' or ')}.`)
  }
  return best
}
