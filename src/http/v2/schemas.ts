import { Type, type TSchema } from 'typebox'

/** The wire, for the document: bodies are read and checked by request/v2.ts, as they may be bytes. */

export const ModelParams = Type.Object({ id: Type.String({ description: 'The id of the model.' }) })
export const VersionParams = Type.Object({ id: Type.String({ description: 'The id of the model.' }), version: Type.String({ description: 'A version of the model.' }) })

const ErrorAnswer = Type.Object({ error: Type.String({ description: 'What is wrong and what to do.' }) })
const failure = { description: 'It could not be done', content: { 'application/json': { schema: ErrorAnswer } } }

/** A route that answers JSON. */
export const documented = (operationId: string, summary: string, params?: TSchema): object => ({
  tags: ['v2'],
  operationId,
  summary,
  ...(params === undefined ? {} : { params }),
  response: { 200: { description: 'The answer', content: { 'application/json': { schema: Type.Unknown() } } }, '4XX': failure, '5XX': failure }
})

const parameters = (names: Record<string, TSchema>): TSchema => Type.Optional(Type.Object(names))
const Flag = (description: string): TSchema => Type.Optional(Type.Boolean({ description }))
const Bytes = Type.Optional(Type.Integer({ description: 'The tensor stands after the JSON, in so many bytes: little-endian, row-major.' }))

const Inference = Type.Object({
  id: Type.Optional(Type.String({ description: 'Given back as it is.' })),
  parameters: parameters({ binary_data_output: Flag('Outputs come in bytes after the JSON.') }),
  inputs: Type.Array(Type.Object({
    name: Type.String(),
    shape: Type.Array(Type.Integer()),
    datatype: Type.String({ description: 'BOOL, INT8 to INT64, UINT8 to UINT64, FP16, BF16, FP32 or FP64.' }),
    parameters: parameters({ binary_data_size: Bytes }),
    data: Type.Optional(Type.Array(Type.Unknown(), { description: 'Flat, row-major, or nested.' }))
  })),
  outputs: Type.Optional(Type.Array(Type.Object({ name: Type.String(), parameters: parameters({ binary_data: Flag('This output comes in bytes.') }) }), {
    description: 'Names of outputs and internals (`lstm/hidden`), as the metadata lists them. Default: the model\'s own outputs.'
  }))
})

const InferenceAnswer = Type.Object({
  model_name: Type.String(),
  model_version: Type.String(),
  id: Type.Optional(Type.String()),
  parameters: Type.Object({ digest: Type.String(), engine: Type.String(), checked: Type.String(), max_difference: Type.Number(), tolerance: Type.Number(), sound: Type.Boolean() }, { description: 'The receipt.' }),
  outputs: Type.Array(Type.Object({
    name: Type.String(), datatype: Type.String(), shape: Type.Array(Type.Integer()), parameters: parameters({ binary_data_size: Bytes }), data: Type.Optional(Type.Array(Type.Number()))
  }))
})

const binary = Type.String({ contentMediaType: 'application/octet-stream', description: 'The JSON, then the tensors that are in bytes. The header Inference-Header-Content-Length says how long the JSON is.' })

/** The body is documented only: it stays bytes until request/v2.ts reads it. */
export const inferenceSchema = (operationId: string, params: TSchema): object => ({
  tags: ['v2'],
  operationId,
  summary: 'Outputs and internals of a model, in JSON or bytes',
  params,
  body: { content: { 'application/json': { schema: Inference }, 'application/octet-stream': { schema: binary } } },
  response: {
    200: { description: 'The outputs asked for', content: { 'application/json': { schema: InferenceAnswer }, 'application/octet-stream': { schema: binary } } },
    '4XX': failure,
    '5XX': failure
  }
})
