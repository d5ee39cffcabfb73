import helmet from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'

/**
 * What answers of an API tell a browser: not to guess their type, to show them in no frame, to load and run nothing for them, to give them to no page of
 * another origin (but where cors.ts says so). Pages have policies of their own (inspector.ts, docs.ts). No Strict-Transport-Security: that is for whoever does TLS in front.
 * Helmet is asked once, at the start: it would work out the same headers for every request, at a quarter of what a small answer costs.
 */
export async function secureHeaders (): Promise<Readonly<Record<string, string>>> {
  const once = Fastify()
  await once.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } },
    frameguard: { action: 'deny' },
    strictTransportSecurity: false,
    // For pages, and for browsers that are gone.
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    dnsPrefetchControl: false,
    ieNoOpen: false,
    permittedCrossDomainPolicies: false,
    xssFilter: false
  })
  once.get('/', async (_, reply) => reply.send())
  const { headers } = await once.inject('/')
  await once.close()
  const names = ['content-security-policy', 'cross-origin-resource-policy', 'referrer-policy', 'x-content-type-options', 'x-frame-options']
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]))
}

/** Sends them with every answer; what a route says itself goes before. */
export function sendHeaders (app: FastifyInstance, headers: Readonly<Record<string, string>>): void {
  app.addHook('onRequest', (request, reply, next) => {
    reply.header('x-request-id', request.id).headers(headers)
    next()
  })
}
