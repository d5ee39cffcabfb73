import t from 'tap'
import type { Graph, Layer, Node } from '../../src/model.ts'
import { followedInputs } from '../../src/plan/followed.ts'
import { layer } from '../support/models.ts'

type Wire = readonly [path: string, className: string, config: Record<string, unknown>, reads: readonly string[], children?: Record<string, Layer>]

/** A graph of layers by what they read; a merge is given a list. */
function graphOf (wires: readonly Wire[]): Graph {
  const at = new Map(wires.map(([path], n) => [path, n]))
  const nodes: Node[] = wires.map(([path, , , reads]) => {
    const refs = reads.map((name) => ({ ref: { node: at.get(name.split(':')[0])!, index: Number(name.split(':')[1] ?? 0) } }))
    return { key: path, layer: path, args: refs.length === 0 ? [] : refs.length > 1 ? [{ list: refs }] : refs, kwargs: {} }
  })
  const inputs = wires.flatMap(([name, className], node) => className === 'InputLayer' ? [{ name, node, shape: [null, null, 2], dtype: 'float32' }] : [])
  return { inputs, outputs: [], nodes, layers: Object.fromEntries(wires.map(([path, className, config, , children = {}]) => [path, { ...layer(path, className, config), children }])) }
}

const x: Wire = ['x', 'InputLayer', {}, []]
const y: Wire = ['y', 'InputLayer', {}, []]
const lstm = (name: string, reads: readonly string[], config = {}): Wire => [name, 'LSTM', { units: 2, return_sequences: true, ...config }, reads]
const inner = (name: string, config: object): Layer => layer(name, 'LSTM', { units: 2, ...config })

t.test('inputs are found through layers that leave the steps where they are', async (t) => {
  const cases: [what: string, wires: readonly Wire[], expected: readonly string[]][] = [
    ['straight', [x, lstm('end', ['x'])], ['x']],
    ['read backwards', [x, lstm('end', ['x'], { go_backwards: true })], ['x']],
    ['through another', [x, lstm('one', ['x']), lstm('end', ['one'])], ['x']],
    ['through the last step of another', [x, lstm('one', ['x'], { return_sequences: false }), ['again', 'RepeatVector', { n: 3 }, ['one']], lstm('end', ['again'])], []],
    ['through one that gives its sequence backwards', [x, lstm('one', ['x'], { go_backwards: true }), lstm('end', ['one'])], []],
    ['through a state of another', [x, lstm('one', ['x'], { return_state: true }), lstm('end', ['one:1'])], []],
    ['states of another, beside the sequence', [x, y, lstm('one', ['y'], { return_state: true }), lstm('end', ['x', 'one:1', 'one:2'])], ['x']],
    ['masked, embedded, normalised', [x, ['mask', 'Masking', {}, ['x']], ['ids', 'Embedding', {}, ['mask']], ['norm', 'LayerNormalization', {}, ['ids']], lstm('end', ['norm'])], ['x']],
    ['two inputs side by side', [y, x, ['both', 'Concatenate', { axis: -1 }, ['x', 'y']], lstm('end', ['both'])], ['y', 'x']],
    ['two inputs one after the other', [y, x, ['both', 'Concatenate', { axis: 1 }, ['x', 'y']], lstm('end', ['both'])], []],
    ['a convolution', [x, ['conv', 'Conv1D', {}, ['x']], lstm('end', ['conv'])], []],
    ['turned', [x, ['turn', 'Permute', {}, ['x']], lstm('end', ['turn'])], []],
    ['steps first', [x, lstm('end', ['x'], { time_major: true })], []],
    ['two directions', [x, ['bi', 'Bidirectional', {}, ['x'], { forward: inner('bi/forward', { return_sequences: true }), backward: inner('bi/backward', { return_sequences: true }) }], lstm('end', ['bi'])], ['x']],
    ['two directions, the first turned', [x, ['bi', 'Bidirectional', {}, ['x'], { forward: inner('bi/forward', { return_sequences: true, go_backwards: true }), backward: inner('bi/backward', { return_sequences: true }) }], lstm('end', ['bi'])], []],
    ['one at each outer step', [x, ['end', 'TimeDistributed', {}, ['x'], { layer: inner('end/lstm', {}) }]], ['x']],
    ['a model at each outer step', [x, ['end', 'TimeDistributed', {}, ['x'], { layer: layer('end/model', 'Functional', {}) }]], []]
  ]
  for (const [what, wires, expected] of cases) t.same(followedInputs(graphOf(wires), wires.length - 1), expected, what)
})
