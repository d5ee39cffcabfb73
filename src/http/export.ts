import { Type } from 'typebox'
import { Readable } from 'node:stream'
import { onnxFile } from '../export/onnx.ts'
import { about } from './about.ts'
import { answers } from './answers.ts'
import { list } from './query.ts'
import { ExportQuery, ModelParams } from './schemas.ts'
import type { App, ServiceSource } from './service.ts'

const type = 'application/octet-stream'

const response: Record<string, unknown> = {
  ...answers(Type.String(), '', [], 'malformed', 'unauthorized', 'too_large', 'internal', 'not_ready', 'unknown_model', 'model_refused', 'invalid_value', 'unknown_name', 'unsupported_layer'),
  200: {
    description: 'The file: opset 18, for onnxruntime 1.14 and later, onnxruntime-web too. One graph for every batch and length. float32 in, token ids too; float32 out, masks as booleans. ' +
      'Its metadata says of which model it is, the axes of each output, and the scaler and alphabet of statescope.json.',
    content: { [type]: { schema: Type.String({ format: 'binary' }) } }
  }
}

/** A model as a file for other runtimes. The file is of one type, so nothing is negotiated. */
export function exportRoutes (app: App, service: ServiceSource): void {
  app.get('/models/:id/export', {
    schema: {
      tags: ['models'],
      operationId: 'export',
      summary: 'The model as an ONNX file, with what is inside it as outputs',
      params: ModelParams,
      querystring: ExportQuery,
      response
    }
  }, async ({ params, query: { outputs, version } }, reply) => {
    const entry = service().registry.get(params.id, version)
    const parts = onnxFile(entry, namesIn(outputs), about.version, (n) => `/outputs/${n}`)
    return reply.type(type)
      .header('content-disposition', `attachment; filename="${entry.id}-${entry.version}.onnx"`)
      .header('content-length', parts.reduce((sum, { length }) => sum + length, 0))
      .send(Readable.from(pieces(parts)))
  })
}

/** Names with commas between them, the parameter repeated, or a JSON list. */
function namesIn (outputs: string | readonly string[] = []): string[] {
  return [outputs].flat().flatMap((text) => listed(text) ?? list(text))
}

function listed (text: string): string[] | null {
  if (!text.startsWith('[')) return null
  try {
    const names = JSON.parse(text) as unknown[]
    return names.every((name) => typeof name === 'string') ? names : null
  } catch {
    return null
  }
}

/** As much as is copied to be sent as one. */
const small = 2 ** 16

/** Small parts put together; large ones, the weights, as they lie. */
function * pieces (parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let size = 0
  for (const part of parts) {
    if (part.length < small) {
      waiting.push(part)
      size += part.length
    }
    if (part.length >= small || size >= small) {
      yield Buffer.concat(waiting)
      waiting = []
      size = 0
    }
    if (part.length >= small) yield part
  }
  yield Buffer.concat(waiting)
}
