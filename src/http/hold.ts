import type { FastifyInstance, FastifyRequest } from 'fastify'
import { whenOver } from './over.ts'
import { running, type ServiceSource } from './service.ts'

/**
 * A request that names a model is answered by one version of it, which is kept until the answer is out, whatever happens to the model meanwhile; a header says which.
 * Nothing may come between this and the handler: it would find another version.
 */
export function holdModels (app: FastifyInstance, service: ServiceSource): void {
  app.addHook('preHandler', (request, reply, next) => {
    const { id, version } = named(request)
    const held = id === undefined || request.routeOptions.config.scope === 'admin' ? null : running(service)?.lifecycle.hold(id, version) ?? null
    if (held !== null) {
      reply.header('x-model-version', held.entry.version).header('x-model-digest', held.entry.digest)
      whenOver(reply, held.release)
    }
    next()
  })
}

/** In the address, or else in the body. */
function named ({ params, query, body }: FastifyRequest): { id: string | undefined, version: number | undefined } {
  const [address, asked, said] = [params, query, body].map((part) => part ?? {}) as { id?: unknown, version?: unknown, model?: unknown }[]
  const id = address.id ?? said.model
  const version = Number(address.version ?? asked.version ?? said.version)
  return { id: typeof id === 'string' ? id : undefined, version: Number.isNaN(version) ? undefined : version }
}
