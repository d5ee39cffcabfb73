import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { Fault } from '../errors.ts'
import type { Settings } from '../config.ts'

/** Who may call: pages of CORS_ORIGIN from a browser, and whoever has API_TOKEN where there is one. `/health/*` and the files of the inspector are open. */
export function guard (app: FastifyInstance, { API_TOKEN, CORS_ORIGIN }: Settings): void {
  if (CORS_ORIGIN !== undefined) allowOrigin(app, CORS_ORIGIN)
  if (API_TOKEN !== undefined) askForToken(app, API_TOKEN)
}

/** Before the token is asked for: a browser's preflight request brings none. */
function allowOrigin (app: FastifyInstance, origin: string): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('vary', 'Origin')
    if (request.headers.origin === undefined || (origin !== '*' && request.headers.origin !== origin)) return
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', 'x-request-id')
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return
    return reply.code(204).header('access-control-allow-methods', 'GET, HEAD, POST')
      .header('access-control-allow-headers', 'authorization, content-type, accept').header('access-control-max-age', '600').send()
  })
}

/** What needs no token: whoever watches the service, and the files of the inspector's page, which hold nothing of the models. */
const open = ['/health/', '/inspector/']

function askForToken (app: FastifyInstance, token: string): void {
  // Digests have one length, so the comparison tells nothing of the token's.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = digest(token)
  app.addHook('onRequest', async (request) => {
    if (open.some((prefix) => request.routeOptions.url?.startsWith(prefix))) return
    const given = /^Bearer +(.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined) throw new Fault('unauthorized', 'Send the header "Authorization: Bearer TOKEN" with the API_TOKEN of the service.')
    if (!timingSafeEqual(digest(given), expected)) throw new Fault('unauthorized', 'The token sent is not the API_TOKEN of the service.')
  })
}
