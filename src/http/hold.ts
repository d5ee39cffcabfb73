import type { FastifyInstance, FastifyRequest } from 'fastify'
import { labelPattern, type Labels } from '../lifecycle/labels.ts'
import type { Held } from '../lifecycle/lifecycle.ts'
import { whenOver } from './over.ts'
import { patienceOf } from './patience.ts'
import { running, type ServiceSource } from './service.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that says `config: { holds: false }` tells of models without asking one. */
    holds?: false
  }
}

/**
 * A request that names a model is answered by one version of it, which is kept until the answer is out, whatever happens to the model meanwhile; a header says which.
 * One that is not on the engines is brought there first, and waited for. Nothing may come between this and the handler: it would find another version.
 */
export function holdModels (app: FastifyInstance, service: ServiceSource): void {
  app.addHook('preHandler', (request, reply, next) => {
    const { scope, holds } = request.routeOptions.config
    const all = scope === 'admin' ? undefined : running(service)?.lifecycle
    if (all !== undefined) readLabel(request, all.labels)
    const { id, version } = named(request)
    const lifecycle = id === undefined || holds === false ? undefined : all
    const take = (held: Held | null): void => {
      if (held === null) return
      reply.header('x-model-version', held.entry.version).header('x-model-digest', held.entry.digest)
      whenOver(reply, held.release)
    }
    if (lifecycle?.isIdle(id!, version) === true) {
      const since = performance.now()
      lifecycle.wake(id!, version, patienceOf(request).until).then((held) => {
        request.waited = performance.now() - since
        take(held)
        next()
      }).catch(next)
      return
    }
    take(lifecycle?.hold(id!, version) ?? null)
    next()
  })
}

/** Puts the version that a label names in the label's place: whatever becomes of the label, the request stays with that version. Throws Fault unknown_model. */
function readLabel (request: FastifyRequest, labels: Pick<Labels, 'version'>): void {
  const { id } = named(request)
  for (const part of [request.params, request.query, request.body] as ({ version?: unknown } | null | undefined)[]) {
    const label = part?.version
    if (id === undefined || typeof label !== 'string' || !labelPattern.test(label)) continue
    const version = labels.version(id, label)
    part!.version = part === request.params ? String(version) : version
  }
}

/** In the address, or else in the body. */
function named ({ params, query, body }: FastifyRequest): { id: string | undefined, version: number | undefined } {
  const [address, asked, said] = [params, query, body].map((part) => part ?? {}) as { id?: unknown, version?: unknown, model?: unknown }[]
  const id = address.id ?? said.model
  const version = Number(address.version ?? asked.version ?? said.version)
  return { id: typeof id === 'string' ? id : undefined, version: Number.isNaN(version) ? undefined : version }
}
