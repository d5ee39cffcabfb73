import Fastify from 'fastify'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { defaults, type Settings } from './config.ts'
import { Fault } from './errors.ts'
import { guard, identify } from './http/access.ts'
import { negotiate } from './http/accept.ts'
import { decompressBodies, readArrays } from './http/bodies.ts'
import { refuseWhenBusy } from './http/busy.ts'
import { watchClosing } from './http/closing.ts'
import { codingFor, compressAnswers } from './http/compress.ts'
import { allowOrigin } from './http/cors.ts'
import { decodeRoutes } from './http/decode.ts'
import { docsRoutes, document } from './http/docs.ts'
import { exportRoutes } from './http/export.ts'
import { generateRoutes } from './http/generate.ts'
import { secureHeaders, sendHeaders } from './http/headers.ts'
import { healthRoutes } from './http/health.ts'
import { holdModels } from './http/hold.ts'
import { askForHost } from './http/host.ts'
import { inspectorRoutes } from './http/inspector.ts'
import { readJson } from './http/json.ts'
import { labelRoutes } from './http/labels.ts'
import { limitRates } from './http/limits.ts'
import { logging } from './http/log.ts'
import { refuseOtherMethods } from './http/methods.ts'
import { Metrics, metricsRoute } from './http/metrics.ts'
import { limitWaits } from './http/patience.ts'
import { modelRoutes } from './http/models.ts'
import { readQueries } from './http/query.ts'
import { probeRoutes } from './http/probes.ts'
import { relevanceRoutes } from './http/relevance.ts'
import { answerProblems, clientError, frameworkError } from './http/problem.ts'
import { recorder, recordRequests } from './http/requests.ts'
import { searchRoutes } from './http/search.ts'
import { limitAnswers } from './http/size.ts'
import { cutSlowClients } from './http/slow.ts'
import type { App, ServiceSource } from './http/service.ts'
import { toFault } from './http/validation.ts'
import { versionRoutes } from './http/versions.ts'
import { v2Routes } from './http/v2/routes.ts'
import { readTokens } from './tokens.ts'

/** Where what is counted and logged goes: to standard error, a JSON line each, where nothing else is said. Standard output is for people (cli.ts). */
export interface Watching { readonly metrics?: Metrics, readonly write?: (line: string) => void }

/**
 * The HTTP side, complete and not yet listening. `service` is asked at each request, so the app can listen before the models are loaded.
 * @throws SettingsError where the tokens cannot be read
 */
export async function buildApp (settings: Settings, service: ServiceSource, { metrics = new Metrics(), write = (line) => process.stderr.write(line) }: Watching = {}): Promise<App> {
  const record = recorder(service, metrics)
  const headers = await secureHeaders()
  const tokens = readTokens(settings, (words, refused) => refused ? app.log.error(words) : app.log.info(words))
  const app = Fastify({
    ...logging(settings, (line) => write(tokens.redact(line))),
    ...settings.TRUST_PROXY === undefined ? {} : { trustProxy: settings.TRUST_PROXY.split(',').map((address) => address.trim()) },
    bodyLimit: Math.floor(settings.BODY_LIMIT_MB * 2 ** 20),
    // A null or a string among numbers is refused, never read as 0 or 3.
    // Its code is not made shorter: that took longer, at every start, than it saves.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, verbose: true, keywords: ['x-examples'], code: { optimize: false } } },
    schemaErrorFormatter: toFault,
    routerOptions: { maxParamLength: 500 },
    // What arrives on an open connection while the service closes is still answered (http/closing.ts).
    return503OnClosing: false,
    // Before there is a route, and so before any hook.
    frameworkErrors: (error, request, reply) => {
      record(request, reply)
      reply.headers(headers)
      frameworkError(error, request, reply)
    },
    clientErrorHandler: clientError,
    // No limit for a whole request: Node's own would forbid a longer one for its head.
    http: { requestTimeout: 0, headersTimeout: settings.SLOW_CLIENT_S * 1000, connectionsCheckingInterval: 1000, requireHostHeader: false }
  }).withTypeProvider<TypeBoxTypeProvider>()

  app.addHook('onClose', async () => { tokens.close() })
  // The schemas of answers are documentation: nothing is left out of an answer because a schema does not know it.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  sendHeaders(app, headers)
  recordRequests(app, record)
  askForHost(app)
  const closing = watchClosing(app)
  cutSlowClients(app, settings.SLOW_CLIENT_S)
  limitWaits(app, settings.REQUEST_TIMEOUT_S)
  limitAnswers(app, settings.RESPONSE_LIMIT_MB * 2 ** 20)
  answerProblems(app, settings.BODY_LIMIT_MB)
  if (settings.CORS_ORIGIN !== undefined) allowOrigin(app, settings.CORS_ORIGIN, () => tokens.has('admin'))
  identify(app, tokens)
  if (settings.RATE_LIMIT !== undefined) await limitRates(app, settings.RATE_LIMIT, settings)
  guard(app, tokens)
  await refuseWhenBusy(app, service)
  readJson(app)
  decompressBodies(app)
  holdModels(app, service)
  await document(app)
  await app.register((open) => refuseOtherMethods(open, async () => {
    docsRoutes(open)
    await inspectorRoutes(open)
    healthRoutes(open, service, closing)
    metricsRoute(open, service, metrics)
    await open.register(async (api) => {
      negotiate(api)
      readQueries(api)
      readArrays(api)
      compressAnswers(api, codingFor)
      modelRoutes(api, service, () => tokens.has('admin'))
      probeRoutes(api, service)
      relevanceRoutes(api, service)
      searchRoutes(api, service)
      generateRoutes(api, service)
    })
    await open.register(async (files) => {
      readQueries(files)
      compressAnswers(files, codingFor)
      decodeRoutes(files, service)
      exportRoutes(files, service)
    })
    await open.register(async (versions) => await versionRoutes(versions, service, settings))
    labelRoutes(open, service)
  }))
  await app.register(async (v2) => await v2Routes(v2, service, settings))
  return app
}

/** The OpenAPI document as YAML, made from the schemas of the routes. */
export async function openapiYaml (): Promise<string> {
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent' }, () => { throw new Fault('not_ready', 'there is no engine') })
  await app.ready()
  const yaml = app.swagger({ yaml: true })
  await app.close()
  return yaml
}
