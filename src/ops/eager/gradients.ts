import type { Tf } from './numbers.ts'

const pair = ['a', 'b']
const single = ['x']

/** The kernels that make masks, with tfjs' names of their inputs. */
const masks: Readonly<Record<string, string[]>> = {
  Equal: pair,
  NotEqual: pair,
  Less: pair,
  LessEqual: pair,
  Greater: pair,
  GreaterEqual: pair,
  LogicalAnd: pair,
  LogicalOr: pair,
  LogicalNot: single,
  Any: single,
  All: single
}

/**
 * Tells tfjs-core that a mask does not change with what it was made from. It has no gradient for any op that makes a mask, and refuses
 * the gradient of everything behind one: of a masked loop, or of an activation written with `where`.
 */
export function flatMasks (tf: Tf): void {
  for (const [kernelName, names] of Object.entries(masks)) {
    // tfjs-core keeps one table for all; a second set of ops finds it filled.
    if ((tf.getGradient(kernelName) as unknown) !== undefined) continue
    tf.registerGradient({
      kernelName,
      inputsToSave: names,
      gradFunc: (_, saved) => Object.fromEntries(names.map((name, n) => [name, () => tf.zeros(saved[n].shape)]))
    })
  }
}
