import type { Ops, Unary } from '../ops.ts'
import type { Builder, Value } from './builder.ts'

/** Shape of a broadcast; a free size wins over 1, a known one over a free one. */
export function broadcast (a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, n) => {
    const [x, y] = [a[n - rank + a.length] ?? 1, b[n - rank + b.length] ?? 1]
    return x === 1 ? y : y === 1 ? x : Math.max(x, y)
  })
}

type Elementwise = Pick<Ops<Value>, 'cast' | 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'minimum' | 'maximum' | 'unary' | 'compare' | 'and' | 'or' | 'not' | 'where'>

const codes = { float: 1, int64: 7, bool: 9 } as const

/** A value as another type, by ONNX's Cast; itself where it is that already. */
export function castTo (b: Builder, x: Value, type: Value['type']): Value {
  return x.type === type ? x : b.node('Cast', [x], type, x.shape, { to: codes[type] })
}

export function elementwise (b: Builder): Elementwise {
  const float = (x: Value | number): Value => typeof x === 'number' ? b.scalar(x) : castTo(b, x, 'float')
  const binary = (op: string, type: Value['type'] = 'float') => (x: Value | number, y: Value | number): Value => {
    const [left, right] = [float(x), float(y)]
    return b.node(op, [left, right], type, broadcast(left.shape, right.shape))
  }
  const logical = (op: string) => (x: Value, y: Value): Value => b.node(op, [x, y], 'bool', broadcast(x.shape, y.shape))
  const one = (op: string) => (x: Value): Value => b.node(op, [x], 'float', x.shape)
  const ops = { add: binary('Add'), sub: binary('Sub'), mul: binary('Mul'), div: binary('Div'), minimum: binary('Min'), maximum: binary('Max') }
  const equal = binary('Equal', 'bool')
  const not = (x: Value): Value => b.node('Not', [x], 'bool', x.shape)
  const where = (mask: Value, yes: Value | number, no: Value | number): Value => {
    const masks = typeof yes !== 'number' && typeof no !== 'number' && yes.type === 'bool' && no.type === 'bool'
    const [left, right] = [float(yes), float(no)]
    const chosen = b.node('Where', [mask, left, right], 'float', broadcast(mask.shape, broadcast(left.shape, right.shape)))
    // Onnxruntime chooses among numbers only.
    return masks ? castTo(b, chosen, 'bool') : chosen
  }
  // ONNX has neither log1p nor expm1. Kahan's forms keep what 1 + x rounds away: log1p(x) = x * log(u) / (u - 1) with u = 1 + x.
  const log1p = (x: Value): Value => {
    const u = ops.add(x, 1)
    const scaled = ops.div(ops.mul(x, one('Log')(u)), ops.sub(u, 1))
    return where(equal(u, 1), x, where(equal(u, Infinity), u, scaled))
  }
  const expm1 = (x: Value): Value => {
    const u = one('Exp')(x)
    const less = ops.sub(u, 1)
    const close = ops.div(ops.mul(less, x), one('Log')(u))
    const far = b.node('Greater', [one('Abs')(x), b.scalar(0.5)], 'bool', x.shape)
    return where(equal(u, 1), x, where(far, less, close))
  }
  const unaries: Record<Unary, (x: Value) => Value> = {
    neg: one('Neg'),
    abs: one('Abs'),
    square: (x) => ops.mul(x, x),
    sqrt: one('Sqrt'),
    rsqrt: (x) => ops.div(1, one('Sqrt')(x)),
    exp: one('Exp'),
    log: one('Log'),
    log1p,
    expm1,
    tanh: one('Tanh'),
    sigmoid: one('Sigmoid'),
    relu: one('Relu'),
    erf: one('Erf'),
    floor: one('Floor'),
    sign: one('Sign'),
    // log(1 + e^x) = max(x, 0) + log1p(e^-|x|), which cannot overflow.
    softplus: (x) => ops.add(one('Relu')(x), log1p(one('Exp')(one('Neg')(one('Abs')(x)))))
  }
  const comparisons: Record<Parameters<Ops<Value>['compare']>[0], (x: Value | number, y: Value | number) => Value> = {
    equal,
    notEqual: (x, y) => not(equal(x, y)),
    less: binary('Less', 'bool'),
    lessEqual: binary('LessOrEqual', 'bool'),
    greater: binary('Greater', 'bool'),
    greaterEqual: binary('GreaterOrEqual', 'bool')
  }
  return {
    cast: (x, to) => {
      if (to === 'float') return castTo(b, x, 'float')
      if (to === 'bool') return x.type === 'bool' ? x : comparisons.notEqual(x, 0)
      // Towards zero, as every engine's cast to whole numbers; kept as floats, which hold every index there is.
      const value = float(x)
      return ops.mul(unaries.sign(value), unaries.floor(unaries.abs(value)))
    },
    ...ops,
    pow: binary('Pow'),
    unary: (name, x) => unaries[name](float(x)),
    compare: (name, x, y) => comparisons[name](x, y),
    and: logical('And'),
    or: logical('Or'),
    not,
    where
  }
}
