import { Ajv } from 'ajv'
import { Type, type Static } from 'typebox'

const numbers = Type.Array(Type.Number())
const strings = Type.Array(Type.String())
const scaler = Type.Object({ mean: numbers, scale: Type.Array(Type.Number({ exclusiveMinimum: 0 })) })
const character = Type.Union([Type.String(), Type.Null()])

/** `statescope.json`: what a model's numbers mean. Every key is optional; models/README.md has the exact semantics. Unknown keys are notes. */
const schema = Type.Object({
  description: Type.Optional(Type.String()),
  /** Names of the last input axis. */
  features: Type.Optional(strings),
  /** Names of the output's last axis, or by output name. */
  outputLabels: Type.Optional(Type.Union([strings, Type.Record(Type.String(), strings)])),
  /** `raw` inputs become (x - mean) / scale; outputs go back as y * scale + mean. */
  scaler: Type.Optional(Type.Object({ inputs: Type.Optional(scaler), outputs: Type.Optional(scaler) })),
  trainingMean: Type.Optional(Type.Unknown()),
  text: Type.Optional(Type.Object({
    alphabet: strings,
    encoding: Type.Enum(['one-hot', 'ids']),
    lowercase: Type.Optional(Type.Boolean()),
    /** The character that one outside the alphabet becomes; null: a step of zeros; absent: refused. */
    unknown: Type.Optional(character),
    /** The character put on the left of a text shorter than maxlen; null: steps of zeros; absent: refused. */
    pad: Type.Optional(character),
    /** Left out: the model's own number of steps. */
    maxlen: Type.Optional(Type.Integer({ minimum: 1 }))
  })),
  sample: Type.Optional(Type.Object({ inputs: Type.Unknown(), raw: Type.Optional(Type.Boolean()) })),
  /** Outputs that Keras itself recorded, checked when the model is loaded. */
  expected: Type.Optional(Type.Object({
    inputs: Type.Unknown(),
    outputs: Type.Record(Type.String(), Type.Unknown()),
    tolerance: Type.Optional(Type.Number({ exclusiveMinimum: 0 }))
  })),
  score: Type.Optional(Type.Unknown()),
  data: Type.Optional(Type.Unknown())
})

export type Meta = Static<typeof schema>
export type Scaler = Static<typeof scaler>

// Not typebox's own: that is another 0.14 s to import, and ajv is there for the settings and the routes.
const isMeta = new Ajv().compile(schema)

/** The first thing in it that is not as the schema says; null where it is all well. */
export function wrongIn (meta: unknown): string | null {
  if (isMeta(meta)) return null
  // Where there is a choice, what was meant is the one that fits furthest.
  const { instancePath, keyword, message, params } = isMeta.errors!.reduce((a, b) => b.instancePath.length > a.instancePath.length ? b : a)
  return `${instancePath === '' ? 'the whole' : instancePath} ${keyword === 'enum' ? `must be ${(params.allowedValues as string[]).map((value) => `"${value}"`).join(' or ')}` : message}`
}
