import { Fault } from '../errors.ts'
import type { Probe, TensorKind } from './probe.ts'
import { at, invalid, isObject, list, onlyMembers } from './words.ts'

/** Statistics in place of tensors: below `low` and above `high` a value counts as saturated. */
export interface SummaryChoice { readonly low: number, readonly high: number, readonly by: 'all' | 'step' }

/** What has a step axis and a unit axis. */
const kinds: readonly TensorKind[] = ['hidden', 'cell', 'gates', 'preactivations', 'contributions']
export const summaryKinds: readonly TensorKind[] = ['hidden', 'cell', 'gates']

/** The `summary` of a request; null where there is none. */
export function readSummary (value: unknown, pointer: string): SummaryChoice | null {
  if (value === undefined) return null
  if (!isObject(value)) throw invalid('an object with "low", "high" and "by", all optional', value, pointer)
  onlyMembers(value, ['low', 'high', 'by'], pointer, 'summary')
  const { low = 0.1, high = 0.9, by = 'all' } = value
  for (const [name, threshold] of Object.entries({ low, high })) if (!Number.isFinite(threshold)) throw invalid('a number', threshold, at(pointer, name))
  if ((low as number) > (high as number)) throw new Fault('invalid_value', `low is ${String(low)} and high ${String(high)}: low must not be the larger`, at(pointer, 'low'))
  if (by !== 'all' && by !== 'step') throw invalid('"all" or "step"', by, at(pointer, 'by'))
  return { low: low as number, high: high as number, by }
}

/** Refuses what a summary cannot be of. */
export function checkSummarised ({ tensors, outputs, intervene }: Probe): void {
  const other = tensors.find((kind) => !kinds.includes(kind))
  if (other !== undefined) throw new Fault('invalid_value', `a summary is of ${list(kinds)}, not of ${other}`, '/tensors')
  if (outputs) throw new Fault('invalid_value', 'a summary has no outputs: ask for them in a request of their own', '/outputs')
  if (intervene !== undefined) throw new Fault('invalid_value', 'a summary is of the run as it is, with nothing kept at a value: leave intervene out', '/intervene')
}
