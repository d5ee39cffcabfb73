import { Type, type Static } from 'typebox'
import type { Settings } from '../config.ts'
import { Fault } from '../errors.ts'
import type { Entry } from '../registry/entry.ts'
import { idPattern, versionPattern } from '../registry/folders.ts'
import { answers, Receipt, Status } from './answers.ts'
import { ModelParams } from './schemas.ts'
import type { App, ServiceSource } from './service.ts'
import { checkAnnounced, receive, streamBodies } from './uploads.ts'

const VersionParams = Type.Object({ id: Type.String({ description: 'The id of the model.' }), version: Type.String({ description: 'The version, a positive whole number.' }) })

const VersionLine = Type.Object({
  version: Type.Integer(),
  status: Status,
  reason: Type.Optional(Type.String({ description: 'Why it is not served, and what to do.' })),
  digest: Type.Optional(Type.String({ description: '`sha256:...` of the model\'s files.' })),
  uploaded: Type.Boolean({ description: 'It was uploaded, and can be deleted.' })
})
const VersionAnswer = Type.Object({ id: Type.String(), ...VersionLine.properties, receipt: Type.Optional(Receipt) })
const VersionsAnswer = Type.Object({ id: Type.String(), versions: Type.Array(VersionLine) })

const admin = { config: { scope: 'admin' as const } }
const faults = ['malformed', 'unauthorized', 'forbidden', 'unknown_model', 'invalid_value', 'internal', 'not_ready'] as const
const body = (description: string): object => ({ schema: { type: 'string', format: 'binary', description } })

/** The versions of a model: listed for all who may ask; uploaded, loaded, unloaded and deleted by administration. */
export async function versionRoutes (app: App, service: ServiceSource, settings: Settings): Promise<void> {
  const most = Math.floor(settings.UPLOAD_LIMIT_MB * 2 ** 20)

  app.get('/models/:id/versions', {
    config: { holds: false },
    schema: {
      tags: ['versions'],
      operationId: 'versions',
      summary: 'The versions of a model',
      params: ModelParams,
      response: answers(VersionsAnswer, 'The versions', ['json'], 'malformed', 'unauthorized', 'unknown_model', 'internal', 'not_ready')
    }
  }, async ({ params: { id } }) => ({ id, versions: service().lifecycle.versions(id).map(lineOf) }))

  app.delete('/models/:id/versions/:version', {
    ...admin,
    schema: {
      tags: ['versions'],
      operationId: 'deleteVersion',
      summary: 'Delete a version that was uploaded; what it is answering is still answered',
      params: VersionParams,
      response: withStatus(204, { description: 'It is gone' }, answers(Type.Null(), '', [], ...faults, 'version_exists', 'storage_full', 'storage_failed'), true)
    }
  }, async ({ params }, reply) => {
    await service().lifecycle.remove(params.id, versionOf(params.version))
    return await reply.code(204).send()
  })

  for (const action of ['load', 'unload'] as const) {
    app.post(`/models/:id/versions/:version/${action}`, {
      ...admin,
      schema: {
        tags: ['versions'],
        operationId: `${action}Version`,
        summary: action === 'load' ? 'Read a version that does not serve again, and serve it' : 'Take a version off the engines; it stays on the disk',
        params: VersionParams,
        response: answers(VersionAnswer, 'The version as it is now', ['json'], ...faults, 'bad_file', 'unsupported_layer')
      }
    }, async ({ params }) => describe(await service().lifecycle[action](params.id, versionOf(params.version))))
  }

  await app.register(async (streamed) => {
    await streamBodies(streamed, settings)
    streamed.put('/models/:id/versions/:version', {
      ...admin,
      onRequest: async (request) => checkAnnounced(request, most),
      schema: {
        tags: ['versions'],
        operationId: 'uploadVersion',
        summary: 'Upload a model as a new version: a .keras or .h5',
        description: 'The body is the file, or a form with it and its statescope.json. It is read aside, tried, stored, and only then served; while it arrives the others serve on. Versions are never overwritten: the same ' +
          'file again is answered 200, another 409. With the header Content-Digest (RFC 9530, sha-256) the service makes sure that what arrived is what was sent.',
        params: VersionParams,
        headers: Type.Object({ 'content-digest': Type.Optional(Type.String({ description: '`sha-256=:BASE64:` of the body.' })) }),
        body: { content: { 'application/octet-stream': body('The model file.'), 'multipart/form-data': { schema: {} } } },
        response: withStatus(201, { description: 'It is stored, and serves', content: { 'application/json': { schema: VersionAnswer } } }, answers(VersionAnswer, 'It was there already, the same', ['json'],
          ...faults, 'version_exists', 'too_large', 'unsupported_media_type', 'bad_file', 'unsupported_layer', 'digest_mismatch', 'queue_full', 'storage_full', 'storage_failed'))
      },
      // Neither is a value that a schema could look at.
      validatorCompiler: () => () => true
    }, async (request, reply) => {
      const { id, version } = request.params as Static<typeof VersionParams>
      if (!idPattern.test(id)) throw new Fault('invalid_value', `a model's name must match ${idPattern.source}: choose another`)
      const { entry, created } = await service().lifecycle.upload(id, versionOf(version), async (staged) => await receive(request, staged, most))
      return await reply.code(created ? 201 : 200).send(describe(entry))
    })
  })
}

function withStatus (status: number, response: object, responses: Record<string, unknown>, alone = false): Record<string, unknown> {
  const { 200: ok, ...others } = responses
  return { ...alone ? {} : { 200: ok }, [status]: response, ...others }
}

const lineOf = ({ version, status, reason, digest, stored, aside }: Entry): object =>
  ({ version, status, reason, digest: digest === '' ? undefined : digest, uploaded: stored === true || aside === true })

const describe = (entry: Entry): object => ({ id: entry.id, ...lineOf(entry), receipt: entry.receipt })

function versionOf (text: string): number {
  if (!versionPattern.test(text)) throw new Fault('invalid_value', `a version is a positive whole number of at most nine digits, not ${JSON.stringify(text)}`)
  return Number(text)
}
