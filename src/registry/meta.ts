import { readFile } from 'node:fs/promises'
import { Type, type Static } from 'typebox'
import { Value } from 'typebox/value'
import { Fault } from '../errors.ts'

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
    encoding: Type.Union([Type.Literal('one-hot'), Type.Literal('ids')]),
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
export type TextCoding = NonNullable<Meta['text']>

/** Reads and checks it. Throws `bad_file` that names the key. */
export async function readMeta (path: string): Promise<Meta> {
  let parsed: unknown
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new Fault('bad_file', `"statescope.json" is not JSON: ${(error as Error).message}`)
  }
  if (!Value.Check(schema, parsed)) {
    const [first] = Value.Errors(schema, parsed)
    throw new Fault('bad_file', `"statescope.json": ${first.instancePath === '' ? 'the whole' : first.instancePath} ${first.message}`)
  }
  return parsed
}
