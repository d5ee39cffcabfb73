import { Type, type TSchema } from 'typebox'
import { decodeRelevance, widest } from '../request/relevance.ts'
import { methods } from '../studies/relevance/study.ts'
import { answers, Head, Receipt } from './answers.ts'
import { sendAnswer } from './bytes.ts'
import { contentType } from './accept.ts'
import { examples } from './examples.ts'
import { patienceOf } from './patience.ts'
import { withQuery, type Addressed } from './query.ts'
import { Arrays, closed, Inputs, listText, Model, ModelParams, orList, Raw, Version } from './schemas.ts'
import type { App, Service, ServiceSource } from './service.ts'
import type { FastifyReply, FastifyRequest } from 'fastify'

const Of = Type.Enum(['value', 'logit'], { description: '`value` (default): the output itself. `logit`: what the softmax or sigmoid at its end is applied to.' })
const Window = Type.Integer({ minimum: 1, maximum: widest, description: 'How many of the last steps stand for themselves; those before are `older` together. Default: 5.' })
const aboutOutput = 'Which number of the output is explained: an index (of the first output), a label of statescope.json, an output\'s name (its first value), `NAME/INDEX` or `NAME/LABEL`. Default: 0. ' +
  'Where the output has the steps of the input it is that at t-1, of other steps the last.'
const aboutMethods = 'Default: shapley.'
const aboutStepInputs = 'Names of the inputs whose steps are explained; the others stay as they are. Default: what the first recurrent layer reads.'
const aboutBaseline = 'What stands in for a step that is not there. `mean`: trainingMean of statescope.json. `zeros`: in the model\'s own units. `masked`: steps that the model masks. Or an array: one step, a sequence, or one ' +
  'sequence for each of the batch, in the units of the inputs. Default: the mean where there is one, else masked where the model masks, else zeros.'

const members = {
  version: Type.Optional(Version),
  inputs: Inputs,
  raw: Type.Optional(Raw),
  output: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.String()], { description: aboutOutput })),
  of: Type.Optional(Of),
  methods: Type.Optional(orList(Type.Enum([...methods]), { description: aboutMethods })),
  window: Type.Optional(Window),
  baseline: Type.Optional(Type.Unknown({ description: aboutBaseline })),
  stepInputs: Type.Optional(orList(Type.String(), { description: aboutStepInputs }))
}
const RelevanceBody = Type.Object({ model: Model, ...members }, { ...closed, 'x-examples': examples('relevance') })
const OwnBody = Type.Object({ model: Type.Optional(Model), ...members }, closed)
const ModelRelevanceBody = {
  content: {
    'application/json': { schema: OwnBody },
    'application/x-npz': { schema: Arrays('`numpy.savez` or `numpy.savez_compressed`') },
    'application/vnd.safetensors': { schema: Arrays('`safetensors.numpy.save`') }
  }
}
const RelevanceQuery = Type.Object({
  version: Type.Optional(Version),
  raw: Type.Optional(Raw),
  output: Type.Optional(Type.String({ description: aboutOutput })),
  of: Type.Optional(Of),
  methods: Type.Optional(listText(`${methods.join(', ')}. ${aboutMethods}`)),
  window: Type.Optional(Window),
  baseline: Type.Optional(Type.String({ description: `${aboutBaseline} An array as JSON.` })),
  stepInputs: Type.Optional(listText(aboutStepInputs))
}, closed)

const byLag = (value: TSchema, description: string) => Type.Record(Type.String(), value, { description })
const Each = Type.Array(Type.Number())
const orNull = (value: TSchema) => Type.Union([value, Type.Null()])
const Lags = byLag(Each, 'By `t-1` (the last step that the model reads), `t-2`, ..., `older`: one number for each sequence, 0 where there is no such step.')

