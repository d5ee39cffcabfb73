import type { Settings } from '../../config.ts'
import { Fault } from '../../errors.ts'
import { about } from '../about.ts'
import { refuseOtherMethods } from '../methods.ts'
import { sentence, toFault } from '../problem.ts'
import type { App, ServiceSource } from '../service.ts'
import { findEntry, findModel, readyModels, type Address } from './find.ts'
import { inferRoutes } from './infer.ts'
import { inputsOf, outputsOf } from './metadata.ts'
import { documented, ModelParams, VersionParams } from './schemas.ts'
import { Statistics } from './statistics.ts'

/** The Open Inference Protocol below /v2: what an unmodified tritonclient speaks. Its errors are `{"error": "..."}`. */
export async function v2Routes (app: App, service: ServiceSource, settings: Settings): Promise<void> {
  const statistics = new Statistics()
  app.setErrorHandler((error: Error, request, reply) => {
    const fault = toFault(error as Fault, request, settings.BODY_LIMIT_MB)
    request.problem = fault.code
    if (fault.status === 401) reply.header('www-authenticate', 'Bearer')
    if (fault.code === 'queue_full' || fault.code === 'not_ready') reply.header('retry-after', '1')
    // The model and its version stand in the address.
    const place = fault.pointer === undefined || fault.pointer === '' || fault.code === 'unknown_model' ? '' : ` (${fault.pointer})`
    reply.code(fault.status).send({ error: sentence(fault.message) + place })
  })
  await refuseOtherMethods(app, async () => {
    serverRoutes(app, service, statistics)
    for (const path of ['/v2/models/:id', '/v2/models/:id/versions/:version'] as const) modelRoutes(app, path, service, statistics)
    await app.register(async (any) => inferRoutes(any, service, statistics))
  })
  app.all('/v2/*', { schema: { hide: true } }, async ({ method, url }) => {
    throw new Fault('not_found', `There is no ${method} ${url.split('?')[0]}. /docs lists what there is.`)
  })
}

function serverRoutes (app: App, service: ServiceSource, statistics: Statistics): void {
  app.get('/v2', { schema: documented('v2Server', 'The server and what it speaks') }, async () => ({
    name: 'statescope', version: about.version, extensions: ['binary_tensor_data', 'model_repository', 'model_configuration', 'statistics']
  }))

  app.get('/v2/health/live', { config: { quiet: true }, schema: documented('v2Live', 'The process answers') }, async () => ({ live: true }))

  app.get('/v2/health/ready', { config: { quiet: true }, schema: documented('v2Ready', 'The engine runs and every model has been looked at') }, async () => {
    const { registry, pool } = service()
    if (!pool.state().workers.some(({ alive }) => alive)) throw new Fault('not_ready', 'none of the threads that compute is alive; they are being started again')
    const loading = registry.list().filter(({ status }) => status === 'loading').map(({ id }) => id)
    if (loading.length > 0) throw new Fault('not_ready', `still being loaded: ${loading.join(', ')}`)
    return { ready: true }
  })

  app.get('/v2/models/stats', { schema: documented('v2AllStatistics', 'Inferences over /v2, of all models') }, async () => ({
    model_stats: readyModels(service()).map(({ key, id, version }) => statistics.report(key, id, String(version)))
  }))
}

function modelRoutes (app: App, path: '/v2/models/:id' | '/v2/models/:id/versions/:version', service: ServiceSource, statistics: Statistics): void {
  const [suffix, paramsSchema] = path.endsWith(':version') ? ['OfVersion', VersionParams] : ['', ModelParams]
  const schema = (operation: string, summary: string): object => documented(operation + suffix, summary, paramsSchema)

  app.get(path, { schema: schema('v2Model', 'What a model takes and gives: its own outputs first, then every internal by its name') }, async ({ params }) => {
    const running = service()
    const entry = findModel(running, params as Address)
    return { name: entry.id, versions: readyModels(running).filter(({ id }) => id === entry.id).map(({ version }) => String(version)), platform: 'keras', inputs: inputsOf(entry), outputs: await outputsOf(running, entry) }
  })

  app.get(`${path}/ready`, { config: { quiet: true, holds: false }, schema: schema('v2ModelReady', 'The model can be asked') }, async ({ params }) => ({ name: findEntry(service(), params as Address).id, ready: true }))

  app.get(`${path}/config`, { schema: schema('v2Config', 'The same as a model configuration') }, async ({ params }) => {
    const running = service()
    const entry = findModel(running, params as Address)
    const field = ({ name, datatype, shape }: { name: string, datatype: string, shape: readonly number[] }): object => ({ name, data_type: `TYPE_${datatype}`, dims: shape })
    // With a largest batch of 0 the dims hold the batch axis: it has no limit of its own.
    return { name: entry.id, platform: 'keras', backend: 'statescope', max_batch_size: 0, input: inputsOf(entry).map(field), output: (await outputsOf(running, entry)).map(field) }
  })

  app.get(`${path}/stats`, { config: { holds: false }, schema: schema('v2Statistics', 'Inferences over /v2, by version') }, async ({ params }) => {
    const running = service()
    const entry = findEntry(running, params as Address)
    const entries = readyModels(running).filter(({ id, key }) => suffix === '' ? id === entry.id : key === entry.key)
    return { model_stats: entries.map((each) => statistics.report(each.key, each.id, String(each.version))) }
  })
}
