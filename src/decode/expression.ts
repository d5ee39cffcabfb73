import type { Ops, Unary } from '../ops/ops.ts'

/** A formula as a tree: what is left of a computation when it is written down instead of run. A part that is used twice is one object. */
export type Expression = Variable | Constant | Operation | Call | Blocks | Rows

/** An array that the program has under this name. `size`: entries on its last axis, null where only the array itself says. */
export interface Variable { readonly kind: 'variable', readonly name: string, readonly size: number | null }

export interface Constant { readonly kind: 'number', readonly value: number }

export type Comparison = Parameters<Ops<unknown>['compare']>[0]
export type Operator = 'add' | 'sub' | 'mul' | 'div' | 'minimum' | 'maximum' | 'matmul' | 'softmax' | 'where' | Comparison | Unary

export interface Operation { readonly kind: 'operation', readonly operator: Operator, readonly operands: readonly Expression[] }

/** An activation of `argument`, by a name of Keras; `body` is its formula with `parameter` for the argument. */
export interface Call { readonly kind: 'call', readonly name: string, readonly argument: Expression, readonly body: Expression }

/** Arrays of `width` columns side by side on the last axis, as Keras keeps the gates of a cell. */
export interface Blocks { readonly kind: 'blocks', readonly parts: readonly Expression[], readonly width: number }

/** Arrays one below the other, as Keras keeps the two biases of a GRU. */
export interface Rows { readonly kind: 'rows', readonly rows: readonly Expression[] }

/** Stands for the argument in the body of a call. */
export const parameter: Variable = { kind: 'variable', name: 'x', size: null }

export const variable = (name: string, size: number | null): Variable => ({ kind: 'variable', name, size })

/** Does it look at all entries of the last axis at once? Everything else but a product with a matrix goes entry by entry. */
export function isWide (expression: Expression): boolean {
  if (expression.kind === 'call') return isWide(expression.body)
  return expression.kind === 'operation' && (expression.operator === 'softmax' || expression.operands.some(isWide))
}

/** Entries on the last axis of the result; null where only a variable of unknown size says. */
export function sizeOf (expression: Expression): number | null {
  switch (expression.kind) {
    case 'variable': return expression.size
    case 'call': return sizeOf(expression.argument)
    case 'operation': {
      const { operator, operands } = expression
      if (operator === 'matmul') return sizeOf(operands[1])
      return operands.map(sizeOf).find((size) => size !== null) ?? null
    }
    default: return null
  }
}
