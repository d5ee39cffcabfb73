import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isIP } from 'node:net'
import type { FaultCode } from '../errors.ts'
import type { Metrics } from './metrics.ts'
import { whenOver } from './over.ts'
import type { ServiceSource } from './service.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whoever watches the service asks again and again: a line of that is for LOG_LEVEL=debug. */
    quiet?: boolean
  }
  interface FastifyRequest {
    /** The code of the problem that was answered; set by problem.ts. */
    problem: FaultCode | undefined
  }
}

/** What nginx and others write where the client went away before the answer. */
const clientGone = 499

/** Counts a request that has come, and logs one line of it when it is over. */
export type Recorder = (request: FastifyRequest, reply: FastifyReply) => void

export function recorder (service: ServiceSource, metrics: Metrics): Recorder {
  const exists = (id: string): boolean => {
    try {
      return service().registry.list().some((entry) => entry.id === id)
    } catch {
      // There is no service yet, and so no model.
      return false
    }
  }
  return (request, reply) => {
    metrics.came()
    const { ip } = request
    whenOver(reply, (sent) => {
      const { method, routeOptions: { url: route, config: { quiet } }, problem: code, caller } = request
      const [status, ms] = [sent ? reply.statusCode : clientGone, reply.elapsedTime]
      metrics.served({ route, method, status, seconds: ms / 1000, model: modelOf(request), code }, exists)
      // X-Forwarded-For may hold anything.
      const words = { method, route, status, ms: Math.round(ms * 10) / 10, code, caller: caller?.name, ip: isIP(ip) > 0 ? ip : undefined }
      if (quiet === true) request.log.debug(words, 'request')
      else if (status >= 500) request.log.warn(words, 'request')
      else request.log.info(words, 'request')
    })
  }
}

/** Every request from here on is recorded; those that have no hook, by whoever answers them. */
export function recordRequests (app: FastifyInstance, record: Recorder): void {
  app.decorateRequest('problem', undefined)
  app.addHook('onRequest', (request, reply, next) => {
    record(request, reply)
    next()
  })
}

function modelOf ({ params, body }: FastifyRequest): string | undefined {
  const model = (params as { id?: unknown } | null)?.id ?? (body as { model?: unknown } | null | undefined)?.model
  return typeof model === 'string' ? model : undefined
}
