import { existsSync } from 'node:fs'
import t from 'tap'
import { cellOf } from '../../src/cells/cells.ts'
import { describeWeights, type WeightsChoice } from '../../src/describe/weights.ts'
import type { Layer, ModelFile } from '../../src/model.ts'
import { readModel } from '../../src/registry/read.ts'
import { readCases } from '../support/cases.ts'
import { graphOf, layer, served } from '../request/models.ts'
import { readNpz } from '../trace/readers.ts'
import { bidirectional, dense, gru, lstm, simple, stacked } from './models.ts'

function answer (file: ModelFile, choice: Partial<WeightsChoice> = {}): Record<string, any> {
  const bytes = describeWeights({ id: 'm', version: 1, digest: '', file }, { values: false, layout: 'gates', stats: true, ...choice })
  return JSON.parse(Buffer.from(bytes).toString()) as Record<string, any>
}

const chain = (layers: readonly Layer[], keras: 1 | 2 | 3 = 3): ModelFile =>
  ({ ...served(graphOf({ x: { shape: [null, null, 2] } }, layers.map((one, n) => [one, n === 0 ? 'x' : layers[n - 1].path]))).file, keras })

const statsOf = (one: Layer, keras: 1 | 2 | 3 = 3): any => answer(chain([one], keras)).layers[one.path].stats

/** The same layer with this bias. */
const biased = (one: Layer, ...bias: number[]): Layer =>
  ({ ...one, weights: { ...one.weights, bias: { shape: one.weights.bias.shape, data: Float32Array.from(bias) } } })

/** As close as float64 allows. */
const near = (found: number, expected: number): boolean => Math.abs(found - expected) <= 1e-12 * Math.max(1, Math.abs(expected))
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

t.test('arrays: norm, mean and quantiles', async (t) => {
  const { arrays } = statsOf(lstm('l', 2, 3))
  t.same(Object.keys(arrays), ['W_i', 'U_i', 'b_i', 'W_f', 'U_f', 'b_f', 'W_c', 'U_c', 'b_c', 'W_o', 'U_o', 'b_o'])
  // W_c is 4, 5, 12, 13, 20, 21.
  const { norm, mean, ...rest } = arrays.W_c
  t.ok(near(norm, Math.sqrt(16 + 25 + 144 + 169 + 400 + 441)))
  t.equal(mean, 12.5)
  t.same(rest, { min: 4, q05: 4.25, q25: 6.75, q50: 12.5, q75: 18.25, q95: 20.75, max: 21 })
  const { kernel, bias } = answer(chain([dense('d', 1, 3)])).layers.d.stats.arrays
  t.same(kernel, { norm: Math.sqrt(5), mean: 1, min: 0, q05: 0.1, q25: 0.5, q50: 1, q75: 1.5, q95: 1.9, max: 2 })
  t.same(bias, { norm: 50, mean: 50, min: 50, q05: 50, q25: 50, q50: 50, q75: 50, q95: 50, max: 50 })
})

t.test('an LSTM at rest: the biases alone', async (t) => {
  // i, f, c, o of four units each.
  const i = [-3, -2, 0, 3]
  const f = [1, 0, 40, -800]
  const c = [-2, 0, 1, 2]
  const o = [0, 0, 0, 2.2]
  const { gates, thresholds, halfLife } = statsOf(biased(lstm('l', 4, 1), ...i, ...f, ...c, ...o))
  t.same(thresholds, { low: 0.1, high: 0.9 })
  t.same(gates.input.saturated, { low: 0.25, high: 0.25 }, 'sigmoid(-3) and sigmoid(3) are, sigmoid(-2) is not')
  t.same(gates.output.saturated, { low: 0, high: 0.25 }, 'sigmoid(2.2) is 0.9002')
  t.same(gates.candidate.saturated, { low: 0.25, high: 0.25 }, 'tanh(2) is 0.96, in the upper tenth of -1 to 1, which begins at 0.8; tanh(1) is 0.76')
  t.ok(near(gates.input.atRest.max, sigmoid(3)) && near(gates.input.atRest.min, sigmoid(-3)) && near(gates.input.atRest.mean, (sigmoid(-2) + sigmoid(0) + 1) / 4))
  t.equal(halfLife.gate, 'forget')
  const [first, second, forever, none] = halfLife.steps
  t.ok(near(first, Math.log(0.5) / Math.log(sigmoid(1))) && Math.abs(first - 2.2127) < 1e-4)
  t.equal(second, 1, 'sigmoid(0) leaves half at each step')
  t.same([forever, none, halfLife.max, halfLife.min], [null, 0, null, 0], 'sigmoid(40) is 1 in float64: null; sigmoid(-800) is 0')
})

