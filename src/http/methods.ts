import type { HTTPMethods } from 'fastify'
import { Fault } from '../errors.ts'
import type { App } from './service.ts'

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'TRACE']

/** Lets the routes be registered, then answers the other methods at their addresses with what there is in place of them. */
export async function refuseOtherMethods (app: App, routes: () => Promise<void>): Promise<void> {
  const taken = new Map<string, string[]>()
  app.addHook('onRoute', ({ url, method }) => { taken.set(url, [...taken.get(url) ?? [], ...[method].flat()]) })
  await routes()
  for (const [url, allowed] of [...taken]) {
    app.route({
      url,
      method: methods.filter((method) => !allowed.includes(method)),
      schema: { hide: true },
      onRequest: async (request, reply) => {
        reply.header('allow', allowed.join(', '))
        throw new Fault('method_not_allowed', `${request.method} is not for this address. Use ${allowed.join(' or ')}.`)
      },
      handler: async () => {}
    })
  }
}
