import type { Ops } from '../ops/ops.ts'
import { unsupported, whole } from './config.ts'
import type { LayerCall, LayerFunction } from './layer.ts'
import { fromStart, rank, result, those } from './result.ts'

type Binary = <T>(ops: Ops<T>, a: T, b: T) => T

/** An input of a merge as Keras' merge function meets it: axes of size 1 put after the batch where others have more, which takes its mask away. */
interface Member<T> { readonly x: T, readonly mask: T | null }

function members<T> (call: LayerCall<T>): Member<T>[] {
  const { ops, inputs, masks } = call
  const most = Math.max(...inputs.map((x) => rank(call, x)))
  return inputs.map((x, n) => {
    let grown = x
    for (let axes = rank(call, x); axes < most; axes++) grown = ops.expandDims(grown, 1)
    return { x: grown, mask: grown === x ? masks[n] : null }
  })
}

/** Keras 1 and 2: a step is kept where every masked input keeps it. Keras 3: where any input keeps it, and no mask when one input has none. */
function mergedMask<T> ({ ops, keras, masks }: LayerCall<T>): T | null {
  const present = those(masks)
  if (present.length === 0 || (keras === 3 && present.length < masks.length)) return null
  return present.reduce((a, b) => keras === 3 ? ops.or(a, b) : ops.and(a, b))
}

/** Elementwise over all inputs, one after the other, whatever the masks. */
const elementwise = (step: Binary, end?: <T>(ops: Ops<T>, x: T, count: number) => T): LayerFunction => (call) => {
  const { ops } = call
  const merged = members(call).map(({ x }) => x).reduce((a, b) => step(ops, a, b))
  return result(end === undefined ? merged : end(ops, merged, call.inputs.length), mergedMask(call))
}

/** A mask over the features of x. */
function spread<T> (call: LayerCall<T>, { x, mask }: Member<T>): T | null {
  if (mask === null) return null
  if (rank(call, mask) !== rank(call, x) - 1) throw unsupported(call.layer, 'its inputs carry masks of too few axes, which Keras 3 cannot merge')
  return call.ops.expandDims(mask, -1)
}

/** Keras 3's minimum and maximum: a masked place takes the other input's value. */
const extreme = (step: Binary): LayerFunction => (call) => {
  if (call.keras !== 3) return elementwise(step)(call)
  const { ops } = call
  const [first, ...rest] = members(call)
  let output = first.x
  let outputMask = spread(call, first)
  for (const member of rest) {
    const mask = spread(call, member)
    const x = mask === null ? member.x : ops.where(mask, member.x, output)
    if (outputMask !== null) output = ops.where(outputMask, output, x)
    outputMask = mask !== null && outputMask !== null ? ops.or(outputMask, mask) : null
    output = step(ops, output, x)
  }
  return result(output, mergedMask(call))
}

/** Product. Keras 3 counts masked places as 1, and gives 0 where every input is masked. */
export const multiply: LayerFunction = (call) => {
  if (call.keras !== 3) return elementwise((ops, a, b) => ops.mul(a, b))(call)
  const { ops } = call
  const all = members(call)
  const masks = all.map((member) => spread(call, member))
  const product = all.map(({ x }, n) => masks[n] === null ? x : ops.where(masks[n], x, 1)).reduce((a, b) => ops.mul(a, b))
  const kept = masks.includes(null) ? null : those(masks).reduce((a, b) => ops.or(a, b))
  return result(kept === null ? product : ops.where(kept, product, 0), mergedMask(call))
}

export const add = elementwise((ops, a, b) => ops.add(a, b))
export const subtract = elementwise((ops, a, b) => ops.sub(a, b))
export const average = elementwise((ops, a, b) => ops.add(a, b), (ops, sum, count) => ops.div(sum, count))
export const minimum = extreme((ops, a, b) => ops.minimum(a, b))
export const maximum = extreme((ops, a, b) => ops.maximum(a, b))

/** Inputs side by side along `axis`. */
export const concatenate: LayerFunction = (call) => {
  const axis = fromStart(whole(call.layer, 'axis'), rank(call, call.inputs[0]))
  return result(call.ops.concat(call.inputs, axis), concatenatedMask(call, axis))
}

/**
 * Along an axis the masks have: masks side by side, an input without one counting as kept. Else, over the joined features, Keras 2 keeps a
 * step that every masked input keeps, Keras 3 one that any input keeps (all steps, when one input has no mask).
 */
function concatenatedMask<T> (call: LayerCall<T>, axis: number): T | null {
  const { ops, keras, inputs, masks } = call
  const present = those(masks)
  if (present.length === 0) return null
  const axes = rank(call, present[0])
  if (keras === 3 && axes !== rank(call, inputs[0]) - 1) throw unsupported(call.layer, 'its inputs carry masks of too few axes, which Keras 3 cannot join')
  const all = (x: T): T => {
    let slim = x
    for (let n = rank(call, x); n > axes; n--) slim = ops.squeeze(ops.slice(slim, -1, 0, 1), -1)
    return ops.compare('equal', ops.fill(slim, 1), 1)
  }
  if (axis < axes) return ops.concat(inputs.map((x, n) => masks[n] ?? all(x)), axis)
  if (keras === 3) return present.length < masks.length ? all(inputs[0]) : present.reduce((a, b) => ops.or(a, b))
  return present.reduce((a, b) => ops.and(a, b))
}
