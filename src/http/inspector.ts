import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { Fault } from '../errors.ts'
import type { App } from './service.ts'

/** Where scripts/inspector.mjs puts the page; the compiled file lies three folders below the project's own (dist/src/http). */
const folder = fileURLToPath(new URL('../../inspector/', import.meta.url))

/** Nothing but this service, and no script or style that is not a file of it. What the page draws and saves are blobs and data of its own. */
const headers = {
  'content-security-policy': "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // A new version of the service is a new page at once; unchanged files answer 304.
  'cache-control': 'no-cache'
}

/** The page at `/`, and its files below `/inspector/`. They hold nothing of the service's models: the page asks for those like any client, with the reader's token. */
export async function inspectorRoutes (app: App): Promise<void> {
  // Sources that were compiled without the page, by tsc alone, serve everything else.
  if (!existsSync(folder)) return
  const page = readFileSync(`${folder}index.html`)
  const send = (reply: FastifyReply): FastifyReply => reply.headers(headers).type('text/html; charset=utf-8').send(page)
  app.get('/', {
    schema: { hide: true },
    // A browser brings no token: it gets the page, which asks for one, and the status says that nothing is open yet.
    errorHandler: async (error, request, reply) => {
      if (!(error instanceof Fault && error.code === 'unauthorized' && request.headers.accept?.includes('text/html') === true)) throw error
      return send(reply.code(401))
    }
  }, async (_, reply) => send(reply))
  await app.register(fastifyStatic, {
    root: folder,
    prefix: '/inspector/',
    index: false,
    decorateReply: false,
    cacheControl: false,
    setHeaders: (reply) => { reply.headers(headers) }
  })
}
