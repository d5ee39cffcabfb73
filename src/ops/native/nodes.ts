import type { View } from './view.ts'

/** The pointwise operations, in the order of their codes in kernels.h. */
export const pointwise = ['copy', 'neg', 'abs', 'square', 'sqrt', 'rsqrt', 'exp', 'log', 'log1p', 'expm1', 'tanh', 'sigmoid', 'relu', 'erf', 'floor', 'sign', 'softplus', 'trunc',
  'add', 'sub', 'mul', 'div', 'pow', 'minimum', 'maximum', 'equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual', 'where'] as const
export type Pointwise = typeof pointwise[number]

/** The reductions, in the order of their codes in kernels.h. */
export const reductions = ['sum', 'prod', 'min', 'max'] as const
export type Reduction = typeof reductions[number]

/** What a program does, one after the other. `to` is always written whole. */
export type Node =
  /** Operands have the shape of `to`. */
  | { readonly kind: 'pointwise', readonly op: Pointwise, readonly to: View, readonly from: readonly View[] }
  | Product
  /** `x` with the axes that stay first, then those that go. */
  | { readonly kind: 'reduce', readonly op: Reduction, readonly to: View, readonly x: View, readonly gone: number }
  /** `to` `[outer, index, inner]` packed; x `[outer, axis, inner]`, index `[index]`. */
  | { readonly kind: 'gather', readonly to: View, readonly x: View, readonly index: View }
  | Loop

/** `to` `[..., column]` = `plus` + `left` `[..., inner]` . `right` `[inner, column]`, a constant. */
export interface Product { readonly kind: 'product', readonly to: View, readonly left: View, readonly right: View, readonly plus: View | null }

export interface Loop {
  readonly kind: 'scan'
  readonly steps: number
  readonly batch: number
  readonly reverse: boolean
  readonly body: Node[]
  /** State after each step: what becomes of `from` is what the next step reads in `to`. */
  readonly states: readonly { readonly to: View, readonly from: View }[]
  /** What stays of every step: `from` goes to its step of `to`. */
  readonly results: readonly { readonly to: View, readonly from: View }[]
}

/** What a node reads; of a loop also what lies in its body. */
export function readBy (node: Node): View[] {
  switch (node.kind) {
    case 'pointwise': return [...node.from]
    case 'product': return node.plus === null ? [node.left, node.right] : [node.left, node.right, node.plus]
    case 'reduce': return [node.x]
    case 'gather': return [node.x, node.index]
    case 'scan': return [...node.body.flatMap(readBy), ...node.states.map(({ from }) => from), ...node.results.map(({ from }) => from)]
  }
}

/** The same node with each view that it reads in another place. */
export function readingFrom (node: Node, at: (view: View) => View): Node {
  switch (node.kind) {
    case 'pointwise': return { ...node, from: node.from.map(at) }
    case 'product': return { ...node, left: at(node.left), plus: node.plus === null ? null : at(node.plus) }
    case 'reduce': return { ...node, x: at(node.x) }
    case 'gather': return { ...node, x: at(node.x), index: at(node.index) }
    case 'scan': return { ...node, body: node.body.map((inner) => readingFrom(inner, at)) }
  }
}
