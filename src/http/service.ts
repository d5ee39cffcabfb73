import type { FastifyBaseLogger, FastifyInstance, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Fault } from '../errors.ts'
import type { Lifecycle } from '../lifecycle/lifecycle.ts'
import type { Pool } from '../pool/protocol.ts'
import type { Registry } from '../registry/registry.ts'

/** What the routes need of the rest. */
export interface Service {
  readonly registry: Pick<Registry, 'list' | 'get' | 'entry'>
  readonly pool: Pick<Pool, 'engine' | 'run' | 'sent' | 'state' | 'full'>
  readonly lifecycle: Pick<Lifecycle, 'uploads' | 'hold' | 'isIdle' | 'wake' | 'memory' | 'versions' | 'upload' | 'remove' | 'load' | 'unload' | 'loadAll' | 'unloadAll' | 'labels'>
}

/** Gives the service, or throws Fault not_ready as long as there is none. Called for each request. */
export type ServiceSource = () => Service

/** Fastify, whose requests have the types of the routes' schemas. */
export type App = FastifyInstance<RawServerDefault, RawRequestDefaultExpression, RawReplyDefaultExpression, FastifyBaseLogger, TypeBoxTypeProvider>

/** The service, or null as long as there is none. */
export function running (service: ServiceSource): Service | null {
  try {
    return service()
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}
