import type { FastifyReply, FastifyRequest } from 'fastify'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Fault, Gone } from '../errors.ts'
import { independent } from '../plan/independent.ts'
import { planFor } from '../plan/kept.ts'
import { decodeRequest, type RequestKind } from '../request/decode.ts'
import type { Served } from '../registry/entry.ts'
import { decodeLine, sequencesOf } from '../request/ndjson.ts'
import type { Batch } from '../request/probe.ts'
import type { Head } from '../trace/encode.ts'
import { answerFormats as formats, contentType, formatFor } from './accept.ts'
import { answers, HiddenStatesAnswer, PredictAnswer } from './answers.ts'
import { sendAnswer } from './bytes.ts'
import { freeBody } from './json.ts'
import { inOrder, lineOf, linesOf, patiently, readLine, readNdjson } from './ndjson.ts'
import { patienceOf } from './patience.ts'
import { problem } from './problem.ts'
import { withQuery, type Addressed } from './query.ts'
import { HiddenStatesBody, HiddenStatesQuery, ModelHiddenStatesBody, ModelParams, ModelPredictBody, PredictBody, PredictQuery } from './schemas.ts'
import type { App, Service, ServiceSource } from './service.ts'
import { checkAnswer } from './size.ts'
import { summarise } from './summary.ts'
import { summariseLines } from './summary-lines.ts'
import { SummaryAnswer } from './summary-schema.ts'

const faultsOfProbes = ['malformed', 'unauthorized', 'unknown_model', 'not_acceptable', 'model_refused', 'too_large', 'unsupported_media_type', 'invalid_value', 'wrong_shape',
  'unknown_name', 'queue_full', 'internal', 'not_ready', 'unsound', 'deadline'] as const

const prediction = { tags: ['probes'], summary: 'What the model predicts', response: answers(PredictAnswer, 'The outputs', formats, ...faultsOfProbes) }
const states = {
  tags: ['probes'],
  summary: 'Hidden states, cell states and gates, step by step',
  response: answers(Type.Union([HiddenStatesAnswer, SummaryAnswer]), 'The tensors asked for, by layer, or their summary', formats, ...faultsOfProbes)
}

/** The routes that run a model. */
export function probeRoutes (app: App, service: ServiceSource): void {
  readNdjson(app)

  app.post('/predict', { config: { formats, computes: true }, schema: { ...prediction, operationId: 'predict', body: PredictBody } }, async (request, reply) =>
    await answer(service(), request, reply, request.body, 'predict'))

  app.post('/hidden-states', { config: { formats, computes: true }, schema: { ...states, operationId: 'hiddenStates', body: HiddenStatesBody } }, async (request, reply) =>
    await answer(service(), request, reply, request.body, 'hidden-states'))

  app.post('/models/:id/predict', {
    config: { formats, lines: true, computes: true },
    schema: { ...prediction, operationId: 'predictOfModel', params: ModelParams, querystring: PredictQuery, body: ModelPredictBody }
  }, async (request, reply) => await answerOfModel(service(), request, reply, 'predict'))

  app.post('/models/:id/hidden-states', {
    config: { formats, lines: true, computes: true },
    schema: { ...states, operationId: 'hiddenStatesOfModel', params: ModelParams, querystring: HiddenStatesQuery, body: ModelHiddenStatesBody }
  }, async (request, reply) => await answerOfModel(service(), request, reply, 'hidden-states'))
}

