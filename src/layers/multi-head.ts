import type { Ops } from '../ops/ops.ts'
import { farBelow } from './activations.ts'
import { number, unsupported, whole, wholes } from './config.ts'
import type { LayerCall, LayerFunction, LayerResult } from './layer.ts'
import { rank } from './result.ts'

/** The arguments of an attention over heads, given by place or by name, with the mask each is given or carries. */
interface Heard<T> { readonly query: T, readonly key: T, readonly value: T, readonly queryMask: T | null, readonly keyMask: T | null, readonly valueMask: T | null }

function heard<T> (call: LayerCall<T>): Heard<T> {
  const { inputs, masks, named, layer } = call
  const argument = (name: string, place: number): { x: T | undefined, mask: T | null } => {
    const given = named[name]
    const mask = named[`${name}_mask`]?.tensors[0] ?? (given === undefined ? masks[place] : given.masks[0]) ?? null
    return { x: given?.tensors[0] ?? inputs[place], mask }
  }
  const [query, value, key] = [argument('query', 0), argument('value', 1), argument('key', 2)]
  const all = [query.x, value.x, key.x ?? value.x]
  for (const x of all) {
    if (x === undefined || rank(call, x) !== 3) throw unsupported(layer, 'only query, value and key of 3 axes, [batch, step, feature], are computed')
  }
  const [q, v, k] = all as [T, T, T]
  // Keras 3's MultiHeadAttention asks the query itself for its mask, whatever query_mask says.
  const carried = named.query === undefined ? masks[0] ?? null : named.query.masks[0] ?? null
  const queryMask = layer.className === 'MultiHeadAttention' ? carried : query.mask
  return { query: q, value: v, key: k, queryMask, valueMask: value.mask, keyMask: key.x === undefined ? null : key.mask }
}

/** x.W + b for every head: `[batch, step, feature]` -> `[batch, head, step, size]`. */
function project<T> ({ ops, weights }: LayerCall<T>, x: T, name: string): T {
  const kernel = weights[`${name}/kernel`]
  const bias = weights[`${name}/bias`]
  const [features, heads, size] = ops.shape(kernel)
  const product = ops.matmul(x, ops.reshape(kernel, [features, heads * size]))
  const sum = bias === undefined ? product : ops.add(product, ops.reshape(bias, [heads * size]))
  return ops.transpose(ops.reshape(sum, [0, 0, heads, size]), [0, 2, 1, 3])
}

/** Which keys each query may hear, `[batch or 1, head or 1, query step, key step]`; null: all. */
function allowed<T> (call: LayerCall<T>, { query, value, queryMask, keyMask, valueMask }: Heard<T>): T | null {
  const { ops, layer, named, values } = call
  const parts: T[] = []
  if (queryMask !== null) parts.push(ops.expandDims(ops.cast(queryMask, 'bool'), 2))
  for (const mask of [valueMask, keyMask]) if (mask !== null) parts.push(ops.expandDims(ops.cast(mask, 'bool'), 1))
  const masked = parts.length > 0
  const [from, to] = [ops.expandDims(ops.range(query, 1), 1), ops.expandDims(ops.range(value, 1), 0)]
  if (values.use_causal_mask === true) parts.push(ops.compare('greaterEqual', from, to))
  const window = layer.config.sliding_window ?? null
  if (window !== null) parts.push(ops.compare('less', ops.unary('abs', ops.sub(from, to)), whole(layer, 'sliding_window')))
  const given = named.attention_mask?.tensors[0]
  if (given !== undefined) {
    if (rank(call, given) > 3 && masked) throw unsupported(layer, 'an attention_mask of 4 axes beside masked inputs is not computed')
    parts.push(ops.cast(given, 'bool'))
  }
  if (parts.length === 0) return null
  let mask = parts.reduce((a, b) => ops.and(a, b))
  // Keras puts the missing axes before the last two, after the batch.
  while (rank(call, mask) < 3) mask = ops.expandDims(mask, 0)
  return rank(call, mask) === 3 ? ops.expandDims(mask, 1) : mask
}

/**
 * The softmax of the scores over the keys allowed. A query that may hear none hears all alike; through Keras 3's Softmax layer (with
 * dropout, or where scores are returned) it hears nothing.
 */
function weigh<T> ({ ops, keras, layer, values }: LayerCall<T>, scores: T, mask: T | null): T {
  if (mask === null) return ops.softmax(scores, -1)
  const weights = ops.softmax(ops.where(mask, scores, keras === 3 ? -1e9 : farBelow(ops, scores)), -1)
  const silent = keras === 3 && (number(layer, 'dropout') > 0 || values.return_attention_scores === true)
  return silent ? ops.where(mask, weights, 0) : weights
}

/** Heads of `[batch, head, query step, size]` back to features, `[batch, query step, ...output_shape]`. */
function gathered<T> ({ ops, weights }: LayerCall<T>, heads: T): T {
  const kernel = weights['attention_output/kernel']
  const bias = weights['attention_output/bias']
  const [count, size, ...out] = ops.shape(kernel)
  const side = ops.reshape(ops.transpose(heads, [0, 2, 1, 3]), [0, 0, count * size])
  const product = ops.reshape(ops.matmul(side, ops.reshape(kernel, [count * size, -1])), [0, 0, ...out])
  return bias === undefined ? product : ops.add(product, bias)
}

function over<T> (call: LayerCall<T>, given: Heard<T>, size: number, spread: (ops: Ops<T>, x: T) => T): LayerResult<T> {
  const { ops, values, layer } = call
  if (layer.config.use_gate === true) throw unsupported(layer, 'use_gate is not computed')
  const query = ops.mul(project(call, given.query, 'query'), 1 / Math.sqrt(size))
  const scores = ops.matmul(query, spread(ops, project(call, given.key, 'key')), false, true)
  const weights = weigh(call, scores, allowed(call, given))
  const output = gathered(call, ops.matmul(weights, spread(ops, project(call, given.value, 'value'))))
  return values.return_attention_scores === true
    ? { outputs: [output, weights], masks: [given.queryMask, null] }
    : { outputs: [output], masks: [given.queryMask] }
}

/** Multi-head attention (Vaswani et al. 2017): query `[batch, query step, feature]`, key and value `[batch, key step, feature]`. */
export const multiHeadAttention: LayerFunction = (call) => {
  const { layer, keras } = call
  const axes = layer.config.attention_axes ?? null
  if (axes !== null && wholes(layer, 'attention_axes').join() !== '1') throw unsupported(layer, `attention_axes ${JSON.stringify(axes)} are not computed, only the steps are`)
  const given = heard(call)
  const attended = over(call, given, whole(layer, 'key_dim'), (_, x) => x)
  // Keras 3 takes the masks off the tensors themselves, so that layers after it which ask them find none.
  return keras === 3 ? { ...attended, unmasked: [given.query, given.value, given.key] } : attended
}

/** Attention in which several query heads share a key and value head (Ainslie et al. 2023; Keras 3). */
export const groupedQueryAttention: LayerFunction = (call) => {
  const { layer } = call
  const repeats = whole(layer, 'num_query_heads') / whole(layer, 'num_key_value_heads')
  return over(call, heard(call), whole(layer, 'head_dim'), (ops, x) => ops.repeat(x, 1, repeats))
}
