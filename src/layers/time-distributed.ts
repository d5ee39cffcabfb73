import { Fault } from '../errors.ts'
import { entriesUnder, under } from './bidirectional.ts'
import type { LayerFunction } from './layer.ts'
import { explicitMask } from './recurrent.ts'

/**
 * TimeDistributed: the inner layer on every outer step, done in one call over `[batch * step, ...]`. A mask of rank 3 (`[batch, outer step,
 * step]`, from an Embedding of nested ids) reaches an inner layer that takes one; a mask over the outer steps alone does not.
 */
export const timeDistributed: LayerFunction = (call) => {
  const { ops, layer, wanted, keras } = call
  const child = layer.children.layer
  const inner = child.path.slice(layer.path.length + 1)
  const merge = (x: typeof call.inputs[number]): typeof x => ops.reshape(x, [-1, ...ops.shape(x).slice(2)])
  const mask = explicitMask(call) ?? call.masks[0] ?? null
  const innerMask = mask !== null && ops.shape(mask).length > 2 ? merge(mask) : null
  const like = call.inputs[0]
  const split = (x: typeof like): typeof like => ops.splitFirst(x, like)
  if (Object.keys(call.initial).length > 0) throw new Fault('invalid_value', `"${layer.path}" is TimeDistributed: its inner layer starts anew at each outer step and takes no initialState`, '/initialState')
  const result = call.run(child, {
    inputs: call.inputs.map(merge),
    masks: call.inputs.map((_, n) => n === 0 ? innerMask : null),
    wanted: under(wanted, inner),
    initial: entriesUnder(call.initial, inner),
    clamps: entriesUnder(call.clamps ?? {}, inner)
  })
  return {
    outputs: result.outputs.map(split),
    masks: result.outputs.map((_, n) => keras === 3 ? mask : outer(result.masks[n])),
    internals: Object.fromEntries(Object.entries(result.internals ?? {}).map(([name, value]) => [`${inner}/${name}`, split(value)])),
    evidence: (result.evidence ?? []).map((one) => ({ ...one, at: one.at === '' ? inner : `${inner}/${one.at}` }))
  }

  /** Keras 2: the inner layer's own mask put back on the outer steps, else the given one down to its first two axes. */
  function outer (given: typeof like | null): typeof like | null {
    if (given !== null) return split(given)
    if (mask === null) return null
    const rank = ops.shape(mask).length
    return rank > 2 ? ops.reduce('any', mask, Array.from({ length: rank - 2 }, (_, n) => n + 2)) : mask
  }
}
