import { Ajv } from 'ajv'
import { Type, type Static } from 'typebox'

const Digest = Type.String({ pattern: '^sha256:[0-9a-f]{64}$' })
const schema = Type.Object({
  /** Of the model, as every answer names it. */
  digest: Digest,
  /** Each file's own. */
  files: Type.Record(Type.String(), Type.Object({ size: Type.Integer({ minimum: 0 }), digest: Digest })),
  format: Type.String(),
  kerasVersion: Type.Union([Type.String(), Type.Null()]),
  notes: Type.Array(Type.String()),
  /** The self-check that the model passed. */
  receipt: Type.Unknown(),
  /** When, as ISO 8601. */
  stored: Type.String()
})

export type Manifest = Static<typeof schema>

// As in registry/meta-schema.ts.
export const isManifest = new Ajv().compile<Manifest>(schema)
