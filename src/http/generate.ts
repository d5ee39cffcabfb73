import type { FastifyReply, FastifyRequest } from 'fastify'
import { randomInt } from 'node:crypto'
import { Readable } from 'node:stream'
import { Type } from 'typebox'
import { Fault } from '../errors.ts'
import { generate, type Step } from '../generate/generate.ts'
import { independent } from '../plan/independent.ts'
import type { Receipt } from '../registry/entry.ts'
import { readGeneration } from '../request/generation.ts'
import type { Json } from '../request/words.ts'
import { contentType, type AnswerFormat } from './accept.ts'
import { answers, Head, Receipt as ReceiptAnswer } from './answers.ts'
import { examples } from './examples.ts'
import { patiently } from './ndjson.ts'
import { problem } from './problem.ts'
import { patienceOf } from './patience.ts'
import { withQuery, type Addressed } from './query.ts'
import { closed, Model, ModelParams, Version } from './schemas.ts'
import type { App, Service, ServiceSource } from './service.ts'

const formats: readonly AnswerFormat[] = ['sse', 'json']

const fields = {
  length: Type.Integer({ minimum: 1, maximum: 10_000, description: 'How many characters to write. Each is a run of the model.' }),
  temperature: Type.Number({ minimum: 0, description: 'Each probability to the power of 1 / temperature, before a character is drawn; 0: the likeliest one each time. Default: 1.' }),
  topK: Type.Integer({ minimum: 1, description: 'Only so many of the likeliest characters are drawn from. Default: all.' }),
  seed: Type.Integer({ minimum: 0, description: 'The same seed gives the same text (SplitMix64). Default: another one each time, given in the answer and in the header x-seed.' })
}
const GenerateBody = {
  version: Type.Optional(Version),
  prompt: Type.String({ description: 'What to go on from, read as `text` of statescope.json says.' }),
  length: Type.Optional(fields.length),
  temperature: Type.Optional(fields.temperature),
  topK: Type.Optional(fields.topK),
  seed: Type.Optional(fields.seed),
  probabilities: Type.Optional(Type.Union([Type.Boolean(), Type.Integer({ minimum: 1 })], {
    description: 'With each character what the model itself gave it and the others, before temperature and topK: `true` for all characters, a number for so many of the likeliest. Default: false.'
  })),
  states: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String()), Type.Record(Type.String(), Type.Array(Type.Integer({ minimum: 0 })))], {
    description: 'With each character the states that it was said from, as `final` of /hidden-states: a layer, a list of layers, or units by layer, `{"lstm": [0, 5]}`.'
  }))
}
const GenerateQuery = Type.Object({
  version: Type.Optional(Version),
  length: Type.Optional(fields.length),
  temperature: Type.Optional(fields.temperature),
  topK: Type.Optional(fields.topK),
  seed: Type.Optional(fields.seed),
  probabilities: Type.Optional(Type.String({ description: '`true`, `false`, or how many of the likeliest.' })),
  states: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description: 'Layers, separated by commas, or units by layer as JSON: `{"lstm":[0,5]}`.' }))
}, closed)

const StepAnswer = Type.Object({
  text: Type.String({ description: 'The character.' }),
  probabilities: Type.Optional(Type.Record(Type.String(), Type.Number())),
  states: Type.Optional(Type.Record(Type.String(), Type.Unknown()))
})
const GenerateAnswer = Type.Object({
  ...Head,
  seed: Type.Integer(),
  text: Type.String({ description: 'What was written, without the prompt.' }),
  steps: Type.Array(StepAnswer),
  receipt: ReceiptAnswer
})

const schema = {
  tags: ['probes'],
  summary: 'Text, character by character, from a model with an alphabet',
  response: answers(GenerateAnswer, 'The text', formats, 'malformed', 'unauthorized', 'unknown_model', 'not_acceptable', 'model_refused', 'too_large', 'unsupported_media_type', 'invalid_value',
    'wrong_shape', 'unknown_name', 'queue_full', 'internal', 'not_ready', 'unsound', 'deadline')
}

