import type { Ops } from '../ops.ts'
import { axesOf, axisOf, broadcastShape, reshaped, sizeOf } from '../shape.ts'
import type { Loop, Node, Pointwise, Product, Reduction } from './nodes.ts'
import { alike, broadcast, numbersOf, packed, packedStrides, seen, sliced, typed, Unsupported, whole, type Store, type View } from './view.ts'

const unsupported = (what: string) => (): never => { throw new Unsupported(`the native engine has no ${what}`) }

/**
 * The op contract as a writer of programs for sizes that are all known: every call adds to `nodes`. The same layers and cells that run eagerly are
 * compiled by running them once on this. Throws `Unsupported` for what a program has no instruction for.
 */
export function nativeOps (nodes: Node[]): Ops<View> {
  /** The loop whose body is written, and where nodes go. */
  let loop: { readonly batch: number, readonly self: object } | null = null
  let open = nodes
  const numbers = new Map<string, View>()
  /** What loops write again at every step. */
  const states = new Set<Store>()

  const fresh = (shape: readonly number[], type: View['type'] = 'float'): View => {
    if (loop !== null && shape[0] !== loop.batch) throw new Unsupported('a loop makes something that has no row a sequence')
    return whole({ size: sizeOf(shape), parted: false, ...(loop === null ? {} : { loop: loop.self }) }, shape, type)
  }
  const constant = (data: Float32Array, shape: readonly number[]): View => whole({ size: data.length, constant: data, parted: false }, shape)
  const scalar = (value: number): View => {
    // As text: to a map -0 and 0 are one key.
    const key = Object.is(value, -0) ? '-0' : String(value)
    const known = numbers.get(key) ?? constant(Float32Array.of(value), [])
    numbers.set(key, known)
    return known
  }
  const add = (node: Node): void => { open.push(node) }
  const each = (op: Pointwise, operands: readonly (View | number)[], type: View['type'] = 'float'): View => {
    const views = operands.map((operand) => typeof operand === 'number' ? scalar(operand) : operand)
    const shape = broadcastShape(...views.map(({ shape }) => shape))
    if (op === 'add') {
      const sum = plus(views[0], views[1], shape) ?? plus(views[1], views[0], shape)
      if (sum !== null) return sum
    }
    const to = fresh(shape, type)
    add({ kind: 'pointwise', op, to, from: views.map((view) => broadcast(view, shape)) })
    return to
  }
  /** A sum with a product begins from the other number: no step of its own. Where the product is read elsewhere too, it stays as well. */
  const plus = (x: View, other: View, shape: readonly number[]): View | null => {
    if (x.store.parted || shape.length !== x.shape.length) return null
    const made = open.find((node) => node.kind === 'product' && node.to.store === x.store)
    if (made?.kind !== 'product' || made.plus !== null || shape.some((size, n) => size !== x.shape[n])) return null
    const wide = broadcast(other, shape)
    if (wide.strides[shape.length - 1] !== 1 || !lines([made.left, wide, x])) return null
    return product({ ...made, plus: wide }, shape)
  }
  /** A product that is there already is not done again: a check does much of what the answer did. */
  const product = ({ left, right, plus }: Pick<Product, 'left' | 'right' | 'plus'>, shape: readonly number[]): View => {
    const fixed = (x: View): boolean => !states.has(x.store)
    const same = fixed(left) && (plus === null || fixed(plus))
      ? open.find((node) => node.kind === 'product' && alike(node.left, left) && alike(node.right, right) && (plus === null ? node.plus === null : node.plus !== null && alike(node.plus, plus)))
      : undefined
    if (same?.kind === 'product') return same.to
    const to = fresh(shape)
    add({ kind: 'product', to, left, right, plus })
    return to
  }
  const copied = (x: View): View => {
    const to = fresh(x.shape, x.type)
    add({ kind: 'pointwise', op: 'copy', to, from: [x] })
    return to
  }
  const inOrder = (x: View): View => packed(x) ? x : x.store.constant === undefined ? copied(x) : constant(numbersOf(x), x.shape)
  /** In a loop the first axis is the batch's, which threads share out; but of what is the same at every step and for every row. */
  const behindRows = (x: View, axis: number, what: string): number => {
    if (loop !== null && axis === 0 && x.store.constant === undefined) throw new Unsupported(`a loop's ${what} goes across its rows`)
    return axis
  }
  const outside = (what: string): void => { if (loop !== null) throw new Unsupported(`the native engine has no ${what} in a loop`) }

  const transpose = (x: View, order: readonly number[]): View => {
    if (order[0] !== 0) behindRows(x, 0, 'transpose')
    return seen(x, { shape: order.map((axis) => x.shape[axis]), strides: order.map((axis) => x.strides[axis]) })
  }
  const reshape = (x: View, to: readonly number[]): View => {
    const shape = reshaped(x.shape, to)
    if (shape[0] !== loop?.batch) behindRows(x, 0, 'reshape')
    return seen(inOrder(x), { shape, strides: packedStrides(shape) })
  }
  const reduce = (op: Reduction, x: View, axes: readonly number[] | undefined, keepDims: boolean, type: View['type'] = 'float'): View => {
    const gone = [...new Set(axesOf(x.shape.length, axes))].sort((a, b) => a - b)
    if (gone.includes(0)) behindRows(x, 0, 'reduction')
    const stay = x.shape.map((_, n) => n).filter((n) => !gone.includes(n))
    const shape = stay.map((n) => x.shape[n])
    const to = fresh(shape, type)
    add({ kind: 'reduce', op, to, x: transpose(x, [...stay, ...gone]), gone: gone.length })
    if (!keepDims) return to
    const wide = x.shape.map((size, n) => gone.includes(n) ? 1 : size)
    return seen(to, { shape: wide, strides: packedStrides(wide) })
  }
  const concat = (xs: readonly View[], axis: number): View => {
    const place = behindRows(xs.find(({ store }) => store.constant === undefined) ?? xs[0], axisOf(xs[0].shape.length, axis), 'concatenation')
    const shape = xs[0].shape.with(place, xs.reduce((sum, x) => sum + x.shape[place], 0))
    if (xs.some((x) => x.shape.some((size, n) => n !== place && size !== shape[n]))) throw new RangeError('tensors of other sizes do not stand side by side')
    const known = xs.every(({ store }) => store.constant !== undefined)
    const to = known ? constant(new Float32Array(sizeOf(shape)), shape) : fresh(shape, xs.every(({ type }) => type === 'bool') ? 'bool' : 'float')
    let from = 0
    for (const x of xs) {
      const part = { ...to, shape: x.shape, offset: from * to.strides[place] }
      if (known) write(numbersOf(x), part)
      else add({ kind: 'pointwise', op: 'copy', to: part, from: [x] })
      from += x.shape[place]
    }
    if (!known) to.store.parted = true
    return to
  }
  const gather = (x: View, indices: View, axis: number): View => {
    outside('gather')
    const place = axisOf(x.shape.length, axis)
    const [outer, inner] = [x.shape.slice(0, place), x.shape.slice(place + 1)]
    const index = inOrder(indices)
    const to = fresh([...outer, ...indices.shape, ...inner], x.type)
    const flat = lines([x], place) && lines([x], inner.length, place + 1) ? x : inOrder(x)
    add({
      kind: 'gather',
      to,
      x: { ...flat, shape: [sizeOf(outer), x.shape[place], sizeOf(inner)], strides: [strideOf(flat, 0, place), flat.strides[place], strideOf(flat, place + 1, x.shape.length)] },
      index: seen(index, { shape: [sizeOf(indices.shape)], strides: [1] })
    })
    return to
  }
  const expandDims = (x: View, axis: number): View => {
    const place = behindRows(x, axisOf(x.shape.length + 1, axis), 'new axis')
    return seen(x, { shape: x.shape.toSpliced(place, 0, 1), strides: x.strides.toSpliced(place, 0, 0) })
  }

  return {
    constant,
    shape: (x) => x.shape,
    cast: (x, to) => to === 'float' ? typed(x, 'float') : to === 'int' ? each('trunc', [x]) : x.type === 'bool' ? x : each('notEqual', [x, 0], 'bool'),
    add: (a, b) => each('add', [a, b]),
    sub: (a, b) => each('sub', [a, b]),
    mul: (a, b) => each('mul', [a, b]),
    div: (a, b) => each('div', [a, b]),
    pow: (a, b) => each('pow', [a, b]),
    minimum: (a, b) => each('minimum', [a, b]),
    maximum: (a, b) => each('maximum', [a, b]),
    unary: (name, x) => each(name, [x]),
    compare: (name, a, b) => each(name, [a, b], 'bool'),
    and: (a, b) => each('mul', [a, b], 'bool'),
    or: (a, b) => each('maximum', [a, b], 'bool'),
    not: (a) => each('sub', [1, a], 'bool'),
    where: (mask, yes, no) => each('where', [mask, yes, no], typeof yes !== 'number' && typeof no !== 'number' && yes.type === 'bool' && no.type === 'bool' ? 'bool' : 'float'),
    matmul: (a, b, transposeA = false, transposeB = false) => {
      const right = transposeB ? seen(b, { shape: b.shape.toReversed(), strides: b.strides.toReversed() }) : b
      if (right.store.constant === undefined || right.shape.length !== 2 || transposeA) throw new Unsupported('the native engine multiplies by constant matrices alone')
      const inner = a.shape[a.shape.length - 1]
      if (inner !== right.shape[0]) throw new RangeError(`shapes [${a.shape}] and [${right.shape}] do not multiply`)
      const left = (a.strides[a.shape.length - 1] === 1 || inner === 1) && lines([a]) ? a : inOrder(a)
      return product({ left, right, plus: null }, [...a.shape.slice(0, -1), right.shape[1]])
    },
    reduce: (name, x, axes, keepDims = false) => {
      const bool = name === 'any' || name === 'all'
      if (axes?.length === 0) return bool ? x : typed(x, 'float')
      if (name === 'mean') {
        const count = axesOf(x.shape.length, axes).reduce((count, axis) => count * x.shape[axis], 1)
        return each('div', [reduce('sum', x, axes, keepDims), count])
      }
      return reduce(name === 'any' ? 'max' : name === 'all' ? 'min' : name, x, axes, keepDims, bool ? 'bool' : 'float')
    },
    softmax: (x, axis) => {
      const powers = each('exp', [each('sub', [x, reduce('max', x, [axis], true)])])
      return each('div', [powers, reduce('sum', powers, [axis], true)])
    },
    conv: unsupported('convolution'),
    depthwiseConv: unsupported('convolution'),
    pool: unsupported('pooling'),
    reshape,
    splitFirst: (x, like) => reshape(x, [like.shape[0], like.shape[1], ...x.shape.slice(1)]),
    transpose,
    concat,
    slice: (x, axis, from, to) => sliced(x, behindRows(x, axisOf(x.shape.length, axis), 'slice'), from, to),
    gather,
    pad: (x, pairs, value) => {
      const shape = x.shape.map((size, n) => pairs[n][0] + size + pairs[n][1])
      const to = fresh(shape)
      add({ kind: 'pointwise', op: 'copy', to, from: [broadcast(scalar(value), shape)] })
      add({ kind: 'pointwise', op: 'copy', to: seen(to, { shape: x.shape, offset: pairs.reduce((offset, [before], n) => offset + before * to.strides[n], 0) }), from: [x] })
      return to
    },
    reverse: (x, axis) => {
      const place = behindRows(x, axisOf(x.shape.length, axis), 'reversal')
      return x.shape[place] < 2 ? x : seen(x, { strides: x.strides.with(place, -x.strides[place]), offset: x.offset + (x.shape[place] - 1) * x.strides[place] })
    },
    repeat: (x, axis, n) => {
      const place = behindRows(x, axisOf(x.shape.length, axis), 'repetition')
      const side = seen(x, { shape: x.shape.toSpliced(place + 1, 0, n), strides: x.strides.toSpliced(place + 1, 0, 0) })
      return reshape(side, x.shape.with(place, x.shape[place] * n))
    },
    expandDims,
    squeeze: (x, axis) => {
      const place = axisOf(x.shape.length, axis)
      if (x.shape[place] !== 1) throw new RangeError(`axis ${axis} of [${x.shape}] is not single`)
      return seen(x, { shape: x.shape.toSpliced(behindRows(x, place, 'squeeze'), 1), strides: x.strides.toSpliced(place, 1) })
    },
    fill: (x, value) => broadcast(scalar(value), x.shape),
    broadcastLike: (x, like) => broadcast(x, broadcastShape(x.shape, like.shape)),
    range: (x, axis) => {
      const size = x.shape[axisOf(x.shape.length, axis)]
      return constant(Float32Array.from({ length: size }, (_, n) => n), [size])
    },
    scan: (body, sequences, initial, reverse = false) => {
      outside('loop')
      const [steps, batch] = sequences[0].shape
      const self = {}
      // A state that was brought lies elsewhere: the loop has memory of its own for each.
      const kept = initial.map((state) => whole({ size: sizeOf(state.shape), parted: true }, state.shape, state.type))
      for (const [n, state] of initial.entries()) {
        states.add(kept[n].store)
        add({ kind: 'pointwise', op: 'copy', to: kept[n], from: [state] })
      }
      if (initial.some(({ shape }) => shape[0] !== batch)) throw new Unsupported('a state without a row a sequence')
      const inside: Node[] = []
      loop = { batch, self }
      open = inside
      let given: { results: View[], states: View[] }
      try {
        given = body(sequences.map((x) => seen(x, { shape: x.shape.slice(1), strides: x.strides.slice(1), step: x.strides[0] })), [...kept])
      } finally {
        loop = null
        open = nodes
      }
      if (given.states.some(({ store }, n) => kept.some((own, k) => k !== n && own.store === store))) throw new Unsupported('a state that becomes another one')
      // Sequences of the batch one after the other: as answers have them.
      const results = given.results.map((from): Loop['results'][number] => {
        const inner = sizeOf(from.shape.slice(1))
        const store: Store = { size: steps * batch * inner, parted: true }
        return { from, to: { store, type: from.type, shape: [steps, ...from.shape], strides: [inner, steps * inner, ...packedStrides(from.shape.slice(1))], offset: 0, step: 0 } }
      })
      add({ kind: 'scan', steps, batch, reverse, body: inside, states: given.states.map((from, n) => ({ from, to: kept[n] })), results })
      return { results: results.map(({ to }) => to), states: kept }
    }
  }
}

function write (values: Float32Array, to: View): void {
  const places = packedStrides(to.shape)
  for (let n = 0; n < values.length; n++) {
    let at = to.offset
    for (let axis = 0; axis < to.shape.length; axis++) at += (Math.floor(n / places[axis]) % to.shape[axis]) * to.strides[axis]
    to.store.constant![at] = values[n]
  }
}

/** The stride of axes `from` to `to` taken as one; only where they can be. */
function strideOf ({ shape, strides }: View, from: number, to: number): number {
  for (let axis = to - 1; axis >= from; axis--) if (shape[axis] !== 1) return strides[axis]
  return 0
}

/** Can the axes of all views from `from` on, `count` of them (all but the last), be walked with two strides each? */
function lines (views: readonly View[], count?: number, from = 0): boolean {
  const rank = count ?? views[0].shape.length - 1
  let groups = 0
  let last = -1
  for (let axis = from; axis < from + rank; axis++) {
    if (views[0].shape[axis] === 1) continue
    if (last < 0 || views.some(({ shape, strides }) => strides[last] !== strides[axis] * shape[axis])) groups++
    last = axis
  }
  return groups <= (count === undefined ? 2 : 1)
}
