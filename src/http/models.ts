import { sendBytes } from './bytes.ts'
import { describeList, describeModel, describeSample, describeWeights, type WeightsFormat } from '../describe/describe.ts'
import { packers } from '../trace/encode.ts'
import { contentType, type AnswerFormat } from './accept.ts'
import { answers, ModelAnswer, ModelsAnswer, SampleAnswer, WeightsAnswer } from './answers.ts'
import { ModelParams, VersionQuery, WeightsQuery } from './schemas.ts'
import type { App, ServiceSource } from './service.ts'

const faultsOfList = ['malformed', 'unauthorized', 'not_acceptable', 'internal', 'not_ready'] as const
const faultsOfModels = [...faultsOfList, 'unknown_model', 'model_refused', 'invalid_value'] as const

const jsonAlone: readonly AnswerFormat[] = ['json']
const formatsOfWeights: readonly WeightsFormat[] = ['json', ...Object.keys(packers) as (keyof typeof packers)[]]

/** The routes that tell of the models without running one. `administered`: is there an ADMIN_TOKEN? */
export function modelRoutes (app: App, service: ServiceSource, administered: () => boolean): void {
  app.get('/models', {
    schema: {
      tags: ['models'],
      operationId: 'models',
      summary: 'Every model, those that cannot be served with the reason',
      response: answers(ModelsAnswer, 'The models', jsonAlone, ...faultsOfList)
    }
  }, async () => {
    const { registry, lifecycle } = service()
    const { limit, bytes: used } = lifecycle.memory
    return { ...describeList(registry.list()), memory: limit === Infinity ? undefined : { limit, used }, uploads: administered() && lifecycle.uploads ? true : undefined }
  })

  app.get('/models/:id', {
    schema: {
      tags: ['models'],
      operationId: 'model',
      summary: 'Inputs, outputs and layers of a model',
      params: ModelParams,
      querystring: VersionQuery,
      response: answers(ModelAnswer, 'The model', jsonAlone, ...faultsOfModels)
    }
  }, async ({ params, query }) => describeModel(service().registry.get(params.id, query.version)))

  app.get('/models/:id/sample', {
    schema: {
      tags: ['models'],
      operationId: 'sample',
      summary: 'A ready body for /hidden-states',
      params: ModelParams,
      querystring: VersionQuery,
      response: answers(SampleAnswer, 'The body', jsonAlone, ...faultsOfModels)
    }
  }, async ({ params, query }) => describeSample(service().registry.get(params.id, query.version)))

  app.get('/models/:id/weights', {
    config: { formats: formatsOfWeights },
    schema: {
      tags: ['models'],
      operationId: 'weights',
      summary: 'Weights, gate by gate',
      params: ModelParams,
      querystring: WeightsQuery,
      response: answers(WeightsAnswer, 'The weights', formatsOfWeights, 'unknown_name', ...faultsOfModels)
    }
  }, async ({ params, query: { version, layer, values = true, layout = 'gates', stats = false }, format }, reply) =>
    sendBytes(reply.type(contentType(format)), describeWeights(service().registry.get(params.id, version), { layer, values, layout, stats }, format as WeightsFormat)))
}
