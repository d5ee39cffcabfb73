import type { Ops } from '../ops/ops.ts'
import { farBelow } from './activations.ts'
import { flag, unsupported, word } from './config.ts'
import type { LayerCall, LayerFunction, LayerResult } from './layer.ts'
import { rank } from './result.ts'

/** Is the key's step at or before the query's? `[query step, key step]` booleans; `scores` `[..., query step, key step]`. */
function causalMask<T> (ops: Ops<T>, scores: T): T {
  return ops.compare('greaterEqual', ops.expandDims(ops.range(scores, -2), 1), ops.expandDims(ops.range(scores, -1), 0))
}

/** Every query's step against every key's: `[batch, query step, key step, feature]`. */
function sums<T> ({ ops }: LayerCall<T>, query: T, key: T): T {
  return ops.unary('tanh', ops.add(ops.expandDims(query, -2), ops.expandDims(key, -3)))
}

/**
 * Values weighed by the softmax of `scores` `[batch, query step, key step]`. Inputs are `[query, value, key?]`. Masked values get (almost)
 * no weight; the output is 0 at masked queries and carries the queries' mask.
 */
function attend<T> (call: LayerCall<T>, scores: T): LayerResult<T> {
  const { ops, layer, values, inputs: [, value] } = call
  const [queryMask, valueMask] = masksOf(call)
  const causal = values.use_causal_mask === true || layer.config.causal === true ? causalMask(ops, scores) : null
  const forValues = valueMask === null ? null : ops.expandDims(valueMask, -2)
  const mask = forValues !== null && causal !== null ? ops.and(forValues, causal) : forValues ?? causal
  const weights = ops.softmax(mask === null ? scores : ops.where(mask, scores, farBelow(ops, scores)), -1)
  const sum = ops.matmul(weights, value)
  const output = queryMask === null ? sum : ops.where(ops.expandDims(queryMask, -1), sum, 0)
  return values.return_attention_scores === true
    ? { outputs: [output, weights], masks: [queryMask, null] }
    : { outputs: [output], masks: [queryMask] }
}

/** The masks of query and value: those of the list given by name, else those the inputs carry. */
function masksOf<T> ({ ops, named, masks }: LayerCall<T>): readonly [T | null, T | null] {
  if (named.mask === undefined) return [masks[0], masks[1]]
  const { tensors, places = tensors.map((_, n) => n) } = named.mask
  const at = (place: number): T | null => places.includes(place) ? ops.cast(tensors[places.indexOf(place)], 'bool') : null
  return [at(0), at(1)]
}

function threeAxes<T> (call: LayerCall<T>): readonly [T, T] {
  const { layer, inputs } = call
  if (inputs.length < 2 || inputs.some((x) => rank(call, x) !== 3)) throw unsupported(layer, 'only query, value and key of 3 axes, [batch, step, feature], are computed')
  return [inputs[0], inputs[2] ?? inputs[1]]
}

/** Dot-product attention (Luong et al. 2015), or with score_mode "concat" the sum of tanh(query + key). */
export const attention: LayerFunction = (call) => {
  const { ops, layer, weights } = call
  const [query, key] = threeAxes(call)
  const scaled = (x: typeof query): typeof query => flag(layer, 'use_scale') ? ops.mul(x, weights.scale) : x
  if (word(layer, 'score_mode', ['dot', 'concat']) === 'dot') return attend(call, scaled(ops.matmul(query, key, false, true)))
  const added = ops.add(ops.expandDims(query, -2), ops.expandDims(key, -3))
  return attend(call, ops.mul(ops.reduce('sum', ops.unary('tanh', scaled(added)), [-1]), weights.concat_score_weight))
}

/** Additive attention (Bahdanau et al. 2015): scores are the sum of scale * tanh(query + key) over the features. */
export const additiveAttention: LayerFunction = (call) => {
  const { ops, layer, weights } = call
  const [query, key] = threeAxes(call)
  const added = sums(call, query, key)
  return attend(call, ops.reduce('sum', flag(layer, 'use_scale') ? ops.mul(added, weights.scale) : added, [-1]))
}
