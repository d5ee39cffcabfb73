import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Fault } from '../errors.ts'
import { independent } from '../plan/independent.ts'
import { planForSearch } from '../plan/kept.ts'
import { decodeSearch } from '../request/search.ts'
import type { SearchStudy } from '../studies/search/study.ts'
import { answers, HiddenStatesAnswer } from './answers.ts'
import { sendAnswer } from './bytes.ts'
import { examples } from './examples.ts'
import { patienceOf } from './patience.ts'
import { withQuery, type Addressed } from './query.ts'
import { Arrays, closed, InitialState, Inputs, Model, ModelParams, Raw, Version } from './schemas.ts'
import type { App, Service, ServiceSource } from './service.ts'

const Select = Type.Object({
  layer: Type.Optional(Type.String({ description: 'The key of a recurrent layer. Default: the only one.' })),
  tensor: Type.Optional(Type.String({ description: 'A tensor of it with a step axis: `hidden` (the default), `cell`, `gates/forget`; in a Bidirectional `forward/hidden`.' })),
  sequence: Type.Optional(Type.Integer({ minimum: 0, description: 'Which sequence of the inputs holds the selection. Default: 0.' })),
  from: Type.Optional(Type.Integer({ description: 'Its first step, negatives from the end. Default: 0.' })),
  to: Type.Optional(Type.Integer({ description: 'The step after its last, negatives from the end. Default: all that follow.' })),
  units: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 })], { description: 'Which units to look for. Default: those above the threshold at every step of the selection.' })),
  threshold: Type.Optional(Type.Number({ description: 'A unit is on where it is above. Default: 0.3.' }))
}, { ...closed, description: 'A span of steps of one sequence, or units, or both.' })
const Limit = Type.Integer({ minimum: 1, maximum: 10_000, description: 'The most matches to give. Default: 50.' })

const fields = { version: Type.Optional(Version), inputs: Inputs, raw: Type.Optional(Raw), initialState: Type.Optional(InitialState), select: Select, limit: Type.Optional(Limit) }
const SearchBody = Type.Object({ model: Model, ...fields }, { ...closed, 'x-examples': examples('search') })
const ModelSearchBody = {
  content: {
    'application/json': { schema: Type.Object({ model: Type.Optional(Model), ...fields, select: Type.Optional(Select) }, closed) },
    'application/x-npz': { schema: Arrays('`numpy.savez` or `numpy.savez_compressed`') },
    'application/vnd.safetensors': { schema: Arrays('`safetensors.numpy.save`') }
  }
}
const SearchQuery = Type.Object({
  version: Type.Optional(Version),
  raw: Type.Optional(Raw),
  initialState: Type.Optional(Type.String({ description: 'States to start from, as JSON.' })),
  select: Type.Optional(Type.String({ description: 'The selection, as JSON.' })),
  limit: Type.Optional(Limit)
}, closed)

const SearchAnswer = Type.Object({
  ...Type.Pick(HiddenStatesAnswer, ['model', 'version', 'digest']).properties,
  select: Type.Object({
    layer: Type.String(),
    tensor: Type.String(),
    units: Type.Array(Type.Integer(), { description: 'The units that were looked for.' }),
    threshold: Type.Number(),
    sequence: Type.Optional(Type.Integer()),
    from: Type.Optional(Type.Integer()),
    to: Type.Optional(Type.Integer())
  }, { description: 'The selection as it was understood.' }),
  found: Type.Integer({ description: 'Matches there are; the best are given.' }),
  matches: Type.Array(Type.Object({
    sequence: Type.Integer(),
    from: Type.Integer(),
    to: Type.Integer({ description: 'The step after the last.' }),
    score: Type.Number({
      description: 'How many of the units are on, less the share of the layer\'s units that are on too without being looked for: 4.75 are all of five, and a quarter of the layer beside them. ' +
        'Where `units` were given the others do not count.'
    }),
    units: Type.Array(Type.Integer(), { description: 'Those of the units that are on at every step.' })
  }), {
    description: 'Spans at every step of which some of the units are above the threshold, none of which could be longer without losing one of them; masked steps belong to none. By score; those of one ' +
      'score: the span that holds the selection, then the longest, then those where most units are off just before and just after, then by sequence and step.'
  }),
  receipt: Type.Index(HiddenStatesAnswer, ['receipt'])
})

const schema = {
  tags: ['studies'],
  summary: 'Where else units are on as they are in a span',
  response: answers(SearchAnswer, 'The spans found, the best first', ['json'], 'malformed', 'unauthorized', 'unknown_model', 'not_acceptable', 'model_refused', 'too_large', 'unsupported_media_type', 'invalid_value',
    'wrong_shape', 'unknown_name', 'queue_full', 'internal', 'not_ready', 'unsound', 'deadline')
}

/** The routes that look for a pattern of units in a set. */
export function searchRoutes (app: App, service: ServiceSource): void {
  app.post('/search', { config: { computes: true }, schema: { ...schema, operationId: 'search', body: SearchBody } }, async (request, reply) => await found(service(), request, request.body, reply))

  app.post('/models/:id/search', {
    config: { lines: true, computes: true },
    schema: { ...schema, operationId: 'searchOfModel', params: ModelParams, querystring: SearchQuery, body: ModelSearchBody }
  }, async (request, reply) => {
    const { id } = request.params as { id: string }
    if (request.body instanceof Readable) throw new Fault('unsupported_media_type', 'A search is over one set: send its sequences together, as JSON or as arrays.')
    return await found(service(), request, withQuery(request.body as Record<string, unknown> | undefined, id, request.query as Record<string, unknown>), reply)
  })
}

async function found ({ registry, pool }: Service, request: FastifyRequest, body: Addressed, reply: FastifyReply): Promise<FastifyReply> {
  const entry = registry.get(body.model, body.version)
  const { batch, layer, tensor, ...asked } = decodeSearch(body, entry)
  const plan = planForSearch(entry.file, layer, tensor)
  const { id: model, version, digest } = entry
  const study: SearchStudy = { kind: 'search', ...asked, independent: independent(entry.file, plan, batch.initial) }
  return sendAnswer(reply.type('application/json'), pool, await pool.run(entry.key, { plan, batch, format: 'json', head: { model, version, digest }, independent: false, study }, patienceOf(request)))
}
