import { independent } from '../../plan/independent.ts'
import { planForNames } from '../../plan/kept.ts'
import { decodeInference, decodeRaw } from '../../request/v2.ts'
import { at } from '../../request/words.ts'
import type { V2Head } from '../../trace/v2.ts'
import { sendAnswer } from '../bytes.ts'
import { compressAnswers, onlyCoding } from '../compress.ts'
import { patienceOf } from '../patience.ts'
import { checkAnswer } from '../size.ts'
import { addWholeParser } from '../whole.ts'
import type { App, ServiceSource } from '../service.ts'
import { bodyOf } from './answer.ts'
import { partsOf } from './body.ts'
import { findModel, type Address } from './find.ts'
import { repositoryRoutes } from './repository.ts'
import { inferenceSchema, ModelParams, VersionParams } from './schemas.ts'
import type { Statistics } from './statistics.ts'

/** The routes that take a body of any content type, as bytes: some clients send none, others one of their own. */
export function inferRoutes (app: App, service: ServiceSource, statistics: Statistics): void {
  compressAnswers(app, onlyCoding)
  app.removeAllContentTypeParsers()
  addWholeParser(app, '*', (_request, body, done) => done(null, body))

  for (const [path, params, suffix] of [['/v2/models/:id', ModelParams, ''], ['/v2/models/:id/versions/:version', VersionParams, 'OfVersion']] as const) {
    // The body stays bytes here: its schema is documentation.
    app.post(`${path}/infer`, { config: { computes: true }, validatorCompiler: () => () => true, schema: inferenceSchema(`v2Infer${suffix}`, params) }, async (request, reply) => {
      const running = service()
      const entry = findModel(running, request.params as Address)
      const watch = statistics.start(entry.key)
      try {
        const { json, bytes } = partsOf(request)
        const { batch, id, outputs } = json === undefined ? decodeRaw(bytes, entry) : decodeInference(json, bytes, entry)
        const plan = planForNames(entry.file, outputs.map(({ name }) => name), (n) => at('/outputs', n, 'name'))
        checkAnswer(request, entry.file, plan, batch, outputs.some(({ binary }) => !binary))
        watch.read()
        const head: V2Head = { model: entry.id, version: String(entry.version), digest: entry.digest, outputs, ...(id === undefined ? {} : { id }) }
        const whole = await running.pool.run(entry.key, { plan, batch, format: 'v2', head: { ...head }, independent: independent(entry.file, plan, batch.initial) }, patienceOf(request))
        const { body, length } = bodyOf(whole)
        watch.done(batch.size)
        if (length === 0) return sendAnswer(reply.type('application/json'), running.pool, whole, body)
        return sendAnswer(reply.type('application/octet-stream').header('inference-header-content-length', length), running.pool, whole, body)
      } catch (error) {
        watch.failed()
        throw error
      }
    })
  }

  repositoryRoutes(app, service)
}
