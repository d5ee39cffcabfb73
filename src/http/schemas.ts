import { Type, type TSchema, type TSchemaOptions } from 'typebox'
import { languages } from '../decode/decode.ts'
import { labelPattern } from '../lifecycle/labels.ts'
import { tensorKinds } from '../request/probe.ts'
import { examples } from './examples.ts'

/** The wire: what a request may hold. openapi.yaml is made from these; answers.ts has what comes back. */

export const closed = { additionalProperties: false }
export const orList = <T extends TSchema>(item: T, options: TSchemaOptions) => Type.Union([item, Type.Array(item)], options)

/** A label has become its version before a handler sees it (hold.ts). */
export const Version = Type.Unsafe<number>(Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: labelPattern.source })], {
  description: 'The version of the model, or a label that names one (GET /models/{id}/labels). Default: the largest there is.'
}))
export const Inputs = Type.Unknown({
  description: 'What Keras\' predict takes. One nested array `[batch][step][feature]` (or `[batch][step]` of token ids) for a model of one input, else an ' +
    'object by input name. In place of any nested array: `{"shape", "dtype"?, "order"?, "data"}` with flat or base64 data, `{"oneHot": [[ids]]}`, or ' +
    '`{"text": [...]}` where the model\'s statescope.json says how.'
})
export const Raw = Type.Boolean({ description: 'Apply the scaler of statescope.json to the inputs, and undo it on the outputs. Default: false.' })
export const InitialState = Type.Record(Type.String(), Type.Unknown(), {
  description: 'States to start from, by layer, just as `final` of an earlier answer gave them. Default: zero.'
})
const Layers = orList(Type.String(), { description: 'Layer keys. Default: every recurrent layer. Any other layer gives its output.' })
const Tensors = orList(Type.Enum([...tensorKinds]), { description: 'What to give of each layer. Default: hidden, cell, gates and final.' })
const Steps = Type.Union([
  Type.Literal('all'),
  Type.Literal('last'),
  Type.Array(Type.Integer()),
  Type.Object({ from: Type.Optional(Type.Integer()), to: Type.Optional(Type.Integer()), every: Type.Optional(Type.Integer({ minimum: 1 })) }, closed)
], { description: 'Which input steps: counted from 0, negatives from the end, `to` exclusive. Default: "all".' })
const Outputs = Type.Boolean({ description: 'Give the prediction of the same run too. Default: false.' })

const Summary = Type.Object({
  low: Type.Optional(Type.Number({ description: 'Values below it count as saturated low. Default: 0.1.' })),
  high: Type.Optional(Type.Number({ description: 'Values above it count as saturated high. Default: 0.9.' })),
  by: Type.Optional(Type.Enum(['all', 'step'], { description: '`all` (default): over all steps. `step`: for each input step.' }))
}, { ...closed, description: 'Statistics of each unit in place of the tensors, over all sequences and every step that is not masked. Default of `tensors` then: hidden, cell and gates.' })

const Intervene = Type.Array(Type.Object({
  layer: Type.String({ description: 'The recurrent layer, as the names of its tensors begin: `lstm`, `bi/forward`, `rnn/cells/0`.' }),
  gate: Type.Optional(Type.String({ description: 'A gate of it: its value is replaced after its activation, before the states are updated.' })),
  state: Type.Optional(Type.String({
    description: 'Or a state, `hidden` or `cell`: its value is replaced after the update, so the next step reads it, as does what follows from it at the same step (the hidden state from the cell state, the layer\'s output from the hidden state).'
  })),
  unit: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.Array(Type.Integer({ minimum: 0 }))], { description: 'Which units, counted from 0. Default: all.' })),
  steps: Type.Optional(Steps),
  value: Type.Union([Type.Number(), Type.Array(Type.Number())], { description: 'What it is kept at: one number, or one for each unit in the order of `unit`.' })
}, closed), {
  description: 'What if: run once more with these gates and states kept at a value. `intervened` and `intervenedLayers` of the answer are that run, beside `outputs` (given then in any case) and `layers` of the run ' +
    'without. Where two name the same entry the later one counts; masked steps stay as they are.'
})

export const Model = Type.String({ description: 'The id of the model, as GET /models lists it.' })
const prediction = { version: Type.Optional(Version), inputs: Inputs, raw: Type.Optional(Raw), initialState: Type.Optional(InitialState) }
const states = { ...prediction, layers: Type.Optional(Layers), tensors: Type.Optional(Tensors), steps: Type.Optional(Steps), outputs: Type.Optional(Outputs), summary: Type.Optional(Summary), intervene: Type.Optional(Intervene) }

