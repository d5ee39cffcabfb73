import { Fault } from '../errors.ts'
import type { Served } from '../registry/entry.ts'
import { decodeRequest } from './decode.ts'
import type { Batch } from './probe.ts'
import { at, got, invalid, isObject, list, onlyMembers } from './words.ts'

/** What to look for, and in what. */
export interface Search {
  readonly batch: Batch
  /** Null: the only recurrent layer. */
  readonly layer: string | null
  /** Relative to the layer: `hidden`, `gates/forget`, `forward/cell`. */
  readonly tensor: string
  /** Null: those above the threshold throughout the span. */
  readonly units: readonly number[] | null
  /** Null: units alone are given. */
  readonly span: { readonly sequence: number, readonly from: number, readonly to: number | null } | null
  readonly threshold: number
  readonly limit: number
}

const members = ['model', 'version', 'inputs', 'raw', 'initialState', 'select', 'limit']

/** As LSTMVis has them at first. */
const defaults = { threshold: 0.3, limit: 50 }
const mostMatches = 10_000

/** The body of a search. Throws Fault with a pointer to what is wrong. */
export function decodeSearch (body: unknown, entry: Pick<Served, 'file' | 'meta'>): Search {
  if (!isObject(body)) throw new Fault('malformed', `expected an object with 'inputs' and 'select', got ${got(body)}`, '')
  const unknown = Object.keys(body).find((name) => !members.includes(name))
  if (unknown !== undefined) throw new Fault('invalid_value', `there is no member '${unknown}' here; there are: ${list(members)}`, `/${unknown}`)
  const { select, limit = defaults.limit, ...rest } = body
  if (!Number.isInteger(limit) || (limit as number) < 1 || (limit as number) > mostMatches) throw invalid(`a whole number from 1 to ${mostMatches}`, limit, '/limit')
  const chosen = readSelect(select)
  const { batch } = decodeRequest(rest, entry, 'predict')
  if (chosen.span !== null && chosen.span.sequence >= batch.size) {
    throw new Fault('invalid_value', `there is no sequence ${chosen.span.sequence}: there are ${batch.size}, counted from 0`, '/select/sequence')
  }
  return { ...chosen, batch, limit: limit as number }
}

function readSelect (select: unknown): Omit<Search, 'batch' | 'limit'> {
  if (!isObject(select)) throw invalid('an object with "sequence", "from" and "to", or "units"', select, '/select')
  onlyMembers(select, ['layer', 'tensor', 'units', 'sequence', 'from', 'to', 'threshold'], '/select', 'select')
  const { layer = null, tensor = 'hidden', threshold = defaults.threshold } = select
  if (layer !== null && typeof layer !== 'string') throw invalid('the key of a layer', layer, '/select/layer')
  if (typeof tensor !== 'string') throw invalid('the name of a tensor', tensor, '/select/tensor')
  if (!Number.isFinite(threshold)) throw invalid('a number', threshold, '/select/threshold')
  const units = readUnits(select.units)
  const bySpan = ['sequence', 'from', 'to'].some((name) => select[name] !== undefined)
  if (units === null && !bySpan) throw new Fault('invalid_value', 'say which steps are selected ("sequence", "from", "to"), or which units', '/select')
  const step = (name: 'from' | 'to'): number | undefined => {
    const value = select[name]
    if (value !== undefined && !Number.isSafeInteger(value)) throw invalid('a whole number (steps count from 0, negative ones from the end)', value, `/select/${name}`)
    return value as number | undefined
  }
  const sequence = select.sequence ?? 0
  if (!Number.isSafeInteger(sequence) || (sequence as number) < 0) throw invalid('a whole number from 0', sequence, '/select/sequence')
  return { layer, tensor, threshold: threshold as number, units, span: bySpan ? { sequence: sequence as number, from: step('from') ?? 0, to: step('to') ?? null } : null }
}

/** Each unit once; null: not given. */
function readUnits (value: unknown): number[] | null {
  if (value === undefined) return null
  const units = typeof value === 'number' ? [value] : value
  if (!Array.isArray(units) || units.length === 0) throw invalid('a list of units with at least one', value, '/select/units')
  for (const [n, unit] of units.entries()) if (!Number.isSafeInteger(unit) || unit < 0) throw invalid('a whole number from 0', unit, at('/select/units', n))
  return [...new Set(units as number[])].sort((a, b) => a - b)
}
