import { readdirSync, readFileSync } from 'node:fs'

/** A golden: what real Keras predicts and what an independent float64 reading finds inside. */
export interface Case {
  readonly id: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly predict: readonly unknown[]
  /** What Keras gives in half precision, for mixed policies. */
  readonly predict_half?: readonly unknown[]
  readonly atol_half?: number
  readonly output_names: readonly string[]
  /** By layer: 1 where a step counts. */
  readonly mask: Readonly<Record<string, readonly (readonly number[])[]>>
  /** By contract name. */
  readonly expect: Readonly<Record<string, unknown>>
  readonly atol: number
}

export function readCases (folder: string): Case[] {
  return readdirSync(folder).filter((name) => name.endsWith('.json')).sort().map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as Case)
}

/** Sizes along the first entries of a nested array. */
export const shapeOf = (nested: unknown): number[] => Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : []

/**
 * The largest |got - expected| / max(1, |expected|); Infinity where the shapes differ or a number is missing. `skip` leaves out entries by their place.
 */
export function farthest (got: unknown, expected: unknown, skip: (place: readonly number[]) => boolean = () => false): number {
  if (JSON.stringify(shapeOf(got)) !== JSON.stringify(shapeOf(expected))) return Infinity
  const walk = (a: unknown, b: unknown, place: readonly number[]): number => {
    if (Array.isArray(b)) return b.reduce((worst: number, entry, n) => Math.max(worst, walk((a as unknown[])[n], entry, [...place, n])), 0)
    if (skip(place)) return 0
    if (typeof a !== 'number' || typeof b !== 'number') return a === b ? 0 : Infinity
    const far = Math.abs(a - b) / Math.max(1, Math.abs(b))
    return Number.isNaN(far) ? Infinity : far
  }
  return walk(got, expected, [])
}

/** Nested JSON members by their path joined with '/': how the contract names a tensor. */
export function flatten (members: object, prefix = ''): Record<string, unknown> {
  return Object.entries(members).reduce<Record<string, unknown>>((all, [name, value]) => {
    const path = prefix === '' ? name : `${prefix}/${name}`
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...all, ...flatten(value, path) } : { ...all, [path]: value }
  }, {})
}
