import { Fault } from '../errors.ts'
import type { Ops } from '../ops/ops.ts'
import { parameter, type Blocks, type Expression, type Operation, type Operator } from './expression.ts'
import { refuse } from './refuse.ts'

type Operand = Expression | number

const expressed = (x: Operand): Expression => typeof x === 'number' ? { kind: 'number', value: x } : x

const operation = (operator: Operator, ...operands: readonly Operand[]): Operation => ({ kind: 'operation', operator, operands: operands.map(expressed) })

/** Gates that Keras computes side by side are written one by one. */
function gatewise (operator: Operator, a: Operand, b: Operand): Expression {
  const width = [a, b].find((x): x is Blocks => typeof x === 'object' && x.kind === 'blocks')
  if (width === undefined) return operation(operator, a, b)
  const part = (x: Operand, n: number): Operand => typeof x === 'object' && x.kind === 'blocks' ? x.parts[n] : x
  return { ...width, parts: width.parts.map((_, n) => operation(operator, part(a, n), part(b, n))) }
}

const two = (operator: Operator) => (a: Operand, b: Operand): Expression => gatewise(operator, a, b)

const refused = (what: string): never => refuse(`decode does not write ${what} down`)

/** Ops that no formula of the layers in program.ts asks for. */
function refusals<K extends keyof Ops<Expression>> (...names: readonly K[]): Pick<Ops<Expression>, K> {
  return Object.fromEntries(names.map((name) => [name, () => refused(`the operation ${name}`)])) as unknown as Pick<Ops<Expression>, K>
}

/**
 * The op contract as a writer of formulas: what a cell or a layer computes with these ops is what its program says. Throws `unsupported_layer` for what it
 * has no words for. `rank`: axes of the layer's input, the batch among them.
 */
export function writer (rank: number): Ops<Expression> {
  return {
    ...refusals('constant', 'shape', 'cast', 'gather', 'and', 'or', 'not', 'pow', 'reduce', 'conv', 'depthwiseConv', 'pool', 'reshape', 'splitFirst', 'transpose', 'concat', 'pad', 'reverse',
      'repeat', 'expandDims', 'fill', 'broadcastLike', 'range', 'scan'),
    add: two('add'),
    sub: two('sub'),
    mul: two('mul'),
    div: two('div'),
    minimum: two('minimum'),
    maximum: two('maximum'),
    unary: (name, x) => operation(name, x),
    compare: (name, a, b) => operation(name, a, b),
    where: (mask, yes, no) => operation('where', mask, yes, no),
    matmul: (a, b, transposeA = false, transposeB = false) => transposeA || transposeB ? refused('a transposed product') : gatewise('matmul', a, b),
    softmax: (x, axis) => axis === -1 || axis === rank - 1 ? operation('softmax', x) : refused(`a softmax over axis ${axis}, which is not the last one,`),
    slice: (x, axis, from, to) => {
      if (x.kind === 'rows' && axis === 0) return { kind: 'rows', rows: x.rows.slice(from, to) }
      if (x.kind !== 'blocks' || axis !== -1) return refused('a slice')
      const parts = x.parts.slice(from / x.width, to === undefined ? undefined : to / x.width)
      return parts.length === 1 ? parts[0] : { ...x, parts }
    },
    squeeze: (x) => x.kind === 'rows' && x.rows.length === 1 ? x.rows[0] : refused('a squeeze'),
    named: (name, x, apply) => ({ kind: 'call', name, argument: x, body: bodyOf(name, apply) })
  }
}

function bodyOf (name: string, apply: (x: Expression) => Expression): Expression {
  try {
    return apply(parameter)
  } catch (error) {
    throw error instanceof Fault ? new Fault(error.code, `decode does not write the activation ${name} down`) : error
  }
}
