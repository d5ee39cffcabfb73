import { Type } from 'typebox'
import { Fault } from '../errors.ts'
import { labelPattern } from '../lifecycle/labels.ts'
import { answers } from './answers.ts'
import { closed, ModelParams } from './schemas.ts'
import type { App, ServiceSource } from './service.ts'

const LabelParams = Type.Object({ id: Type.String({ description: 'The id of the model.' }), label: Type.String({ description: 'A letter, then letters, digits, `.`, `_` and `-`, 64 at most.' }) })
const LabelsAnswer = Type.Object({ id: Type.String(), labels: Type.Record(Type.String(), Type.Integer(), { description: 'The version that each names.' }) })
const LabelBody = Type.Object({ version: Type.Integer({ minimum: 1, maximum: 999_999_999, description: 'The version that it names from here on.' }) }, closed)
const faults = ['malformed', 'unauthorized', 'forbidden', 'unknown_model', 'invalid_value', 'internal', 'not_ready', 'storage_full', 'storage_failed'] as const

/** Labels of versions: a request names one where it could name a version. Listed for all who may ask; set and deleted by administration. */
export function labelRoutes (app: App, service: ServiceSource): void {
  const labelsOf = (id: string): object => {
    const { lifecycle } = service()
    lifecycle.versions(id)
    return { id, labels: Object.fromEntries(lifecycle.labels.of(id)) }
  }

  app.get('/models/:id/labels', {
    config: { holds: false },
    schema: { tags: ['versions'], operationId: 'labels', summary: 'The labels of a model', params: ModelParams, response: answers(LabelsAnswer, 'The labels', ['json'], 'malformed', 'unauthorized', 'unknown_model', 'internal', 'not_ready') }
  }, async ({ params: { id } }) => labelsOf(id))

  app.put('/models/:id/labels/:label', {
    config: { scope: 'admin' },
    schema: {
      tags: ['versions'],
      operationId: 'setLabel',
      summary: 'Have a label name a version',
      description: 'Requests that name the label are answered by that version from here on; those under way by the one before.',
      params: LabelParams,
      body: LabelBody,
      response: answers(LabelsAnswer, 'The labels as they are now', ['json'], ...faults, 'too_large', 'unsupported_media_type')
    }
  }, async ({ params: { id, label }, body }) => {
    if (!labelPattern.test(label)) throw new Fault('invalid_value', `a label must match ${labelPattern.source}: choose another`)
    await service().lifecycle.labels.set(id, label, body.version)
    return labelsOf(id)
  })

  app.delete('/models/:id/labels/:label', {
    config: { scope: 'admin' },
    schema: { tags: ['versions'], operationId: 'deleteLabel', summary: 'Take a label away', params: LabelParams, response: answers(LabelsAnswer, 'The labels as they are now', ['json'], ...faults) }
  }, async ({ params: { id, label } }) => {
    const { lifecycle } = service()
    await lifecycle.labels.set(id, label, null)
    return { id, labels: Object.fromEntries(lifecycle.labels.of(id)) }
  })
}
