import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Fault } from '../errors.ts'
import type { Caller, Tokens } from '../tokens.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that says `config: { scope: 'admin' }` asks for a token of ADMIN_TOKEN; every other for one of API_TOKEN or ADMIN_TOKEN, where API_TOKEN is set. */
    scope?: 'admin'
  }
  interface FastifyRequest {
    /** Whose token the request brought; null for none, and for one that is nobody's. */
    caller: Caller | null
  }
}

/** What needs no token: whoever watches the service, and the files of the inspector's page, which hold nothing of the models. */
const open = ['/health/', '/inspector/']

/** Finds out whose token each request brings. */
export function identify (app: FastifyInstance, tokens: Tokens): void {
  app.decorateRequest('caller', null)
  app.addHook('onRequest', (request, _, next) => {
    const given = tokenOf(request)
    request.caller = given === undefined ? null : tokens.callerOf(given)
    next()
  })
}

/**
 * Asks every route for a token of its scope, before anything of the body is read. Routes of administration say `config: { scope: 'admin' }` and
 * nothing more: 401 without a token or with a wrong one, 403 for a token of API_TOKEN and, to all, where there is no ADMIN_TOKEN.
 */
export function guard (app: FastifyInstance, tokens: Tokens): void {
  app.addHook('onRequest', (request, _, next) => {
    const { url, config } = request.routeOptions
    if (config.scope === 'admin') next(adminRefusal(request, tokens))
    else next(request.caller === null && tokens.has('inference') && !open.some((prefix) => url?.startsWith(prefix)) ? unauthorized(tokenOf(request), 'API_TOKEN') : undefined)
  })
}

const tokenOf = ({ headers: { authorization } }: FastifyRequest): string | undefined => authorization === undefined ? undefined : /^Bearer +(.+)$/i.exec(authorization)?.[1]

function adminRefusal (request: FastifyRequest, tokens: Tokens): Fault | undefined {
  const { caller } = request
  if (!tokens.has('admin')) return new Fault('forbidden', 'administration is off: start the service with ADMIN_TOKEN, or ADMIN_TOKEN_FILE, to switch it on')
  if (caller === null) return unauthorized(tokenOf(request), 'ADMIN_TOKEN')
  if (caller.scope !== 'admin') return new Fault('forbidden', 'this is for the ADMIN_TOKEN of the service: the token sent is good for inference alone')
}

const unauthorized = (given: string | undefined, name: string): Fault => new Fault('unauthorized', given === undefined
  ? `Send the header "Authorization: Bearer TOKEN" with the ${name} of the service.`
  : `The token sent is not the ${name} of the service.`)
