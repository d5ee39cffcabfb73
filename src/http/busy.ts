import underPressure from '@fastify/under-pressure'
import type { FastifyRequest } from 'fastify'
import { Fault } from '../errors.ts'
import { isLines } from './ndjson.ts'
import { running, type App, type ServiceSource } from './service.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its requests go to the pool, whose queue may be full. */
    computes?: boolean
  }
  interface FastifyInstance {
    /** What a request is refused with now, before it is read any further; null where there is room for it. */
    refusal?: (request: FastifyRequest) => Fault | null
  }
}

/** Once: under load the place where an error was made takes as long to find as all the rest of a refusal. */
const full = new Fault('queue_full', 'as many requests are waiting as may (QUEUE_LIMIT, QUEUE_LIMIT_MB): try again in a second')
const late = new Fault('queue_full', 'more arrives than can be read: try again in a second')

/** How late the HTTP side may come to what it has to do, on the mean of how long, both in milliseconds: one large body makes it late once, which is no load. */
const usual = { late: 500, mean: 5000 }

/**
 * Turns requests away that there is no room for before anything of their bodies is read: a body costs many times what its refusal does, and under load there would be
 * nothing left to answer with. What arrives of the body after that is thrown away as it comes (slow.ts bounds it), and the connection stays open. Streams of lines are not
 * turned away: they wait for each line. And all but what watches (`quiet`) is turned away while more arrives than can even be read. To be registered after `guard`: strangers learn nothing.
 */
export async function refuseWhenBusy (app: App, service: ServiceSource, { late: most, mean } = usual): Promise<void> {
  const refusal = (request: FastifyRequest): Fault | null =>
    request.routeOptions.config.computes === true && !isLines(request) && running(service)?.pool.full() === true ? full : null
  app.decorate('refusal', refusal)
  app.addHook('onRequest', (request, _, next) => {
    next(refusal(request) ?? undefined)
  })
  await app.register(underPressure, {
    maxEventLoopDelay: most,
    sampleInterval: mean,
    pressureHandler: async ({ routeOptions: { config } }) => {
      if (config.quiet !== true) throw late
    }
  })
}
