import { Type, type TSchema } from 'typebox'
import { faults, type FaultCode } from '../errors.ts'
import { contentType, type AnswerFormat } from './accept.ts'

/** What comes back, for the document only: the bodies of probes are encoded in the pool and sent as they are. */

const nested = (axes: string) => Type.Array(Type.Unknown(), { description: `Nested arrays ${axes}. A value that is not finite is null and counted in nonFinite.`, examples: [[[[0.25, -0.5]]]] })

export const Receipt = Type.Object({
  engine: Type.String({ description: 'tfjs (native TensorFlow) or wasm.' }),
  checked: Type.Array(Type.String(), { description: 'What was computed in a second way and compared.' }),
  maxDifference: Type.Number(),
  tolerance: Type.Number(),
  sound: Type.Boolean({ description: 'maxDifference is within tolerance.' }),
  warning: Type.Optional(Type.String({ description: 'Why a slower or less exact engine serves, where one does.' }))
}, { description: 'The answer\'s own check.' })

export const Head = { model: Type.String(), version: Type.Integer(), digest: Type.String({ description: '`sha256:...` of the model\'s files.' }) }
const OutputValues = Type.Record(Type.String(), nested('`[batch][...]`'), { description: 'By output name, what Keras\' predict gives.' })

export const PredictAnswer = Type.Object({ ...Head, outputs: OutputValues, receipt: Receipt })

const LayerValues = Type.Record(Type.String(), Type.Object({
  type: Type.String({ description: 'Keras\' class name.' }),
  units: Type.Optional(Type.Integer()),
  axes: Type.Optional(Type.Array(Type.String(), { description: 'The axes of the per-step tensors, outermost first.' })),
  hidden: Type.Optional(nested('`[batch][step][unit]`')),
  cell: Type.Optional(nested('`[batch][step][unit]`')),
  gates: Type.Optional(Type.Record(Type.String(), nested('`[batch][step][unit]`'), { description: 'LSTM: input, forget, candidate, output. GRU: update, reset, candidate.' })),
  final: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The states after the last step that the layer read, `[batch][unit]`.' })),
  output: Type.Optional(nested('as the layer\'s own output in Keras')),
  mask: Type.Optional(nested('`[batch][step]`, where the layer is masked'))
}, { description: 'Bidirectional has `forward` and `backward`, stacked cells `cells/0`, ..., each with tensors of its own.' }), { description: 'By layer key.' })

export const HiddenStatesAnswer = Type.Object({
  ...Head,
  batch: Type.Integer({ description: 'How many sequences.' }),
  steps: Type.Unknown({ description: 'The input steps given.' }),
  layers: LayerValues,
  outputs: Type.Optional(OutputValues),
  intervened: Type.Optional(Type.Record(Type.String(), nested('`[batch][...]`'), { description: 'With `intervene`: the outputs of the run in which that was kept.' })),
  intervenedLayers: Type.Optional(Type.Unknown({ description: 'With `intervene`: the same tensors as in `layers`, of the run in which that was kept.' })),
  receipt: Receipt
})

export const Status = Type.Enum(['ready', 'loading', 'refused', 'unsound', 'unloaded', 'idle'], { description: '`ready` and `idle` can be asked; `idle` is loaded again then (MODELS_MEMORY_MB).' })
const ModelLine = Type.Object({ id: Type.String(), version: Type.Integer(), status: Status, reason: Type.Optional(Type.String({ description: 'Why it is not served, and what to do.' })) })

