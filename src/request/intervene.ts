import { Fault } from '../errors.ts'
import { readSteps } from './choices.ts'
import type { Intervention } from './probe.ts'
import { at, invalid, isObject, onlyMembers } from './words.ts'

/** More are as well said with lists of units and steps. */
const most = 100

/**
 * `intervene`: what is to be kept at a value, and when. Whether there are such layers, gates and units is for the plan to say, whether there are such steps shows
 * when it is run.
 */
export function readInterventions (value: unknown, pointer: string): readonly Intervention[] {
  if (!Array.isArray(value)) throw invalid('a list of {"layer", "gate" or "state", "unit", "steps", "value"}', value, pointer)
  if (value.length === 0) throw new Fault('invalid_value', 'expected at least one intervention; leave intervene out for none', pointer)
  if (value.length > most) throw new Fault('invalid_value', `${value.length} interventions are more than ${most}: "unit" and "steps" may be lists`, pointer)
  return value.map((one, n) => readIntervention(one, at(pointer, n)))
}

function readIntervention (given: unknown, pointer: string): Intervention {
  if (!isObject(given)) throw invalid('an object with "layer", "gate" or "state", "unit", "steps" and "value"', given, pointer)
  onlyMembers(given, ['layer', 'gate', 'state', 'unit', 'steps', 'value'], pointer, 'an intervention')
  const { layer, gate, state, unit, steps, value } = given
  if (typeof layer !== 'string') throw invalid('the key of a layer', layer, at(pointer, 'layer'))
  const kinds = (['gate', 'state'] as const).filter((kind) => given[kind] !== undefined)
  if (kinds.length !== 1) throw new Fault('invalid_value', `an intervention is in one "gate" or in one "state", ${kinds.length === 0 ? 'and this one names none' : 'and this one names both'}`, pointer)
  const [kind] = kinds
  const name = gate ?? state
  if (typeof name !== 'string') throw invalid(`the name of a ${kind}`, name, at(pointer, kind))
  const units = readUnits(unit, at(pointer, 'unit'))
  const chosen = readSteps(steps, at(pointer, 'steps'))
  return { layer, kind, name, units, steps: chosen === 'last' ? [-1] : chosen, value: readValue(value, units, at(pointer, 'value')) }
}

/** One number, or one for each unit: of how many units the layer has, where none are named, the plan knows. */
function readValue (value: unknown, units: readonly number[] | null, pointer: string): number | readonly number[] {
  const one = (number: unknown, pointer: string): number => {
    if (typeof number !== 'number' || !Number.isFinite(Math.fround(number))) throw invalid('a number that is finite as float32', number, pointer)
    return number
  }
  if (!Array.isArray(value)) return one(value, pointer)
  if (units !== null && value.length !== units.length) throw new Fault('invalid_value', `${value.length} values are not one for each of ${units.length} units`, pointer)
  return value.map((number, n) => one(number, at(pointer, n)))
}

function readUnits (value: unknown, pointer: string): readonly number[] | null {
  if (value === undefined) return null
  const units: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (units.length === 0) throw new Fault('invalid_value', 'expected at least one unit; leave unit out for all', pointer)
  for (const [n, unit] of units.entries()) {
    if (!Number.isSafeInteger(unit) || (unit as number) < 0) throw invalid('a unit, a whole number from 0', unit, Array.isArray(value) ? at(pointer, n) : pointer)
  }
  return units as number[]
}