const RelevanceAnswer = Type.Object({
  ...Head,
  output: Type.Object({ name: Type.String(), index: Type.Integer(), label: Type.Optional(Type.String()), of: Of }, { description: 'What is explained.' }),
  window: Type.Integer(),
  stepInputs: Type.Array(Type.String()),
  lastStep: Type.Optional(Type.Array(Type.Integer(), { description: 'Which input step is t-1, for each sequence of a model that masks steps; -1 where all are masked.' })),
  value: Type.Array(Type.Number(), { description: 'The output, for each sequence.' }),
  baselineValue: Type.Array(Type.Number(), { description: 'The same with none of the steps there.' }),
  baseline: Type.String({ description: 'mean, zeros, masked or given.' }),
  baselineInput: Type.Unknown({ description: 'What stands in for the steps: `[step][feature]`, or `[batch][step][feature]`; by input name where several are explained.' }),
  methods: Type.Record(Type.String(), Type.Object({
    lags: Lags,
    absolute: Type.Optional(byLag(Each, 'integrated-gradients: the same over absolute values of the features.')),
    residual: Type.Optional(Type.Number({ description: 'How far the lags are from adding up to value - baselineValue, at worst; of memory: how far the parts are from the state. occlusion adds up to nothing.' })),
    steps: Type.Optional(Type.Array(Each, { description: 'integrated-gradients: `[batch][step]`.' })),
    features: Type.Optional(Type.Unknown({ description: 'integrated-gradients: `[batch][step][feature]`; behind an Embedding its units are the features.' })),
    nodes: Type.Optional(Type.Integer({ description: 'integrated-gradients: nodes of the quadrature.' })),
    meaning: Type.Optional(Type.String()),
    layer: Type.Optional(Type.String({ description: 'memory: whose lags these are, the layer nearest to the output.' })),
    initial: Type.Optional(Type.Array(Type.Number(), { description: 'memory: the share of the state before the first step.' })),
    layers: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'memory: for each LSTM and GRU its `state`, `lags`, `initial`, `residual`, and `written` `[batch][step][unit]`, which with the initial state adds up to the last state.' }))
  })),
  agreement: Type.Record(Type.String(), byLag(orNull(Type.Number()), 'Spearman\'s correlation of the absolute lags, mean over the sequences.'), { description: 'How far the methods put the lags in the same order.' }),
  summary: Type.Record(Type.String(), Type.Object({
    meanAbs: orNull(Type.Number()), share: orNull(Type.Number()), q05: orNull(Type.Number()), q95: orNull(Type.Number()), count: Type.Integer({ description: 'Sequences in which this lag is a step that the model reads.' })
  }), { description: 'Of the first method, over the batch: the mean absolute value, its share of all lags, and quantiles.' }),
  receipt: Receipt
})

const route = {
  tags: ['studies'],
  summary: 'How much an output takes from each of the last steps',
  response: answers(RelevanceAnswer, 'The shares, by lag', ['json'], 'malformed', 'unauthorized', 'unknown_model', 'not_acceptable', 'model_refused', 'too_large', 'unsupported_media_type',
    'invalid_value', 'wrong_shape', 'unknown_name', 'queue_full', 'internal', 'not_ready', 'unsound', 'deadline')
}

/** The routes of `studies/relevance`. */
export function relevanceRoutes (app: App, service: ServiceSource): void {
  app.post('/relevance', { config: { computes: true }, schema: { ...route, operationId: 'relevance', body: RelevanceBody } }, async (request, reply) => await answer(service(), request, reply, request.body))

  app.post('/models/:id/relevance', {
    config: { arrays: true, computes: true },
    schema: { ...route, operationId: 'relevanceOfModel', params: ModelParams, querystring: RelevanceQuery, body: ModelRelevanceBody }
  }, async (request, reply) => await answer(service(), request, reply, withQuery(request.body as Record<string, unknown> | undefined, request.params.id, request.query)))
}

/** Decode, pool: a job that goes alone. */
async function answer ({ registry, pool }: Service, request: FastifyRequest, reply: FastifyReply, body: Addressed): Promise<FastifyReply> {
  const { id, version, digest, key, ...entry } = registry.get(body.model, body.version)
  const { study, plan, batch } = decodeRelevance(body, entry)
  return sendAnswer(reply.type(contentType('json')), pool, await pool.run(key, { plan, batch, format: 'json', head: { model: id, version, digest }, independent: false, study }, patienceOf(request)))
}