/** Decode, plan, pool: the encoded answer, or the stream of a line for each sequence. */
async function answer ({ registry, pool }: Service, request: FastifyRequest, reply: FastifyReply, body: Addressed, kind: RequestKind): Promise<FastifyReply> {
  const entry = registry.get(body.model, body.version)
  const { probe, batch, summary } = decodeRequest(body, entry, kind)
  freeBody(request)
  if (summary !== null) return reply.send(await summarise(pool, entry, { probe, batch, summary }, request))
  const plan = planFor(entry.file, probe, entry.meta)
  const head = headOf(entry)
  const alike = { plan, head, independent: independent(entry.file, plan, batch.initial) }
  const format = request.format as typeof formats[number]
  if (format !== 'ndjson') {
    checkAnswer(request, entry.file, plan, batch, format === 'json')
    return sendAnswer(reply.type(contentType(format)), pool, await pool.run(entry.key, { ...alike, batch, format }, patienceOf(request)))
  }
  const run = async (batch: Batch): Promise<Buffer> => {
    checkAnswer(request, entry.file, plan, batch, true)
    return lineFrom(pool, await pool.run(entry.key, { ...alike, batch, format: 'json' }, patienceOf(request)))
  }
  const sequences = sequencesOf(batch)
  // What is wrong with the first is wrong with all, and is answered before a status is.
  const first = await run(sequences.next().value as Batch)
  const rest = inOrder(numbered(sequences, 2), async ([batch, line]) => await patiently(pool, async () => await run(batch)).catch((error: Error) => problemLine(error, request, line)))
  return sendLines(reply, first, rest)
}

/** The same for a model's own address, whose bodies may be lines. */
async function answerOfModel (service: Service, request: FastifyRequest, reply: FastifyReply, kind: RequestKind): Promise<FastifyReply> {
  const { id } = request.params as { id: string }
  const query = request.query as { version?: number, summary?: string }
  if (!(request.body instanceof Readable)) return await answer(service, request, reply, withQuery(request.body as Record<string, unknown> | undefined, id, query), kind)
  const { registry, pool } = service
  const entry = registry.get(id, query.version)
  const limit = request.routeOptions.bodyLimit ?? 0
  const lines = linesOf(request.body, limit)
  if (query.summary !== undefined) return reply.send(await summariseLines(pool, entry, lines, limit, query, request))
  formatFor(request.headers.accept, ['ndjson'])
  return sendLines(reply, null, inOrder(lines, async ({ number, bytes }) => {
    let line: Readonly<Record<string, unknown>> = {}
    try {
      line = readLine(bytes, limit)
      const { id: echoed, ...body } = line
      const elsewhere = ['model', 'version', ...kind === 'predict' ? [] : ['summary']].find((name) => body[name] !== undefined)
      if (elsewhere !== undefined) throw new Fault('invalid_value', `"${elsewhere}" stands in the address, for all lines`, `/${elsewhere}`)
      const { probe, batch } = decodeLine(withQuery(body, id, query), entry, kind)
      const plan = planFor(entry.file, probe, entry.meta)
      checkAnswer(request, entry.file, plan, batch, true)
      const head = echoed === undefined ? headOf(entry) : { id: echoed, ...headOf(entry) }
      return lineFrom(pool, await patiently(pool, async () => await pool.run(entry.key, { plan, batch, format: 'json', head, independent: independent(entry.file, plan, batch.initial) }, patienceOf(request))))
    } catch (error) {
      return problemLine(error as Error, request, number, line.id)
    }
  }))
}

/** An answer as a line, which is a copy: its memory goes back at once. */
function lineFrom (pool: Service['pool'], answer: Buffer): Buffer {
  const line = lineOf(answer)
  pool.sent(answer)
  return line
}

const headOf = ({ id, version, digest }: Served): Head => ({ model: id, version, digest })

function * numbered<Item> (items: Iterable<Item>, from: number): Generator<[Item, number]> {
  for (const item of items) yield [item, from++]
}

function problemLine (error: Error, request: FastifyRequest, line: number, id?: unknown): Buffer {
  if (error instanceof Gone) throw error
  if (!(error instanceof Fault) || error.status === 500) request.log.error(error)
  const fault = error instanceof Fault ? error : new Fault('internal', `Something went wrong that is not the request's fault. The log of the service tells more under the id ${request.id}.`)
  return lineOf(JSON.stringify({ id, ...problem(fault, request.id), line }))
}

/** Whoever reads slowly is waited for. */
const sendLines = (reply: FastifyReply, first: Buffer | null, rest: AsyncIterable<Buffer>): FastifyReply => reply.type(contentType('ndjson')).send(Readable.from((async function * () {
  if (first !== null) yield first
  yield * rest
})(), { highWaterMark: 1 }))