/** The route that lets a model write on. */
export function generateRoutes (app: App, service: ServiceSource): void {
  app.post('/generate', { config: { formats, computes: true }, schema: { ...schema, operationId: 'generate', body: Type.Object({ model: Model, ...GenerateBody }, { ...closed, 'x-examples': examples('generate') }) } }, async (request, reply) =>
    await answer(service(), request, reply, request.body))

  app.post('/models/:id/generate', {
    config: { formats, computes: true },
    schema: { ...schema, operationId: 'generateOfModel', params: ModelParams, querystring: GenerateQuery, body: Type.Object({ model: Type.Optional(Model), ...GenerateBody }, closed) }
  }, async (request, reply) => await answer(service(), request, reply, withQuery(request.body as Record<string, unknown>, request.params.id, request.query)))
}

/**
 * A loop over runs of the pool, each of them a job like others: everybody else has a turn between two characters. What is wrong with the first is answered before a
 * status is; then the loop has the patience of a stream. It goes on only as its reader takes the characters, and ends when the reader goes away.
 */
async function answer ({ registry, pool }: Service, request: FastifyRequest, reply: FastifyReply, body: Addressed): Promise<unknown> {
  const entry = registry.get(body.model, body.version)
  const wish = readGeneration(body, entry)
  const seed = wish.seed ?? randomInt(2 ** 32)
  let runs = 0
  const forAll = patienceOf(request)
  const steps = generate(entry, wish, seed, async (plan, batch) => {
    const run = async (): Promise<Buffer> => await pool.run(entry.key, { plan, batch, head: {}, format: 'json', independent: independent(entry.file, plan, batch.initial) }, request.format === 'json' ? forAll : patienceOf(request))
    const bytes = runs++ === 0 ? await run() : await patiently(pool, run)
    const found = JSON.parse(bytes.toString()) as Json
    pool.sent(bytes)
    return found
  })
  const first = await steps.next()
  const all = (async function * () {
    if (first.done !== true) yield first.value
    yield * steps
  })()
  reply.header('x-seed', seed)
  if (request.format === 'json') return await whole(all, reply, { model: entry.id, version: entry.version, digest: entry.digest, seed })
  // Nobody between shall gather the events, or keep them.
  return reply.type(contentType('sse')).header('cache-control', 'no-store').header('x-accel-buffering', 'no').send(Readable.from(events(all, request), { highWaterMark: 1 }))
}

/** The text in one piece; a client that goes away ends it. */
async function whole (all: AsyncIterable<{ step: Step, receipt: Receipt }>, reply: FastifyReply, head: Json): Promise<Json> {
  const steps: Step[] = []
  let receipt: Receipt | undefined
  for await (const one of all) {
    steps.push(one.step)
    if (receipt === undefined || one.receipt.maxDifference > receipt.maxDifference) receipt = one.receipt
    if (reply.raw.destroyed) break
  }
  return { ...head, text: steps.map(({ text }) => text).join(''), steps, receipt }
}

/** A server-sent event for each character (WHATWG HTML, 9.2): its data is one line of JSON. A few lines; a plugin would have to be told of the problems, of compression and of the document. */
async function * events (all: AsyncIterable<{ step: Step }>, request: FastifyRequest): AsyncGenerator<Buffer> {
  try {
    for await (const { step } of all) yield Buffer.from(`data: ${JSON.stringify(step)}\n\n`)
  } catch (error) {
    if (!(error instanceof Fault) || error.status === 500) request.log.error(error)
    const fault = error instanceof Fault ? error : new Fault('internal', `Something went wrong that is not the request's fault. The log of the service tells more under the id ${request.id}.`)
    yield Buffer.from(`event: error\ndata: ${JSON.stringify(problem(fault, request.id))}\n\n`)
  }
}