export const PredictBody = Type.Object({ model: Model, ...prediction }, { ...closed, 'x-examples': examples('predict') })
export const HiddenStatesBody = Type.Object({ model: Model, ...states }, { ...closed, 'x-examples': examples('hidden-states') })
const Lines = Type.Unknown({
  description: 'Lines of `{"id"?, "inputs"}`, each one sequence: `[step][feature]`, `[1][step][feature]`, or another form of one sequence. Any lengths, any number. Each is answered by ' +
    'a line, with its `id`, as it arrives; other fields stand in the query. A line may be as long as a whole JSON body. With `summary` in the query there is one answer to all of them.'
})
export const Arrays = (made: string) => Type.Unknown({
  description: `The inputs as arrays by name, as ${made} writes them; where the model has one input and the body one array, any name will do. float16, float32 or float64, whole numbers, ` +
    'bool for inputs that take it; little-endian, in C or Fortran order. `initialState/lstm/hidden` is a state to start from. Other fields stand in the query.'
})
const orOthers = (body: TSchema) => ({
  content: {
    'application/json': { schema: body },
    'application/x-ndjson': { schema: Lines },
    'application/x-npz': { schema: Arrays('`numpy.savez` or `numpy.savez_compressed`') },
    'application/vnd.safetensors': { schema: Arrays('`safetensors.numpy.save`') }
  }
})
const ModelPredict = Type.Object({ model: Type.Optional(Model), ...prediction }, closed)
const ModelHiddenStates = Type.Object({ model: Type.Optional(Model), ...states }, closed)
export const ModelPredictBody = orOthers(ModelPredict)
export const ModelHiddenStatesBody = orOthers(ModelHiddenStates)

// In an address everything is text: query.ts reads numbers and booleans out of it before it is checked, the rest after.
export const listText = (description: string) => orList(Type.String(), { description: `${description} Several: separated by commas, or the parameter repeated.` })

const predictionQuery = {
  version: Type.Optional(Version),
  raw: Type.Optional(Raw),
  initialState: Type.Optional(Type.String({ description: 'States to start from, as JSON.' }))
}

export const VersionQuery = Type.Object({ version: Type.Optional(Version) }, closed)
export const PredictQuery = Type.Object(predictionQuery, closed)
export const HiddenStatesQuery = Type.Object({
  ...predictionQuery,
  layers: Type.Optional(listText('Layer keys.')),
  tensors: Type.Optional(listText(`What to give of each layer: ${tensorKinds.join(', ')}.`)),
  steps: Type.Optional(Type.String({ description: '`all`, `last`, whole numbers separated by commas, or a range as JSON: `{"from":2,"to":8,"every":2}`.' })),
  outputs: Type.Optional(Outputs),
  summary: Type.Optional(Type.String({ description: '`all`, `step`, or JSON: `{"low":0.05,"high":0.95,"by":"step"}`. All lines of an NDJSON body are summarised together, in one JSON answer.' })),
  intervene: Type.Optional(Type.String({ description: 'What to keep at a value in a second run, as JSON.' }))
}, closed)
export const WeightsQuery = Type.Object({
  version: Type.Optional(Version),
  layer: Type.Optional(Type.String({ description: 'One layer only, by its key.' })),
  values: Type.Optional(Type.Boolean({ description: '`false` leaves the numbers out: names, shapes and axes only. Default: true.' })),
  layout: Type.Optional(Type.Enum(['gates', 'keras', 'keras1'], {
    description: '`gates` (default): the arrays of each gate. `keras`: the list that get_weights() gives. `keras1`: that list as Keras 1 had it, an LSTM as twelve arrays, gate by ' +
      'gate in the order i, c, f, o; layers and options that Keras 1 had not as in `keras`.'
  })),
  stats: Type.Optional(Type.Boolean({
    description: 'Adds `stats` to every layer: of each array its norm (Frobenius), mean and quantiles; of each gate, at x = 0 and h = 0, what it is and which share of the units is saturated; ' +
      'and each unit\'s half-life of memory in steps. Not with other layouts than `gates`. Default: false.'
  }))
}, closed)

export const DecodeQuery = Type.Object({
  language: Type.Enum([...languages], { description: 'The language of the program.' }),
  version: Type.Optional(Version)
}, closed)

export const ExportQuery = Type.Object({
  format: Type.Optional(Type.Literal('onnx', { description: 'The kind of file. Default, and the only one: `onnx`.' })),
  outputs: Type.Optional(listText('Names of what the graph gives beside the model\'s own outputs, as /v2/models/ID lists them: `lstm/hidden`, `lstm/gates/forget`, `dense/output`; `lstm/gates`, `lstm` for all that begin so. A JSON list where a name holds a comma.')),
  version: Type.Optional(Version)
}, closed)

export const ModelParams = Type.Object({ id: Type.String({ description: 'The id of the model.' }) })
