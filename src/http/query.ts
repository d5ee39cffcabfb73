import type { FastifyInstance } from 'fastify'
import { Fault } from '../errors.ts'
import { strictJson } from '../request/strict.ts'

/** In an address everything is text: numbers and booleans become what the route's schema calls for; ajv refuses the rest. */
export function readQueries (app: FastifyInstance): void {
  app.addHook('preValidation', (request, _, next) => {
    const { properties } = request.routeOptions.schema?.querystring as { properties?: Record<string, { type?: string }> } ?? {}
    const query = request.query as Record<string, unknown>
    for (const [name, value] of Object.entries(query)) {
      const type = properties?.[name]?.type
      // A version may be a label too.
      if ((type === 'integer' || name === 'version') && /^-?\d{1,15}$/.test(String(value))) query[name] = Number(value)
      if (type === 'number' && /^-?\d{1,15}(\.\d{1,15})?(e[+-]?\d{1,3})?$/i.test(String(value))) query[name] = Number(value)
      if (type === 'boolean' && (value === 'true' || value === 'false')) query[name] = value === 'true'
    }
    next()
  })
}

/** A body that says which model it is for. */
export interface Addressed extends Readonly<Record<string, unknown>> { readonly model: string, readonly version?: number }

/**
 * The body of a request to a model's own path: its JSON, with what the path and the query say beside the inputs.
 * @throws Fault invalid_value where there is no body, or two places say the same field
 */
export function withQuery (body: Readonly<Record<string, unknown>> | undefined, id: string, query: Readonly<Record<string, unknown>>): Addressed {
  // Where bodies of several kinds are taken, one without bytes and without Content-Type is of none, and no schema has seen it.
  if (body === undefined) throw new Fault('invalid_value', 'the body is missing: send a JSON object, or arrays in one of the formats that /docs names for this address', '')
  if (body.model !== undefined && body.model !== id) {
    throw new Fault('invalid_value', `the body names the model "${String(body.model)}", the address "${id}": leave "model" out of the body`, '/model')
  }
  const merged: Record<string, unknown> & { model: string } = { ...body, model: id }
  for (const [name, value] of Object.entries(query)) {
    if (body[name] !== undefined) throw new Fault('invalid_value', `"${name}" stands in the body and in the query: say it once`, `/${name}`)
    merged[name] = fromText[name]?.(value as string & string[], name) ?? value
  }
  return merged
}

/** Fields that are more than one word: lists with commas or repeated, objects as JSON. */
const fromText: Readonly<Record<string, (value: string & string[], name: string) => unknown>> = {
  layers: (value) => list(value),
  tensors: (value) => list(value),
  methods: (value) => list(value),
  stepInputs: (value) => list(value),
  output: (value) => /^\d{1,15}$/.test(value) ? Number(value) : value,
  baseline: (value, name) => /^\w+$/.test(value) ? value : json(value, name),
  steps: (value, name) => {
    if (value === 'all' || value === 'last') return value
    return /^-?\d+(,-?\d+)*$/.test(value) ? value.split(',').map(Number) : json(value, name)
  },
  initialState: (value, name) => json(value, name),
  select: (value, name) => json(value, name),
  summary: (value, name) => value === 'all' || value === 'step' ? { by: value } : json(value, name),
  intervene: (value, name) => json(value, name),
  probabilities: (value) => value === 'true' || value === 'false' ? value === 'true' : /^\d{1,15}$/.test(value) ? Number(value) : value,
  states: (value, name) => typeof value === 'string' && value.startsWith('{') ? json(value, name) : list(value)
}

/** A list in an address: with commas, or the parameter repeated. */
export const list = (value: string | readonly string[]): string[] => [value].flat().flatMap((part) => part.split(','))

function json (text: string, name: string): unknown {
  try {
    return strictJson(text)
  } catch (error) {
    throw error instanceof Fault ? error : new Fault('invalid_value', `the parameter "${name}" is not JSON`)
  }
}
