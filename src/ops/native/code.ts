import { pointwise, reductions, type Node } from './nodes.ts'
import { sizeOf } from '../shape.ts'
import { Unsupported, type Store, type View } from './view.ts'

/** Where a store lies, and which block is a matrix packed for products. */
export interface Places {
  readonly block: (store: Store) => { readonly block: number, readonly offset: number }
  readonly matrix: (view: View) => number
}

const instructions = { pointwise: 0, product: 1, reduce: 2, gather: 3, scan: 4 } as const
const dims = 4
const reduceDims = 3

/** A program's instructions as program.cc reads them, and where in them blocks are named. */
export function coded (nodes: readonly Node[], places: Places): { code: number[], blockAt: number[] } {
  const code: number[] = []
  const blockAt: number[] = []
  const operand = (view: View, strides: readonly number[]): void => {
    const { store, offset, step } = resolved(view)
    const own = places.block(store)
    blockAt.push(code.length)
    code.push(own.block, own.offset + offset, step, ...strides)
  }
  /** Writes an instruction with its length. */
  const instruction = (kind: keyof typeof instructions, write: () => void): void => {
    const start = code.length
    code.push(instructions[kind], 0)
    write()
    code[start + 1] = code.length - start
  }
  const copy = (from: View, to: View, rows: boolean): void => emit({ kind: 'pointwise', op: 'copy', to, from: [from] }, rows)
  /** `rows`: inside of a loop, where the first axis stays by itself. */
  const emit = (node: Node, rows: boolean): void => instruction(node.kind, () => {
    switch (node.kind) {
      case 'pointwise': {
        const views = [node.to, ...node.from].map(resolved)
        const { shape, strides } = merged(views, dims, rows)
        code.push(pointwise.indexOf(node.op), ...shape)
        for (const [n, view] of views.entries()) operand(view, strides[n])
        break
      }
      case 'product': {
        const { left, right, plus, to } = node
        const views = [left, to, ...(plus === null ? [] : [plus])].map(resolved)
        const heads = views.map((view) => ({ ...view, shape: to.shape.slice(0, -1), strides: view.strides.slice(0, -1) }))
        const { shape, strides } = merged(heads, 2, rows)
        // The longer axis gives the rows of one product; in a loop the batch does.
        const [outer, row] = !rows && shape[0] > shape[1] ? [1, 0] : rows ? [1, 0] : [0, 1]
        blockAt.push(code.length)
        code.push(places.matrix(right), shape[outer], shape[row], right.shape[0], right.shape[1])
        const pair = (n: number): void => operand(views[n], [strides[n][outer], strides[n][row]])
        pair(0)
        if (plus === null) code.push(-1, 0, 0, 0, 0)
        else pair(2)
        pair(1)
        break
      }
      case 'reduce': {
        const { x, to, gone } = node
        const stay = x.shape.length - gone
        const kept = merged([{ ...x, shape: x.shape.slice(0, stay), strides: x.strides.slice(0, stay) }, to].map(resolved), reduceDims, rows)
        const rest = merged([{ ...x, shape: x.shape.slice(stay), strides: x.strides.slice(stay) }], reduceDims, false)
        code.push(reductions.indexOf(node.op), ...kept.shape, ...rest.shape)
        operand(x, [...kept.strides[0], ...rest.strides[0]])
        operand(to, kept.strides[1])
        break
      }
      case 'gather': {
        const { x, index, to } = node
        const [outer, axis, inner] = x.shape
        code.push(outer, sizeOf(index.shape), inner, axis)
        operand(x, x.strides)
        operand(index, index.strides)
        operand(to, [])
        break
      }
      case 'scan': {
        const { steps, reverse, batch, body, results, states } = node
        code.push(steps, reverse ? 1 : 0, batch)
        for (const inner of body) emit(inner, true)
        for (const { from, to } of results) copy(from, { ...to, shape: from.shape, strides: to.strides.slice(1), step: to.strides[0] }, true)
        // After the results, which may be what the states were.
        for (const { from, to } of states) copy(from, to, true)
      }
    }
  })
  for (const node of nodes) emit(node, false)
  return { code, blockAt }
}

/** A view of where its store has been placed. Only stores that are read as they were made are. */
const resolved = (view: View): View => view.store.placed === undefined ? view : { ...view.store.placed, type: view.type }

/**
 * Axes of views of one shape as `count` of them, single ones left out, those that can be walked as one joined; ones stand in front of what there is.
 * `rows`: the first axis stays the first.
 */
function merged (views: readonly View[], count: number, rows: boolean): { shape: number[], strides: number[][] } {
  const shape: number[] = []
  const strides: number[][] = views.map(() => [])
  const from = rows ? 1 : 0
  for (let axis = from; axis < views[0].shape.length; axis++) {
    const size = views[0].shape[axis]
    if (size === 1) continue
    const last = shape.length - 1
    const joins = last >= 0 && views.every((view, n) => strides[n][last] === view.strides[axis] * size)
    if (joins) shape[last] *= size
    else shape.push(size)
    for (const [n, view] of views.entries()) {
      if (joins) strides[n][last] = view.strides[axis]
      else strides[n].push(view.strides[axis])
    }
  }
  const room = count - shape.length - from
  if (room < 0) throw new Unsupported('the native engine walks no more axes at once')
  const ahead = <X>(first: X, filler: X, list: readonly X[]): X[] => [...(rows ? [first] : []), ...new Array<X>(room).fill(filler), ...list]
  return { shape: ahead(views[0].shape[0], 1, shape), strides: strides.map((own, n) => ahead(views[n].strides[0], 0, own)) }
}
