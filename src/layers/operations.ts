import type { Ops, Unary } from '../ops/ops.ts'
import { activation } from '../ops/activations.ts'
import { softmaxOver } from './activations.ts'
import { unsupported, whole, wholes } from './config.ts'
import type { LayerCall, LayerFunction, LayerResult } from './layer.ts'
import { rank, result } from './result.ts'

/**
 * Keras 3 writes the operations between layers as nodes of their own: those that compute masks (every functional model with a mask holds
 * some), and those of a user's arithmetic (`x * w`, `x[:, -1]`, `keras.ops.sum`). They carry no mask on.
 */

/** The operands in their order: tensors, and the numbers given in their place. */
function operands<T> (call: LayerCall<T>, count: number): readonly (T | number)[] {
  const { inputs, values, named, layer } = call
  const tensors = [...inputs]
  const refuse = (): never => { throw unsupported(layer, 'its operands are not all tensors and numbers given by place') }
  const all = Array.from({ length: count }, (_, place) => {
    const given = values[place]
    if (given === undefined) return tensors.shift() ?? refuse()
    return typeof given === 'number' || typeof given === 'boolean' ? Number(given) : refuse()
  })
  return tensors.length > 0 || Object.keys(named).length > 0 ? refuse() : all
}

const binary = (apply: <T>(ops: Ops<T>, a: T | number, b: T | number) => T): LayerFunction => (call) => {
  const [a, b] = operands(call, 2)
  return result(apply(call.ops, a, b), null)
}

const logical = (apply: <T>(ops: Ops<T>, a: T, b: T) => T): LayerFunction => ({ ops, inputs: [a, b] }) => result(apply(ops, ops.cast(a, 'bool'), ops.cast(b, 'bool')), null)

const comparison = (name: Parameters<Ops<unknown>['compare']>[0]): LayerFunction => binary((ops, a, b) => ops.compare(name, rounded(a), rounded(b)))

/** A number as the float32 that it is compared as. */
const rounded = <T>(x: T | number): T | number => typeof x === 'number' ? Math.fround(x) : x

const unary = (name: Unary): LayerFunction => ({ ops, inputs: [x] }) => result(ops.unary(name, x), null)

/** An activation by its function's name. */
const activated = (name: string): LayerFunction => ({ ops, keras, inputs: [x] }) => result(activation(ops, name, keras)(x), null)

const reduction = (name: Parameters<Ops<unknown>['reduce']>[0]): LayerFunction => ({ ops, layer, inputs: [x] }) => {
  const given = name === 'any' || name === 'all' ? ops.cast(x, 'bool') : x
  return result(ops.reduce(name, given, (layer.config.axis ?? null) === null ? undefined : wholes(layer, 'axis'), layer.config.keepdims === true), null)
}

/** The input filled with 0 or 1, as booleans where the operation says so. */
const like = (value: 0 | 1): LayerFunction => ({ ops, layer, inputs: [x] }) => {
  const filled = ops.fill(x, value)
  return result(layer.config.dtype === 'bool' ? ops.cast(filled, 'bool') : filled, null)
}

const where: LayerFunction = (call) => {
  const [mask, yes, no] = operands(call, 3)
  if (typeof mask === 'number') throw unsupported(call.layer, 'its condition is not a tensor')
  return result(call.ops.where(call.ops.cast(mask, 'bool'), yes, no), null)
}

const cast: LayerFunction = ({ ops, layer, inputs: [x] }) => {
  const kinds: Readonly<Record<string, 'float' | 'int' | 'bool'>> = { float32: 'float', int32: 'int', int64: 'int', bool: 'bool' }
  const kind = kinds[String(layer.config.dtype)]
  if (kind === undefined) throw unsupported(layer, `a cast to ${JSON.stringify(layer.config.dtype)} is not computed`)
  return result(ops.cast(x, kind), null)
}

const reshaped: LayerFunction = ({ ops, layer, inputs: [x] }) => {
  const [batch, ...rest] = wholes(layer, 'newshape')
  if (batch !== -1 || rest.includes(-1)) throw unsupported(layer, 'only a new shape with a free batch, (-1, ...), is computed')
  return result(ops.reshape(x, [-1, ...rest]), null)
}

const transposed: LayerFunction = (call) => {
  const { ops, layer, inputs: [x] } = call
  const order = (layer.config.axes ?? null) === null ? Array.from({ length: rank(call, x) }, (_, n) => rank(call, x) - 1 - n) : wholes(layer, 'axes')
  return result(ops.transpose(x, order), null)
}

/** Limits of the config, or given by place. */
const clip: LayerFunction = ({ ops, layer, inputs: [x] }) => {
  const { x_min: low, x_max: high } = layer.config
  if (typeof low !== 'number' || typeof high !== 'number') throw unsupported(layer, 'its limits are not numbers')
  return result(ops.minimum(ops.maximum(x, low), high), null)
}

interface Slice { readonly class_name: '__slice__', readonly config: { readonly start: number | null, readonly stop: number | null, readonly step: number | null } }

