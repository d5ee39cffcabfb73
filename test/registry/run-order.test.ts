import t from 'tap'
import type { Argument, Graph, Node } from '../../src/model.ts'
import { inRunOrder } from '../../src/registry/run-order.ts'

const ref = (node: number): Argument => ({ ref: { node, index: 0 } })
const node = (key: string, args: readonly Argument[], kwargs: Node['kwargs'] = {}, layer = key): Node => ({ key, layer, args, kwargs })

function graph (nodes: readonly Node[], outputs: readonly number[]): Graph {
  return {
    nodes,
    layers: {},
    inputs: [{ name: 'x', node: 0, shape: [null], dtype: 'float32' }],
    outputs: outputs.map((place) => ({ name: nodes[place].key, ref: { node: place, index: 0 } }))
  }
}

const order = ({ nodes }: Graph): string[] => nodes.map(({ key }) => key)

t.test('nodes of one depth run from the last output to the first', async (t) => {
  const ordered = inRunOrder(graph([node('x', []), node('a', [ref(0)]), node('b', [ref(0)]), node('c', [ref(0)])], [1, 2, 3]))
  t.same(order(ordered), ['x', 'c', 'b', 'a'])
  t.same(ordered.outputs.map(({ name, ref }) => [name, ordered.nodes[ref.node].key]), [['a', 'a'], ['b', 'b'], ['c', 'c']])
  t.same(ordered.nodes.slice(1).map(({ args }) => args), [[ref(0)], [ref(0)], [ref(0)]])
})

t.test('a node farther from the outputs runs first', async (t) => {
  const ordered = inRunOrder(graph([node('x', []), node('near', [ref(0)]), node('far', [ref(0)]), node('middle', [ref(2)]), node('end', [{ list: [ref(1), ref(3)] }])], [4]))
  t.same(order(ordered), ['x', 'far', 'near', 'middle', 'end'])
  t.same(ordered.nodes[4].args, [{ list: [ref(2), ref(3)] }])
})

t.test('named arguments count, and stay with their names', async (t) => {
  const ordered = inRunOrder(graph([node('x', []), node('mask', [ref(0)]), node('lstm', [ref(0)], { training: { value: false }, mask: ref(1) })], [2]))
  t.same(order(ordered), ['x', 'mask', 'lstm'])
  t.same(ordered.nodes[2].kwargs, { training: { value: false }, mask: ref(1) })
})

t.test('calls of a shared layer run at the depth of the deepest', async (t) => {
  const ordered = inRunOrder(graph([
    node('x', []), node('shared:0', [ref(0)], {}, 'shared'), node('b', [ref(1)]), node('c', [ref(2)]), node('shared:1', [ref(0)], {}, 'shared'), node('end', [{ list: [ref(4), ref(3)] }])
  ], [5]))
  t.same(order(ordered), ['x', 'shared:1', 'shared:0', 'b', 'c', 'end'])
})

t.test('nodes that no output needs come last', async (t) => {
  const ordered = inRunOrder(graph([node('x', []), node('idle', [ref(0)]), node('out', [ref(0)])], [2]))
  t.same(order(ordered), ['x', 'out', 'idle'])
})

t.test('a very long chain', async (t) => {
  const length = 50000
  const ordered = inRunOrder(graph([node('x', []), ...Array.from({ length }, (_, n) => node(`${n}`, [ref(n)]))], [length]))
  t.equal(ordered.nodes.length, length + 1)
  t.equal(ordered.nodes[length].key, `${length - 1}`)
})
