import type { FastifyInstance } from 'fastify'

/**
 * Pages of `origin` (or of all, where it is `*`) may call from a browser; what changes models too, where there is an ADMIN_TOKEN (`administered`). To be registered before tokens are asked for: a preflight request brings none.
 * By these lines and not by @fastify/cors: that answers an OPTIONS request that is no preflight with plain text in place of a problem, and a preflight of
 * any other origin with the list of what is allowed.
 */
export function allowOrigin (app: FastifyInstance, origin: string, administered: () => boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('vary', 'Origin')
    if (request.headers.origin === undefined || (origin !== '*' && request.headers.origin !== origin)) return
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', 'x-request-id, retry-after')
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return
    return reply.code(204).header('access-control-allow-methods', administered() ? 'GET, HEAD, POST, PUT, DELETE' : 'GET, HEAD, POST')
      .header('access-control-allow-headers', 'authorization, content-type, content-digest, accept, x-request-id, x-request-timeout, traceparent').header('access-control-max-age', '600').send()
  })
}
