import type { FastifyRequest } from 'fastify'
import { Fault } from '../errors.ts'
import type { Patience } from '../pool/protocol.ts'
import type { App } from './service.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** REQUEST_TIMEOUT_S. */
    longestWait: number
  }
  interface FastifyRequest {
    /** Milliseconds that it has waited for its model already. */
    waited: number
  }
}

/** Every job is answered within so many seconds, or sooner where its client says so. */
export function limitWaits (app: App, seconds: number): void {
  app.decorate('longestWait', seconds)
  app.decorateRequest('waited', 0)
}

/**
 * How long the client of a request waits for what is asked of the pool now: REQUEST_TIMEOUT_S seconds, or as many as its `X-Request-Timeout` says where these are fewer; and not at
 * all once its connection is gone. A stream asks anew for each of its pieces. Throws Fault for a header that is no such number.
 */
export function patienceOf (request: FastifyRequest): Patience {
  const { headers, server, waited, raw: { socket } } = request
  request.waited = 0
  const wish = headers['x-request-timeout']
  const seconds = wish === undefined ? server.longestWait : Math.min(secondsIn(wish), server.longestWait)
  return { until: performance.now() + seconds * 1000 - waited, gone: () => socket.destroyed }
}

function secondsIn (text: string | string[]): number {
  const seconds = typeof text === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(text) ? Number(text) : 0
  if (seconds === 0) throw new Fault('malformed', `X-Request-Timeout is ${JSON.stringify(text)}: it must be a number of seconds above 0, as 2.5`)
  return seconds
}
