import { sizeOf } from '../shape.ts'
import { arrange } from './arena.ts'
import { readBy, readingFrom, type Loop, type Node, type Product } from './nodes.ts'
import { coded, type Places } from './code.ts'
import { layout, packed, Unsupported, whole, type Store, type View } from './view.ts'

/** A program as the addon takes it, see program.h. */
export interface Lowered {
  readonly code: Int32Array
  /** Floats of scratch memory. */
  readonly scratch: number
  /** Blocks 1, 2, ...: arrays, and matrices `[inner, column]` that products read packed. */
  readonly constants: readonly (Float32Array | View)[]
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
}

/** The program that gives `given`, each in order in an output of its own. `inputs`: their sizes in floats. */
export function lower (nodes: readonly Node[], inputs: readonly number[], given: readonly View[]): Lowered {
  const outputs = new Map<Store, number>()
  const sizes: number[] = []
  const copies: Node[] = []
  for (const view of given) {
    const { store } = view
    const own = store.constant === undefined && store.input === undefined && !outputs.has(store) && packed(view) && view.offset === 0 && sizeOf(view.shape) === store.size
    const target = own ? store : { size: sizeOf(view.shape), parted: true }
    if (!own) copies.push({ kind: 'pointwise', op: 'copy', to: whole(target, view.shape), from: [view] })
    outputs.set(target, sizes.length)
    sizes.push(target.size)
  }
  const needed = sunk(live([...nodes, ...copies], new Set(outputs.keys())), outputs)
  const { offsets, size } = arrange(needed, outputs)
  const constants: (Float32Array | View)[] = []
  /** By array, then as it lies or as a packed matrix. */
  const blocks = new Map<Float32Array, Map<string, number>>()
  const block = (array: Float32Array, key: string, value: Float32Array | View): number => {
    const own = blocks.get(array) ?? new Map<string, number>()
    blocks.set(array, own)
    const known = own.get(key)
    if (known !== undefined) return known
    constants.push(value)
    own.set(key, constants.length)
    return constants.length
  }
  // Inputs and outputs stand behind the constants, whose count is known in the end only: written as negative numbers until then.
  const places: Places = {
    block: (store) => {
      if (store.constant !== undefined) return { block: block(store.constant, '', store.constant), offset: 0 }
      if (store.input !== undefined) return { block: -2 - store.input, offset: 0 }
      const output = outputs.get(store)
      return output === undefined ? { block: 0, offset: offsets.get(store)! } : { block: -2 - inputs.length - output, offset: 0 }
    },
    matrix: (view) => block(view.store.constant!, layout(view), view)
  }
  const { code, blockAt } = coded(needed, places)
  for (const at of blockAt) if (code[at] < -1) code[at] = constants.length - 1 - code[at]
  // Instructions hold whole numbers of 32 bits: what lies further would come out as another place.
  if (code.some((number) => number !== (number | 0))) throw new Unsupported('the native engine has no memory of so many floats')
  return { code: Int32Array.from(code), scratch: size, constants, inputs, outputs: sizes }
}

/** The nodes that what is wanted needs, in their order; loops without what nobody reads, what they give placed where it is made. */
function live (nodes: readonly Node[], wanted: Set<Store>): Node[] {
  return nodes.toReversed().flatMap((node): Node[] => {
    if (node.kind !== 'scan') {
      if (!wanted.has(node.to.store)) return []
      for (const { store } of readBy(node)) wanted.add(store)
      return [node]
    }
    const results = node.results.filter(({ to }) => wanted.has(to.store))
    if (results.length === 0 && !node.states.some(({ to }) => wanted.has(to.store))) return []
    // What a state becomes is needed where the state is read, which the body alone shows: as long as that finds more, it is looked through again.
    const inside = new Set(results.map(({ from }) => from.store))
    let body: Node[] = []
    let states: Loop['states'] = []
    for (let before = -1; before !== inside.size;) {
      before = inside.size
      states = node.states.filter(({ to }) => wanted.has(to.store) || inside.has(to.store))
      for (const { from } of states) inside.add(from.store)
      body = live(node.body, inside)
    }
    for (const store of inside) if (store.loop === undefined) wanted.add(store)
    for (const { to } of states) wanted.add(to.store)
    return [{ ...node, ...inPlace(body, results, states), states: states.filter(({ from, to }) => from.store !== to.store) }]
  }).toReversed()
}

