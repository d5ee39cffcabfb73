import { Fault } from '../errors.ts'
import { tensorKinds, defaultKinds, type StepChoice, type TensorKind } from './probe.ts'
import { at, invalid, isObject, list, onlyMembers } from './words.ts'

/** A list of names; one string stands for a list of one. Repeated names count once. */
export function readNames (value: unknown, what: string, pointer: string): string[] {
  const names = typeof value === 'string' ? [value] : value
  if (!Array.isArray(names)) throw invalid(`a list of ${what}, or one`, value, pointer)
  if (names.length === 0) throw new Fault('invalid_value', `expected a list of ${what}, got an empty one; leave it out for the default`, pointer)
  for (const [n, name] of names.entries()) if (typeof name !== 'string') throw invalid('a string', name, at(pointer, n))
  return [...new Set(names as string[])]
}

/** Whether there are such layers is for the plan to say. */
export const readLayers = (value: unknown, pointer: string): string[] | null => value === undefined ? null : readNames(value, 'layers', pointer)

export function readTensors (value: unknown, pointer: string): readonly TensorKind[] {
  if (value === undefined) return defaultKinds
  const names = readNames(value, 'tensors', pointer)
  const unknown = names.findIndex((name) => !(tensorKinds as readonly string[]).includes(name))
  if (unknown >= 0) throw new Fault('unknown_name', `there is no tensor '${names[unknown]}'; there are: ${list(tensorKinds)}`, Array.isArray(value) ? at(pointer, value.indexOf(names[unknown])) : pointer)
  return names as TensorKind[]
}

/** Forms only: whether a layer has these steps shows when it is run. */
export function readSteps (value: unknown, pointer: string): StepChoice {
  if (value === undefined || value === 'all' || value === 'last') return value ?? 'all'
  if (Array.isArray(value)) {
    if (value.length === 0) throw new Fault('invalid_value', 'expected at least one step; leave steps out for all', pointer)
    for (const [n, step] of value.entries()) if (!Number.isSafeInteger(step)) throw invalid('a whole number (steps count from 0, negative ones from the end)', step, at(pointer, n))
    return value as number[]
  }
  if (!isObject(value)) throw invalid('"all", "last", a list of steps, or {"from", "to", "every"}', value, pointer)
  onlyMembers(value, ['from', 'to', 'every'], pointer, 'steps')
  for (const [name, step] of Object.entries(value)) {
    if (!Number.isSafeInteger(step)) throw invalid('a whole number', step, at(pointer, name))
    if (name === 'every' && (step as number) < 1) throw invalid('a whole number from 1', step, at(pointer, name))
  }
  return value
}

export function readFlag (value: unknown, pointer: string): boolean {
  if (value !== undefined && typeof value !== 'boolean') throw invalid('true or false', value, pointer)
  return value ?? false
}
