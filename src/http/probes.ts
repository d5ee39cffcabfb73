import { buildPlan } from '../plan/build.ts'
import { decodeRequest, type RequestKind } from '../request/decode.ts'
import { answerFormats as formats, contentType, type AnswerFormat } from './accept.ts'
import { answers, HiddenStatesAnswer, PredictAnswer } from './answers.ts'
import { withQuery, type Addressed } from './query.ts'
import { HiddenStatesBody, HiddenStatesQuery, ModelHiddenStatesBody, ModelParams, ModelPredictBody, PredictBody, PredictQuery } from './schemas.ts'
import type { App, Service, ServiceSource } from './service.ts'

const faultsOfProbes = ['malformed', 'unauthorized', 'unknown_model', 'not_acceptable', 'model_refused', 'too_large', 'unsupported_media_type', 'invalid_value', 'wrong_shape',
  'unknown_name', 'queue_full', 'internal', 'not_ready', 'unsound', 'deadline'] as const

const prediction = { tags: ['probes'], summary: 'What the model predicts', response: answers(PredictAnswer, 'The outputs', formats, ...faultsOfProbes) }
const states = {
  tags: ['probes'],
  summary: 'Hidden states, cell states and gates, step by step',
  response: answers(HiddenStatesAnswer, 'The tensors asked for, by layer', formats, ...faultsOfProbes)
}

/** The routes that run a model. */
export function probeRoutes (app: App, service: ServiceSource): void {
  app.post('/predict', { config: { formats }, schema: { ...prediction, operationId: 'predict', body: PredictBody } }, async ({ body, format }, reply) =>
    reply.type(contentType(format)).send(await run(service(), body, 'predict', format)))

  app.post('/hidden-states', { config: { formats }, schema: { ...states, operationId: 'hiddenStates', body: HiddenStatesBody } }, async ({ body, format }, reply) =>
    reply.type(contentType(format)).send(await run(service(), body, 'hidden-states', format)))

  app.post('/models/:id/predict', {
    config: { formats },
    schema: { ...prediction, operationId: 'predictOfModel', params: ModelParams, querystring: PredictQuery, body: ModelPredictBody }
  }, async ({ body, params, query, format }, reply) =>
    reply.type(contentType(format)).send(await run(service(), withQuery(body, params.id, query), 'predict', format)))

  app.post('/models/:id/hidden-states', {
    config: { formats },
    schema: { ...states, operationId: 'hiddenStatesOfModel', params: ModelParams, querystring: HiddenStatesQuery, body: ModelHiddenStatesBody }
  }, async ({ body, params, query, format }, reply) =>
    reply.type(contentType(format)).send(await run(service(), withQuery(body, params.id, query), 'hidden-states', format)))
}

/** Decode, plan, pool: the encoded answer. */
async function run ({ registry, pool }: Service, body: Addressed, kind: RequestKind, format: AnswerFormat): Promise<Uint8Array> {
  const entry = registry.get(body.model, body.version)
  const { probe, batch } = decodeRequest(body, entry, kind)
  const plan = buildPlan(entry.file, probe, entry.meta)
  return await pool.run(entry.key, { plan, batch, format, head: { model: entry.id, version: entry.version, digest: entry.digest } })
}
