import { Type } from 'typebox'
import { decode, type Language } from '../decode/decode.ts'
import { answers } from './answers.ts'
import { DecodeQuery, ModelParams } from './schemas.ts'
import type { App, ServiceSource } from './service.ts'

/** What a program of each language is sent as. */
const kinds: Readonly<Record<Language, { readonly type: string, readonly file: string }>> = {
  python: { type: 'text/x-python', file: 'decode.py' },
  // The ending that makes it a module for Node wherever it is saved.
  javascript: { type: 'text/javascript', file: 'decode.mjs' }
}

/** Programs as text: the language says in which type, so nothing is negotiated. */
export function decodeRoutes (app: App, service: ServiceSource): void {
  app.get('/models/:id/decode', {
    schema: {
      tags: ['models'],
      operationId: 'decode',
      summary: 'A program that computes what the model predicts, step by step, from its weights',
      params: ModelParams,
      querystring: DecodeQuery,
      response: {
        ...answers(Type.String(), '', [], 'malformed', 'unauthorized', 'internal', 'not_ready', 'unknown_model', 'model_refused', 'invalid_value', 'unsupported_layer'),
        200: {
          description: 'The program. With the answers of /models/{id}/weights and a file of inputs it prints what /predict answers.',
          content: Object.fromEntries(Object.values(kinds).map(({ type }) => [type, { schema: Type.String() }]))
        }
      }
    }
  }, async ({ params, query: { language, version } }, reply) => {
    const { type, file } = kinds[language]
    return reply.type(`${type}; charset=utf-8`).header('content-disposition', `attachment; filename="${file}"`).send(decode(service().registry.get(params.id, version), language))
  })
}