/** From so many rows on a product by steps takes no longer than one for all steps. */
const rows = 4

/**
 * What a loop alone reads of a product of all steps is made step by step in the loop: so it stays in the nearest caches, where all of it would go out to memory and come back.
 */
function sunk (nodes: readonly Node[], outputs: ReadonlyMap<Store, number>): Node[] {
  const gone = new Set<Node>()
  const moved = nodes.map((node): Node => {
    if (node.kind !== 'scan' || node.batch < rows) return node
    const { steps, batch, body } = node
    const first: Product[] = []
    const places = new Map<Store, View>()
    for (const product of nodes) {
      if (product.kind !== 'product' || product.to.shape.length !== 3 || product.to.shape[0] !== steps || product.to.shape[1] !== batch || outputs.has(product.to.store)) continue
      const { store, shape: [, , columns] } = product.to
      const others = nodes.some((other) => other !== node && readBy(other).some((view) => view.store === store))
      const views = readBy(node).filter((view) => view.store === store)
      // Whole rows of a step, or some columns of them.
      const plain = views.every(({ shape: [own, width], strides, offset, step }) => step === batch * columns && own === batch && offset >= 0 && offset + width <= columns && strides.join() === `${columns},1`)
      if (others || views.length === 0 || !plain) continue
      const to = whole({ size: batch * columns, parted: true, loop: node }, [batch, columns])
      const atStep = (view: View): View => ({ ...view, shape: view.shape.slice(1), strides: view.strides.slice(1), step: view.strides[0] })
      first.push({ ...product, left: atStep(product.left), plus: product.plus === null ? null : atStep(product.plus), to })
      places.set(store, to)
      gone.add(product)
    }
    if (first.length === 0) return node
    const at = (view: View): View => {
      const to = places.get(view.store)
      return to === undefined ? view : { ...view, store: to.store, step: 0 }
    }
    return {
      ...node,
      body: [...first, ...body.map((inner) => readingFrom(inner, at))],
      states: node.states.map(({ from, to }) => ({ from: at(from), to })),
      results: node.results.map(({ from, to }) => ({ from: at(from), to }))
    }
  })
  return moved.filter((node) => !gone.has(node))
}

/** What the body makes for one result alone lies there from the start; the rest is copied in the end. */
function inPlace (body: readonly Node[], results: Loop['results'], states: Loop['states']): Pick<Loop, 'body' | 'results'> {
  const made = new Set(body.flatMap((node) => node.kind === 'scan' ? [] : [node.to.store]))
  const left = results.filter(({ from, to }) => {
    const { store } = from
    if (!made.has(store) || store.parted || store.placed !== undefined || from.type !== to.type) return true
    store.placed = { ...to, shape: from.shape, strides: to.strides.slice(1), step: to.strides[0] }
    return false
  })
  for (const [n, node] of body.entries()) chosenInPlace(node, body.slice(n + 1), made, [...states, ...left])
  return { body: [...body], results: left }
}

/** Where a result is one of two choices, as at a masked step, the first lies there from the start too, unless somebody reads it afterwards: most of it is chosen. */
function chosenInPlace (node: Node, later: readonly Node[], made: ReadonlySet<Store>, kept: ReadonlyArray<{ readonly from: View }>): void {
  if (node.kind !== 'pointwise' || node.op !== 'where' || node.to.store.placed === undefined) return
  const { store, type, shape, strides } = node.from[1]
  const readLater = later.some((other) => readBy(other).some((view) => view.store === store)) || kept.some(({ from }) => from.store === store)
  const whole = type === node.to.type && shape.join() === node.to.shape.join() && strides.join() === node.to.strides.join()
  if (made.has(store) && !store.parted && store.placed === undefined && whole && !readLater) store.placed = node.to.store.placed
}