const isKind = (item: unknown, kind: string): boolean => typeof item === 'object' && item !== null && 'class_name' in item && item.class_name === kind

/** `x[:, -1]` and the like: whole numbers, slices of step 1, an ellipsis and new axes; the batch stays whole. */
const getItem: LayerFunction = (call) => {
  const { ops, layer, values, inputs: [x] } = call
  const key = Array.isArray(values[1]) ? values[1] : [values[1]]
  const taken = key.filter((item) => item !== null && !isKind(item, '__ellipsis__')).length
  let output = x
  let axis = 0
  for (const item of key) {
    if (isKind(item, '__ellipsis__')) {
      axis += rank(call, x) - taken
    } else if (item === null) {
      output = ops.expandDims(output, axis++)
    } else if (Number.isSafeInteger(item) && axis > 0) {
      output = ops.squeeze(ops.slice(output, axis, item, item === -1 ? undefined : item + 1), axis)
    } else if (isKind(item, '__slice__')) {
      const { start, stop, step } = (item as Slice).config
      if ((step ?? 1) !== 1) throw unsupported(layer, `a slice of step ${step} is not computed`)
      if (axis === 0 && (start ?? stop) !== null) throw unsupported(layer, 'a slice of the batch is not computed')
      if (start !== null || stop !== null) output = ops.slice(output, axis, start ?? 0, stop ?? undefined)
      axis++
    } else {
      throw unsupported(layer, `an index ${JSON.stringify(item)} on axis ${axis} is not computed`)
    }
  }
  return result(output, null)
}

const one = (apply: <T>(call: LayerCall<T>, x: T) => T): LayerFunction => <T>(call: LayerCall<T>): LayerResult<T> => result(apply(call, call.inputs[0]), null)

/** By Keras' class; in a graph their class is `ops.` and this name. */
export const operations: Readonly<Record<string, LayerFunction>> = {
  NotEqual: comparison('notEqual'),
  Equal: comparison('equal'),
  Less: comparison('less'),
  LessEqual: comparison('lessEqual'),
  Greater: comparison('greater'),
  GreaterEqual: comparison('greaterEqual'),
  LogicalAnd: logical((ops, a, b) => ops.and(a, b)),
  LogicalOr: logical((ops, a, b) => ops.or(a, b)),
  LogicalNot: one(({ ops }, x) => ops.not(ops.cast(x, 'bool'))),
  Any: reduction('any'),
  All: reduction('all'),
  ZerosLike: like(0),
  OnesLike: like(1),
  Where: where,
  Cast: cast,
  ConvertToTensor: one((_, x) => x),
  /** Not of Keras: a tensor with the mask that a nested model was given for it by name. */
  WithMask: ({ ops, inputs: [x, mask] }) => result(x, ops.cast(mask, 'bool')),

  Add: binary((ops, a, b) => ops.add(a, b)),
  Subtract: binary((ops, a, b) => ops.sub(a, b)),
  Multiply: binary((ops, a, b) => ops.mul(a, b)),
  Divide: binary((ops, a, b) => ops.div(a, b)),
  TrueDivide: binary((ops, a, b) => ops.div(a, b)),
  Power: binary((ops, a, b) => ops.pow(a, b)),
  Minimum: binary((ops, a, b) => ops.minimum(a, b)),
  Maximum: binary((ops, a, b) => ops.maximum(a, b)),
  Matmul: ({ ops, inputs: [a, b] }) => result(ops.matmul(a, b), null),

  Negative: unary('neg'),
  Absolute: unary('abs'),
  Square: unary('square'),
  Sqrt: unary('sqrt'),
  Exp: unary('exp'),
  Log: unary('log'),
  Tanh: unary('tanh'),
  Sigmoid: unary('sigmoid'),
  Relu: unary('relu'),
  Softplus: unary('softplus'),
  Silu: activated('silu'),
  Clip: clip,
  Softmax: one(({ ops, layer }, x) => softmaxOver(ops, x, wholes(layer, 'axis'))),

  Sum: reduction('sum'),
  Mean: reduction('mean'),
  Max: reduction('max'),
  Min: reduction('min'),
  Prod: reduction('prod'),

  ExpandDims: one(({ ops, layer }, x) => ops.expandDims(x, whole(layer, 'axis'))),
  Squeeze: one(({ ops, layer }, x) => ops.squeeze(x, whole(layer, 'axis'))),
  Flip: one(({ ops, layer }, x) => ops.reverse(x, whole(layer, 'axis'))),
  Repeat: one(({ ops, layer }, x) => ops.repeat(x, whole(layer, 'axis'), whole(layer, 'repeats'))),
  Concatenate: ({ ops, layer, inputs }) => result(ops.concat(inputs, whole(layer, 'axis')), null),
  Stack: ({ ops, layer, inputs }) => result(ops.concat(inputs.map((x) => ops.expandDims(x, whole(layer, 'axis'))), whole(layer, 'axis')), null),
  Reshape: reshaped,
  Transpose: transposed,
  GetItem: getItem
}
