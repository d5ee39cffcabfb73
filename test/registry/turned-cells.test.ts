import t from 'tap'
import { fromGroups } from '../../src/registry/weights.ts'
import { fromTree, type Tree } from '../../src/registry/tree.ts'
import { Topology } from '../../src/registry/topology.ts'
import type { Origin } from '../../src/registry/spec.ts'

// Bidirectional(RNN(cell)) keeps one cell in its config and has two: each with weights of its own.

const origin: Origin = { keras: 2, version: '2.15.0' }
const cell = { class_name: 'SimpleRNNCell', config: { name: 'cell', units: 1, use_bias: false } }
const stacked = { class_name: 'StackedRNNCells', config: { name: 'stack', cells: [cell] } }

const model = (cell: object): object => ({
  class_name: 'Sequential',
  config: {
    name: 'model',
    layers: [
      { class_name: 'InputLayer', config: { name: 'x', batch_input_shape: [null, 3, 1], dtype: 'float32' } },
      { class_name: 'Bidirectional', config: { name: 'bi', layer: { class_name: 'RNN', config: { name: 'rnn', cell } }, merge_mode: 'concat' } }
    ]
  }
})

const stored = (name: string, value: number) => ({ name, shape: [1, 1], read: () => Float32Array.of(value) })
const arrays = (from: number) => [stored('kernel:0', from), stored('recurrent_kernel:0', from + 1)]
const tree = (name: string, groups: Record<string, Tree>, arrays: Tree['arrays'] = []): Tree => ({ name, arrays, groups: new Map(Object.entries(groups)) })
const filed = (from: number, inStack: boolean): Tree => {
  const own = tree(inStack ? 'simple_rnn_cell' : 'cell', {}, arrays(from))
  return tree('layer', { cell: inStack ? tree('cell', { cells: tree('cells', { simple_rnn_cell: own }) }) : own })
}

for (const [what, inner] of [['a cell', cell], ['stacked cells', stacked]] as const) {
  t.test(`${what} in both directions`, async (t) => {
    const spec = new Topology(origin).model(model(inner))
    const { forward, backward } = spec.layers[1].children
    const files = {
      'legacy .h5': fromGroups(spec, [{ name: 'bi', arrays: [...arrays(1), ...arrays(3)] }], origin),
      '.keras': fromTree(spec, tree('', { layers: tree('layers', { bidirectional: tree('bidirectional', { forward_layer: filed(1, inner === stacked), backward_layer: filed(3, inner === stacked) }) }) }), origin)
    }
    for (const [format, { found }] of Object.entries(files)) {
      const values = [forward, backward].map((layer) => {
        const own = inner === stacked ? layer.children.cell.children[0] : layer.children.cell
        return Object.values(found.get(own) ?? {}).flatMap(({ data }) => [...data])
      })
      t.same(values, [[1, 2], [3, 4]], format)
    }
  })
}