export const ModelsAnswer = Type.Object({ models: Type.Array(ModelLine), memory: Type.Optional(Type.Object({ limit: Type.Integer(), used: Type.Integer() }, { description: 'Bytes that the weights of all models may take, and take (MODELS_MEMORY_MB).' })), uploads: Type.Optional(Type.Literal(true, { description: 'Administration may upload models (PUT /models/{id}/versions/{version}).' })) })
export const ModelAnswer = Type.Object({ id: Type.String(), version: Type.Integer(), status: Status }, {
  description: 'Inputs, outputs, layers, recurrent layers with units, gates and options, format, Keras version, digest and receipt. `calls` of a layer say how it is wired: for each call its ' +
    '`key`, of each tensor that it reads the call that gives it (`inbound`: `key`, `output`, and `argument` where it is not the input), and the `shape` of its output, null where a request ' +
    'decides (`shapes`: of all its outputs, where there are several). A shape is left out where it is known in a run only.'
})
export const SampleAnswer = Type.Object({ model: Type.String(), inputs: Type.Unknown() }, { description: 'A ready body for POST /hidden-states.' })
const WeightValues = Type.Object({ shape: Type.Array(Type.Integer()), axes: Type.Optional(Type.Array(Type.String())), data: Type.Optional(nested('in the shape')) })
export const WeightsAnswer = Type.Object({
  ...Head,
  layers: Type.Optional(Type.Record(Type.String(), Type.Object({ type: Type.String() }), {
    description: 'layout=gates, by layer: `type`, `units`, `gateOrder`, `equations` and `weights` by name (W_i, U_i, b_i, ...), `stats` where they are asked for; layers inside a layer under their place in it.'
  })),
  weights: Type.Optional(Type.Array(Type.Intersect([
    Type.Object({ index: Type.Integer(), layer: Type.String(), name: Type.String() }),
    WeightValues
  ]), { description: 'layout=keras: the list that get_weights() gives; layout=keras1: the list as Keras 1 had it.' }))
})

export const LiveAnswer = Type.Object({ status: Type.Literal('live') })
export const ReadyAnswer = Type.Object({
  status: Type.Literal('ready'),
  engine: Type.String(),
  engineVersion: Type.String(),
  reference: Type.Object({ name: Type.String(), version: Type.String() }, { description: 'What computes op by op, and checks the compiled plans.' }),
  tensorflow: Type.Union([Type.String(), Type.Null()], { description: 'TensorFlow\'s version under it; null for wasm.' }),
  warning: Type.Optional(Type.String({ description: 'Why a slower engine serves, where one does.' })),
  workers: Type.Integer({ description: 'Threads that compute.' }),
  workersAlive: Type.Integer({ description: 'Those of them whose engine runs; one that died is being replaced.' }),
  models: Type.Array(ModelLine)
})

/** RFC 9457. Shared by every route, under the name Problem. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  code: Type.Enum(Object.keys(faults) as FaultCode[]),
  detail: Type.String({ description: 'What is wrong and what to do.' }),
  pointer: Type.Optional(Type.String({ description: 'Where in the body, a JSON pointer.' })),
  instance: Type.Optional(Type.String({ description: 'The id of the request, as in the header x-request-id and in the log.' }))
}, { $id: 'Problem' })

/** What the other formats are, beside JSON. */
const otherFormats: Readonly<Record<Exclude<AnswerFormat, 'json'>, TSchema>> = {
  ndjson: Type.String({
    description: 'A line for each sequence, in order, as soon as it is computed: the JSON answer for that sequence alone, with a batch of one. A sequence that cannot be answered has a ' +
      'problem in its line, with the number of the `line`.'
  }),
  npz: Type.String({
    description: 'A file for `numpy.load`: float32 arrays (masks: bool) by their paths in the JSON answer, `lstm/gates/forget`, `outputs/dense`, `lstm/W_i`. `__metadata__` is the rest ' +
      'of the JSON answer, in UTF-8 as an array of bytes.'
  }),
  sse: Type.Object({
    event: Type.Optional(Type.Enum(['message', 'error'])),
    data: Type.String({ contentMediaType: 'application/json' })
  }, {
    description: 'An event for each character, as soon as it is there: `data` is one entry of `steps` of the JSON answer. Should something go wrong midway, the last event is an `error` whose data is the problem.'
  }),
  safetensors: Type.String({ description: 'The same arrays for the safetensors package. `__metadata__` has the members of the rest of the JSON answer: texts as they are, others as JSON.' })
}

/** The answers of a route: its own, in each of its formats, and the problems that it may meet. */
export function answers (ok: TSchema, description: string, formats: readonly AnswerFormat[], ...codes: FaultCode[]): Record<string, unknown> {
  const content = Object.fromEntries(formats.map((format) => [contentType(format), { schema: format === 'json' ? ok : otherFormats[format] }]))
  const responses: Record<string, unknown> = { 200: { description, content } }
  // Whoever is asked for a token may be counted too.
  for (const code of codes.includes('unauthorized') ? [...codes, 'rate_limited'] as const : codes) {
    const [status, title] = faults[code]
    const before = responses[status] as { description: string } | undefined
    responses[status] = {
      description: before === undefined ? title : `${before.description}; or: ${title}`,
      content: { 'application/problem+json': { schema: Type.Ref('Problem#') } }
    }
  }
  return responses
}
