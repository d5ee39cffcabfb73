import { LogController, type FastifyBaseLogger, type FastifyServerOptions } from 'fastify'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Settings } from '../config.ts'

/** Fastify's own two lines for each request are left out: requests.ts writes one. */
class Quiet extends LogController {
  override incomingRequest (): void {}
  override requestCompleted (): void {}
}

/**
 * What is logged, and how: a JSON line each to `write`, with the id of the request and the trace it belongs to. Of
 * what clients send nothing is written but these ids: no address, no header, no token, no body.
 */
export function logging ({ LOG_LEVEL }: Settings, write: (line: string) => void): Pick<FastifyServerOptions, 'logger' | 'logController' | 'childLoggerFactory' | 'genReqId'> {
  return {
    logger: {
      level: LOG_LEVEL,
      stream: { write: (line) => write(`${printable(line.trimEnd())}\n`) },
      serializers: {
        req: ({ method, routeOptions }: { method: string, routeOptions?: { url?: string } }) => ({ method, route: routeOptions?.url }),
        res: ({ statusCode }: { statusCode: number }) => ({ status: statusCode }),
        // Errors of libraries carry what they were given.
        err: toWords
      }
    },
    logController: new Quiet({ requestIdLogLabel: 'requestId' }),
    childLoggerFactory: (logger: FastifyBaseLogger, bindings, options, { headers }: IncomingMessage) => logger.child({ ...bindings, ...traceOf(headers.traceparent) }, options),
    genReqId: ({ headers }) => requestId(headers['x-request-id'])
  }
}

const toWords = ({ name, message, stack, code }: Error & { code?: unknown }): { type: string, message: string, stack: string, code?: unknown } =>
  ({ type: name, message, stack: stack ?? '', ...(typeof code === 'string' ? { code } : {}) })

/**
 * A text without the characters that a terminal or a reader of lines obeys: they stand as `\u009b`, which in JSON says the same. JSON itself escapes those up to U+001F alone,
 * but a terminal takes orders from U+0080 on too, and lines end, or run backwards, at some others.
 */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''))

/** A caller's own id where it is a plain one, so that the logs of both sides meet. */
function requestId (given: string | string[] | undefined): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

/**
 * The trace that a request belongs to: that of its `traceparent` (W3C Trace Context, 2021) where it is a valid one, else a new one. Under the names that OpenTelemetry's
 * log model gives them; `parent_id` is the caller's span.
 */
export function traceOf (traceparent: string | string[] | undefined): { trace_id: string, parent_id?: string } {
  const [, version, trace, parent, rest] = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/.exec(typeof traceparent === 'string' ? traceparent : '') ?? []
  // Version ff is forbidden, 00 has four fields, a later one may have more; ids of zeros alone are none.
  const valid = version !== undefined && version !== 'ff' && (version !== '00' || rest === undefined) && !/^0+$/.test(trace) && !/^0+$/.test(parent)
  return valid ? { trace_id: trace, parent_id: parent } : { trace_id: randomUUID().replaceAll('-', '') }
}
