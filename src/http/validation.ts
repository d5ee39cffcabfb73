import type { FastifySchemaValidationError } from 'fastify'
import { Fault } from '../errors.ts'
import { at, got } from '../request/words.ts'

/** A schema as far as words need it. */
interface Schema {
  type?: string
  enum?: readonly unknown[]
  const?: unknown
  minimum?: number
  maximum?: number
  pattern?: string
  items?: Schema
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
}

/** With ajv's `verbose` an error brings the value and the schema. */
interface Finding extends FastifySchemaValidationError { data?: unknown, parentSchema?: Schema }

/** ajv's findings on one part of a request as a Fault in human words: the deepest finding says most. */
export function toFault (findings: FastifySchemaValidationError[], part: string): Fault {
  const deepest = (findings as Finding[]).reduce((best, next) => depth(next) >= depth(best) ? next : best)
  // What is outside the body has no JSON pointer: the words name the parameter.
  return new Fault('invalid_value', words(deepest, part), part === 'body' ? pointer(deepest) : undefined)
}

const depth = (finding: Finding): number => pointer(finding).split('/').length

function pointer ({ keyword, instancePath, params }: Finding): string {
  const name = keyword === 'additionalProperties' ? params.additionalProperty : keyword === 'required' ? params.missingProperty : undefined
  return name === undefined ? instancePath : at(instancePath, String(name))
}

function words ({ keyword, instancePath, params, parentSchema = {}, data }: Finding, part: string): string {
  const [kind, whole] = part === 'querystring' ? ['parameter', 'the query'] : ['field', 'the body']
  const place = instancePath === '' ? whole : `"${instancePath.slice(1)}"`
  const fields = Object.keys(parentSchema.properties ?? {}).join(', ')
  if (keyword === 'additionalProperties') return `${place} has no ${kind} "${String(params.additionalProperty)}"; there are: ${fields === '' ? 'none' : fields}`
  if (keyword === 'required') return `${place} lacks the ${kind} "${String(params.missingProperty)}"`
  if (instancePath === '' && (data === null || data === undefined)) return `${place} is missing: send a JSON object with ${fields}`
  if (part === 'querystring' && Array.isArray(data)) return `${place} is given more than once: say it once`
  return `${place}: expected ${expected(parentSchema)}, got ${got(data)}`
}

function expected (schema: Schema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(expected).join(', or ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`
  if (schema.type === 'array') return `a list, each ${expected(schema.items ?? {})}`
  if (schema.type === 'object') {
    const fields = Object.keys(schema.properties ?? {})
    return fields.length === 0 ? 'an object' : `an object with ${fields.join(', ')}`
  }
  if (schema.type === 'integer' || schema.type === 'number') return `a ${schema.type === 'integer' ? 'whole ' : ''}number${range(schema)}`
  if (schema.pattern !== undefined) return `a string that matches ${schema.pattern}`
  return schema.type === 'boolean' ? 'true or false' : `a ${schema.type ?? 'value of another kind'}`
}

function range ({ minimum, maximum }: Schema): string {
  if (minimum === undefined) return maximum === undefined ? '' : ` of at most ${maximum}`
  return maximum === undefined ? ` of at least ${minimum}` : ` from ${minimum} to ${maximum}`
}
