import { Fault } from '../errors.ts'

/** Sizes an array must have; null where any size will do. */
export type Expected = readonly (number | null)[]

/** `[batch, step, 60]`: open axes by their words. */
export const shapeWords = (shape: Expected): string => `[${shape.map((size, axis) => size ?? (axis === 0 ? 'batch' : axis === 1 ? 'step' : 'any')).join(', ')}]`

const fits = (shape: readonly number[], expected: Expected): boolean =>
  shape.length === expected.length && expected.every((size, axis) => size === null || size === shape[axis])

/** Throws unless a shape is the expected one, with what to do in the cases that are met most. */
export function checkShape (shape: readonly number[], expected: Expected, pointer: string): void {
  const words = `expected ${shapeWords(expected)}, got ${shapeWords(shape)}`
  const wrong = (advice: string): Fault => new Fault('wrong_shape', words + advice, pointer)
  const empty = shape.indexOf(0)
  if (empty === 0) throw wrong(': an empty batch; give at least one sequence')
  if (empty === 1 && (expected.length > 2 || expected[1] === null)) throw wrong(': no steps; give at least one')
  if (empty >= 0) throw wrong(`: axis ${empty} is empty`)
  if (fits(shape, expected)) return
  if (fits(shape, expected.slice(1))) throw wrong(': this is one sequence without the batch axis; wrap it in one more list')
  // Keras lets this through and adds the axis; here a request means one thing only.
  if (expected[expected.length - 1] === 1 && fits(shape, expected.slice(0, -1))) throw wrong(': write each number as a list of one, [x]')
  if (shape.length !== expected.length) throw wrong(`: ${expected.length} axes are needed, there are ${shape.length}`)
  throw wrong('')
}
