import type { FastifyRequest } from 'fastify'
import { isIP } from 'node:net'
import type { Settings } from '../config.ts'
import { Fault } from '../errors.ts'
import type { App } from './service.ts'

/** Callers that are counted at once; the one not heard of for longest makes room. */
const most = 10_000

/**
 * Refuses the callers that have sent RATE_LIMIT requests within RATE_WINDOW_S, each token on its own, and each address that brings none, or a wrong one: guesses are
 * counted like the rest. An IPv6 address counts with its whole /64. To be registered between who it is (`identify`) and whether that may pass (`guard`): a
 * hook of the app and not of its routes, so that addresses without a route count too. `/health/*` does not.
 */
export async function limitRates (app: App, limit: number, { RATE_WINDOW_S }: Settings): Promise<void> {
  // Imported only where it is asked for.
  const { default: rateLimit, normalizeIP } = await import('@fastify/rate-limit')
  const keyOf = ({ caller, ip }: FastifyRequest): string => caller?.key ?? (isIP(ip) > 0 ? normalizeIP(ip) : 'unknown')
  await app.register(rateLimit, { global: false, max: limit, timeWindow: RATE_WINDOW_S * 1000, keyGenerator: keyOf, cache: most })
  const count = app.createRateLimit()
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.url?.startsWith('/health/') === true) return
    const found = await count(request)
    if (found.isAllowed || !found.isExceeded) return
    reply.header('retry-after', found.ttlInSeconds)
    throw new Fault('rate_limited', `this caller has sent its ${limit} requests of ${RATE_WINDOW_S} seconds: try again in ${found.ttlInSeconds} seconds`)
  })
}
