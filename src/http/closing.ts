import type { FastifyInstance } from 'fastify'
import { Fault } from '../errors.ts'
import { whenOver } from './over.ts'

/** How long those connections are waited for on which nothing has come, or the half of a head, in milliseconds: Node takes them for busy, and would wait as long as for a head. */
const rest = 1000

/**
 * Lets the app end well: from the moment it is closed it takes nothing new but still listens, so that whoever watches sees `/health/ready` refuse,
 * and what is under way is answered before the connections go. Gives whether it is closing.
 */
export function watchClosing (app: FastifyInstance): () => boolean {
  let closing = false
  let underWay = 0
  let done = (): void => {}
  app.addHook('onRequest', (request, reply, next) => {
    underWay++
    whenOver(reply, () => {
      underWay--
      if (underWay === 0) done()
    })
    next(closing && request.routeOptions.url?.startsWith('/health/') !== true ? new Fault('not_ready', 'the service is stopping') : undefined)
  })
  // Without it a client that keeps its connection open would keep the process up.
  app.addHook('onSend', (_, reply, payload, next) => {
    if (closing) reply.header('connection', 'close')
    next(null, payload)
  })
  app.addHook('preClose', async () => {
    closing = true
    if (underWay > 0) await new Promise<void>((resolve) => { done = resolve })
    setTimeout(() => { app.server.closeAllConnections() }, rest).unref()
  })
  return () => closing
}