t.test('half-lives where f leaves (0, 1)', async (t) => {
  const linear = lstm('l', 4, 1, { recurrent_activation: 'linear' })
  const bias = [0, 0, 0, 0, 1, 1.5, 0, -0.5, 0, 0, 0, 0, 0, 0, 0, 0]
  const { gates, halfLife } = statsOf(biased(linear, ...bias))
  t.same(halfLife.steps, [null, null, 0, 0])
  t.equal(gates.forget.saturated, null, 'a linear gate has no end')
  t.ok(gates.candidate.saturated !== null)
  const hard = biased(lstm('l', 1, 1, { recurrent_activation: 'hard_sigmoid' }), 0, 1, 0, 3)
  const life = (keras: 2 | 3): number => statsOf(hard, keras).halfLife.steps[0]
  t.ok(near(life(2), Math.log(0.5) / Math.log(0.2 * Math.fround(1) + 0.5)), 'the file\'s own hard_sigmoid')
  t.ok(near(life(3), Math.log(0.5) / Math.log(4 / 6)))
  t.same([statsOf(hard, 2).gates.output.saturated, statsOf(hard, 3).gates.output.saturated], [{ low: 0, high: 1 }, { low: 0, high: 1 }])
  t.same(statsOf(lstm('l', 1, 1, { use_bias: false })).halfLife.steps, [1])
})

t.test('GRU, SimpleRNN, and layers in layers', async (t) => {
  // Blocks z, r, h; the second row is the recurrent bias.
  const after = biased({ ...gru('g', 1, 1, true), config: { ...gru('g', 1, 1, true).config, recurrent_activation: 'sigmoid' } }, 1, 0, 0.5, 1, 0, 2)
  const { gates, halfLife } = statsOf(after)
  t.equal(halfLife.gate, 'update')
  t.ok(near(halfLife.steps[0], Math.log(0.5) / Math.log(sigmoid(2))))
  t.ok(near(gates.candidate.atRest.mean, Math.tanh(0.5 + 0.5 * 2)), 'b + r * rb')
  const before = biased({ ...gru('g', 1, 1, false), config: { ...gru('g', 1, 1, false).config, recurrent_activation: 'sigmoid' } }, 1, 0, 0.5)
  t.ok(near(statsOf(before).gates.candidate.atRest.mean, Math.tanh(0.5)))
  const rnn = statsOf(simple('s', 2, 1))
  t.same([Object.keys(rnn), Object.keys(rnn.gates)], [['arrays', 'gates', 'thresholds'], ['candidate']], 'nothing of it is kept: no half-life')
  const { bi, rnn: cells } = answer(chain([bidirectional('bi'), stacked('rnn')])).layers
  t.ok(bi.forward.stats.halfLife.steps.length === 1 && bi.backward.stats.arrays.rb_h.norm === 205)
  t.ok(cells.cells[0].stats.halfLife.gate === 'forget' && cells.cells[1].stats.halfLife === undefined)
})

t.test('every recurrent layer of the goldens: at rest is what its activations give for its biases', async (t) => {
  const { tanh } = Math
  const functions: Record<string, (x: number) => number> = { sigmoid, tanh, linear: (x) => x }
  let count = 0
  for (const { id } of readCases('test/goldens/cases')) {
    if (!/^(act|cell|cells|convlstm1d|convlstm2d|lstm|rnn)-/.test(id)) continue
    const main = ['keras', 'h5'].map((format) => `test/goldens/models/${id}.${format}`).find((path) => existsSync(path))
    if (main === undefined) continue
    const file = await readModel({ main, weights: null })
    const { layers } = answer(file)
    for (const [path, { stats, units }] of Object.entries(layers) as [string, any][]) {
      const { config, weights, className } = file.graph.layers[path]
      if (cellOf(file.graph.layers[path]) === undefined || className.startsWith('GRU')) continue
      for (const [n, { gate }] of cellOf(file.graph.layers[path])!.gates.entries()) {
        const f = functions[String(gate === 'candidate' ? config.activation : config.recurrent_activation)]
        if (f === undefined) continue
        const bias = [...(weights.bias?.data ?? new Float32Array(99)).slice(n * units, (n + 1) * units)].map(f)
        if (!near(stats.gates[gate].atRest.mean, bias.reduce((a, b) => a + b) / units) || !near(stats.gates[gate].atRest.max, Math.max(...bias))) t.fail(`${id} ${path} ${gate}`)
        count++
      }
    }
  }
  t.ok(count > 200, `${count} gates`)
})

t.test('numbers that are not finite, arrays alone, lists', async (t) => {
  const broken = layer('d', 'Dense', { units: 1 }, { weights: { kernel: { shape: [3, 1], data: Float32Array.of(NaN, 0.1, -1) }, bias: { shape: [2], data: Float32Array.of(-Infinity, 1) } } })
  const { arrays } = answer(chain([broken])).layers.d.stats
  t.same(arrays.kernel, { norm: null, mean: null, min: null, q05: null, q25: null, q50: null, q75: null, q95: null, max: null })
  t.same([arrays.bias.min, arrays.bias.max], [null, 1])
  const npz = readNpz(describeWeights({ id: 'm', version: 1, digest: '', file: chain([lstm('l', 1, 1)]) }, { values: true, layout: 'gates', stats: true }, 'npz'))
  t.equal(npz.size, 13, 'the stats are no arrays of their own')
  for (const layout of ['keras', 'keras1'] as const) t.throws(() => answer(chain([lstm('l', 1, 1)]), { layout }), { code: 'invalid_value', message: /^"stats" are given gate by gate/ })
  t.notOk('stats' in answer(chain([lstm('l', 1, 1)]), { stats: false }).layers.l)
})
