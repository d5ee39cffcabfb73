import { Fault } from '../errors.ts'
import type { Layer } from '../model.ts'

/**
 * Typed reading of a layer's config. Defaults are filled in when a file is read, so a key that is missing here, or of another kind than
 * Keras writes, is a fault of the file: it is named with its layer.
 */

/** A fault that says which key of which layer cannot be read, and why. */
function wrong (layer: Layer, key: string, expected: string): Fault {
  const value = layer.config[key]
  const found = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`
  return new Fault('bad_file', `layer "${layer.path}" (${layer.className}): "${key}" ${found} in its config where ${expected} is expected`)
}

/** A fault for an option that Keras has and this service does not compute; `why` completes the sentence. */
export function unsupported (layer: Layer, why: string): Fault {
  return new Fault('unsupported_layer', `layer "${layer.path}" (${layer.className}): ${why}`)
}

const isNumber = (value: unknown): value is number => typeof value === 'number'
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)

export function number (layer: Layer, key: string): number {
  const value = layer.config[key]
  if (!isNumber(value)) throw wrong(layer, key, 'a number')
  return value
}

/** A number, or null where the config has null. */
export function numberOrNull (layer: Layer, key: string): number | null {
  return layer.config[key] === null ? null : number(layer, key)
}

export function whole (layer: Layer, key: string): number {
  const value = layer.config[key]
  if (!isWhole(value)) throw wrong(layer, key, 'a whole number')
  return value
}

/** One whole number or a list of them, as a list. */
export function wholes (layer: Layer, key: string): readonly number[] {
  const value = layer.config[key]
  const list = Array.isArray(value) ? value : [value]
  if (!list.every(isWhole)) throw wrong(layer, key, 'a whole number or a list of them')
  return list
}

/** `count` whole numbers; one number stands for all of them. */
export function wholesOf (layer: Layer, key: string, count: number): readonly number[] {
  const list = wholes(layer, key)
  if (list.length === count) return list
  if (list.length === 1) return Array.from({ length: count }, () => list[0])
  throw wrong(layer, key, `${count} whole numbers`)
}

/** `[before, after]` for each of `count` axes: from a number for all, a number an axis, or a pair an axis. */
export function sides (layer: Layer, key: string, count: number): readonly (readonly [number, number])[] {
  const value = layer.config[key]
  const list = Array.isArray(value) ? value : Array.from({ length: count }, () => value)
  const pairs = count === 1 && list.length === 2 ? [list] : list
  const both = pairs.map((pair) => Array.isArray(pair) ? pair : [pair, pair])
  if (both.length !== count || !both.every((pair) => pair.length === 2 && pair.every(isWhole))) throw wrong(layer, key, `${count} pairs of whole numbers`)
  return both as [number, number][]
}

export function flag (layer: Layer, key: string): boolean {
  const value = layer.config[key]
  if (typeof value !== 'boolean') throw wrong(layer, key, 'true or false')
  return value
}

/** One of the words given. */
export function word<W extends string> (layer: Layer, key: string, words: readonly W[]): W {
  const found = words.find((one) => one === layer.config[key])
  if (found === undefined) throw wrong(layer, key, words.map((one) => `"${one}"`).join(' or '))
  return found
}

/** Are channels the last axis (`channels_last`) or the one after the batch (`channels_first`)? */
export function channelsLast (layer: Layer): boolean {
  return word(layer, 'data_format', ['channels_last', 'channels_first']) === 'channels_last'
}
