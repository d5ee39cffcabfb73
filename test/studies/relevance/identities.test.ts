import t from 'tap'
import type { ModelFile } from '../../../src/model.ts'
import { decodeRelevance } from '../../../src/request/relevance.ts'
import { findModels } from '../../../src/registry/folders.ts'
import { readModel } from '../../../src/registry/read.ts'
import { gaussLegendre } from '../../../src/studies/relevance/legendre.ts'
import { numbers } from '../../cells/support.ts'
import { readCases } from '../../support/cases.ts'
import { chain, layer, maskedLstm } from '../../support/models.ts'
import { ask, engine, hosted, referee } from './support.ts'

/** Recurrent layers of every kind, with weights of their own each. */
const rnn = (name: string, className: 'LSTM' | 'GRU' | 'SimpleRNN', features: number, units: number, config: Record<string, unknown> = {}): ReturnType<typeof layer> => {
  const gates = { LSTM: 4, GRU: 3, SimpleRNN: 1 }[className]
  return layer(name, className, { units, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, reset_after: false, return_sequences: false, return_state: false, go_backwards: false, ...config },
    { kernel: [features, gates * units], recurrent_kernel: [units, gates * units], bias: [gates * units] })
}
const dense = (inputs: number, units: number, activation: string): ReturnType<typeof layer> => layer('dense', 'Dense', { units, activation, use_bias: true }, { kernel: [inputs, units], bias: [units] })

const files = new Map((await findModels('test/goldens/models')).map((one) => [one.id, one]))
const golden = async (id: string): Promise<ModelFile> => {
  const { main, weights } = files.get(id)!
  return await readModel({ main: main!, weights })
}
const cases = new Map(readCases('test/goldens/cases').map((one) => [one.id, one]))
const inputsOf = (id: string): unknown => {
  const { inputs } = cases.get(id)!
  return Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs
}
const nested = (batch: number, steps: number, features: number, seed: number): number[][][] => {
  const all = numbers(batch * steps * features, seed)
  return Array.from({ length: batch }, (_, b) => Array.from({ length: steps }, (_, s) => Array.from({ length: features }, (_, f) => all[(b * steps + s) * features + f])))
}

interface Tried { readonly file: ModelFile, readonly inputs: unknown, readonly body?: Record<string, unknown>, readonly memory?: boolean, readonly gradients?: boolean, readonly stepwise?: boolean }

const tried: Record<string, () => Promise<Tried>> = {
  'random lstm': async () => ({ file: chain([null, 3], [rnn('one', 'LSTM', 3, 4), dense(4, 3, 'softmax')]), inputs: nested(2, 7, 3, 1), body: { output: 2 } }),
  'its logit': async () => ({ file: chain([null, 3], [rnn('one', 'LSTM', 3, 4), dense(4, 3, 'softmax')]), inputs: nested(2, 7, 3, 1), body: { output: 2, of: 'logit' } }),
  'random stack': async () => ({
    file: chain([null, 2], [rnn('one', 'GRU', 2, 3, { return_sequences: true }), rnn('two', 'LSTM', 3, 3, { return_sequences: true, go_backwards: true }), rnn('last', 'GRU', 3, 2, { reset_after: false }), dense(2, 2, 'tanh')]),
    inputs: nested(2, 5, 2, 5)
  }),
  'random simple': async () => ({ file: chain([null, 2], [rnn('one', 'SimpleRNN', 2, 3), dense(3, 1, 'sigmoid')]), inputs: nested(3, 4, 2, 9), body: { of: 'logit', window: 10 }, memory: false }),
  // A convolution drops the mask, and what Masking gives is zeros all the same.
  'mask lost': async () => ({
    file: chain([null, 2], [
      layer('masking', 'Masking', { mask_value: -1 }),
      layer('conv', 'Conv1D', { filters: 2, kernel_size: [2], strides: [1], padding: 'same', dilation_rate: [1], data_format: 'channels_last', groups: 1, activation: 'linear', use_bias: true }, { kernel: [2, 2, 2], bias: [2] }),
      rnn('one', 'LSTM', 2, 3),
      dense(3, 1, 'linear')
    ]),
    inputs: [[[0.5, 1], [-1, -1], [2, -0.5], [0.25, 1]]],
    body: { baseline: [[1, 0.5], [-1, -1], [0.5, 1], [-0.5, 0.5]] },
    memory: false
  }),
  'gru-last-k3-keras': async () => ({ file: await golden('gru-last-k3-keras'), inputs: inputsOf('gru-last-k3-keras') }),
  'bi-lstm-gru-k3-h5': async () => ({ file: await golden('bi-lstm-gru-k3-h5'), inputs: inputsOf('bi-lstm-gru-k3-h5') }),
  'cells-initial-k2-keras': async () => ({ file: await golden('cells-initial-k2-keras'), inputs: inputsOf('cells-initial-k2-keras') }),
  'state-from-input-k3-keras': async () => ({ file: await golden('state-from-input-k3-keras'), inputs: inputsOf('state-from-input-k3-keras') }),
  'mask-through-k2-h5': async () => ({ file: await golden('mask-through-k2-h5'), inputs: inputsOf('mask-through-k2-h5'), body: { baseline: [0.5, -0.25, 0.75] } }),
  'mask-through-k3-keras, masked': async () => ({ file: await golden('mask-through-k3-keras'), inputs: inputsOf('mask-through-k3-keras'), gradients: false }),
  'bi-merges-masked-k3-keras': async () => ({ file: await golden('bi-merges-masked-k3-keras'), inputs: inputsOf('bi-merges-masked-k3-keras'), body: { baseline: [0.5, -0.25] } }),
  'mask-sequential-lstm-k3-keras, masked': async () => ({ file: await golden('mask-sequential-lstm-k3-keras'), inputs: inputsOf('mask-sequential-lstm-k3-keras'), gradients: false }),
  'mask-sequential-lstm-k3-keras': async () => ({ file: await golden('mask-sequential-lstm-k3-keras'), inputs: inputsOf('mask-sequential-lstm-k3-keras'), body: { baseline: 1 } }),
  'translate-gru-masked-k2-h5': async () => ({ file: await golden('translate-gru-masked-k2-h5'), inputs: inputsOf('translate-gru-masked-k2-h5'), gradients: false, stepwise: false }),
  // Two inputs, each with steps of its own that are masked.
  'mask-merges-k2-keras': async () => ({ file: await golden('mask-merges-k2-keras'), inputs: inputsOf('mask-merges-k2-keras'), body: { baseline: { a: [1, 0.5], b: [-0.5, 1] } }, memory: false })
}

/** Every order in which the players may arrive. */
const orders = (players: readonly number[]): number[][] => players.length === 0 ? [[]] : players.flatMap((player) => orders(players.filter((other) => other !== player)).map((rest) => [player, ...rest]))

/** Those on the reference too: the engines are held against each other elsewhere. */
const both = ['random lstm', 'random stack', 'bi-lstm-gru-k3-h5', 'mask-through-k2-h5']

for (const [name, make] of Object.entries(tried)) {
  for (const compiled of both.includes(name) ? [true, false] : [true]) {
    t.test(`${name}, ${compiled ? 'compiled' : 'op by op'}`, async (t) => {
      const { file, inputs, body = {}, memory = true, gradients = true, stepwise = true } = await make()
      const model = await hosted(file, compiled)
      t.teardown(async () => await model.dispose())
      const methods = ['shapley', 'insertion', 'occlusion', ...(gradients && engine.name === 'tfjs' ? ['integrated-gradients'] : []), ...(memory ? ['memory'] : [])]
      const asked = { inputs, window: 2, ...body, methods }
      const { found, batch, plan, study } = await ask(model, asked)
      const lags = Object.entries<{ count: number }>(found.summary).filter(([, { count }]) => count > 0).map(([lag]) => lag)
      const { name: own } = study.inputs[0]
      const { shape, data } = batch.inputs[own]
      const [size, steps] = shape
      const each = data.length / size / steps
      const absent = study.baseline.values[own].data

      // Which lag each step is, by a rule of its own: what the model masks is none, the last of the others is t-1.
      const isAbsentIn = ({ name, masking }: typeof study.inputs[number], b: number, s: number): boolean => {
        const { data } = batch.inputs[name]
        const each = data.length / size / steps
        return masking !== null && data.subarray((b * steps + s) * each, (b * steps + s + 1) * each).every((x) => x === (masking === 'id 0' ? 0 : masking.value))
      }
      const isAbsent = (b: number, s: number): boolean => study.inputs.every((input) => isAbsentIn(input, b, s))
      const lastOf = (b: number): number => Math.max(...Array.from({ length: steps }, (_, s) => isAbsent(b, s) ? -1 : s))
      const lagOf = (b: number, s: number): string | null => isAbsent(b, s) ? null : lastOf(b) - s < asked.window ? `t-${lastOf(b) - s + 1}` : 'older'

      /** What float64 arithmetic gives for one sequence with these lags there. */
      const known = new Map<string, number>()
      const value = (b: number, there: readonly string[]): number => {
        const key = `${b} ${[...there].sort().join()}`
        const before = known.get(key)
        if (before !== undefined) return before
        const one = Object.fromEntries(Object.entries(batch.inputs).map(([input, { shape, data }]) => [input, { shape: shape.with(0, 1), data: data.slice(b * data.length / size, (b + 1) * data.length / size) }]))
        for (let s = 0; s < steps; s++) {
          const lag = lagOf(b, s)
          if (lag === null || there.includes(lag)) continue
          for (const input of study.inputs) {
            const each = one[input.name].data.length / steps
            if (!isAbsentIn(input, b, s)) one[input.name].data.set(study.baseline.values[input.name].data.subarray(s * each, (s + 1) * each), s * each)
          }
        }
        const fresh = numberOf(referee(file, plan, one), b)
        known.set(key, fresh)
        return fresh
      }
      /** The explained number of a single sequence: of its last step that counts, where the output has steps. */
      function numberOf ({ shape, data }: { shape: readonly number[], data: Float64Array }, b: number): number {
        const units = shape[shape.length - 1]
        const from = shape.length > 2 ? (stepwise && lastOf(b) >= 0 ? lastOf(b) : shape[1] - 1) * units : 0
        const { target: { dense: head, output: { index } } } = study
        if (head === null) return data[from + index]
        const { kernel, bias } = file.graph.layers[head].weights
        return Array.from({ length: units }, (_, n) => data[from + n] * kernel.data[n * kernel.shape[1] + index]).reduce((a, x) => a + x, bias.data[index])
      }

      const close = (given: number, expected: number, what: string): unknown => t.ok(Math.abs(given - expected) < 2e-6, `${what}: ${given}, expected ${expected}`)
      for (let b = 0; b < size; b++) {
        close(found.value[b], value(b, lags), 'value')
        close(found.baselineValue[b], value(b, []), 'baselineValue')
        const all = orders(lags.map((_, n) => n))
        lags.forEach((lag, player) => {
          const gains = all.map((order) => order.slice(0, order.indexOf(player)).map((n) => lags[n])).map((before) => value(b, [...before, lag]) - value(b, before))
          close(found.methods.shapley.lags[lag][b], gains.reduce((sum, gain) => sum + gain, 0) / all.length, `shapley ${lag}`)
          close(found.methods.insertion.lags[lag][b], value(b, lags.slice(0, player + 1)) - value(b, lags.slice(0, player)), `insertion ${lag}`)
          close(found.methods.occlusion.lags[lag][b], value(b, lags) - value(b, lags.filter((other) => other !== lag)), `occlusion ${lag}`)
        })
        for (const method of methods.filter((method) => method !== 'memory' && method !== 'occlusion')) {
          const sum = Object.values<number[]>(found.methods[method].lags).reduce((all, lag) => all + lag[b], 0)
          t.ok(Math.abs(sum - (found.value[b] - found.baselineValue[b])) < 1e-5, `${method} adds up, to ${sum}`)
        }
      }
      t.ok(Math.max(...found.value.map((one: number, b: number) => Math.abs(one - found.baselineValue[b]))) > 1e-3, 'there is something to explain')

      if (methods.includes('integrated-gradients') && study.inputs.length === 1 && file.graph.inputs.find((input) => input.name === own)!.shape.length === 3) {
        // The same integral by differences of float64 arithmetic, entry by entry.
        const { nodes, weights } = gaussLegendre(16)
        const far = 1e-6
        const entry = (b: number, s: number, f: number): number => {
          const at = (s * each + f)
          const point = (node: number, by: number): number => {
            const one: Record<string, { shape: readonly number[], data: Float64Array }> = Object.fromEntries(Object.entries(batch.inputs).map(([input, { shape, data }]) => [input, { shape: shape.with(0, 1), data: Float64Array.from(data.subarray(b * data.length / size, (b + 1) * data.length / size)) }]))
            one[own].data.forEach((x, n) => { if (lagOf(b, Math.floor(n / each)) !== null) one[own].data[n] = absent[n] + node * (x - absent[n]) })
            one[own].data[at] += by
            return numberOf(referee(file, plan, one), b)
          }
          const x = data[b * steps * each + at]
          return nodes.reduce((sum, node, n) => sum + weights[n] * (point(node, far) - point(node, -far)) / (2 * far), 0) * (x - absent[at])
        }
        const { features, steps: byStep } = found.methods['integrated-gradients']
        for (const [b, s] of [[0, steps - 1], [size - 1, 0], [0, 1]]) {
          const whole = Array.from({ length: each }, (_, f) => lagOf(b, s) === null ? 0 : entry(b, s, f))
          whole.forEach((expected, f) => t.ok(Math.abs(features.data[(b * steps + s) * each + f] - expected) < 5e-6, `feature ${f} of step ${s}: ${features.data[(b * steps + s) * each + f]}, expected ${expected}`))
          t.ok(Math.abs(byStep[b][s] - whole.reduce((a, x) => a + x, 0)) < 1e-5)
        }
      }
      if (memory) t.ok(found.methods.memory.residual < 1e-6, `memory is the state, to ${found.methods.memory.residual}`)
    })
  }
}

t.test('padding on either side changes nothing: t-1 is the last step that counts', async (t) => {
  const model = await hosted(maskedLstm(3, 4), true)
  t.teardown(async () => await model.dispose())
  const [sequence] = nested(1, 4, 3, 2)
  const pad = [0, 0, 0]
  const body = { window: 3, baseline: [0.5, 0.25, -0.5], methods: ['shapley', ...(engine.name === 'tfjs' ? ['integrated-gradients'] : []), 'memory'] }
  const { found: bare } = await ask(model, { ...body, inputs: [sequence] })
  const { found: padded } = await ask(model, { ...body, inputs: [[...sequence, pad, pad], [pad, pad, ...sequence], [pad, ...sequence, pad]] })
  t.same(padded.lastStep, [3, 5, 4])
  for (const method of body.methods) {
    for (const [lag, [expected]] of Object.entries<number[]>(bare.methods[method].lags)) {
      t.ok(Math.abs(expected) > 1e-4)
      for (const given of padded.methods[method].lags[lag]) t.ok(Math.abs(given - expected) < 2e-6, `${method} ${lag}: ${given}, expected ${expected}`)
    }
  }
})

t.test('what wrote the memory, step by step, is what was added to the state there and has not been forgotten since', async (t) => {
  for (const [id, state, kept] of [['bi-lstm-gru-k3-h5', 'cell', 'forget'], ['mask-through-k2-h5', 'hidden', 'update']] as const) {
    const model = await hosted(await golden(id), true)
    const { found, batch, study } = await ask(model, { inputs: inputsOf(id), methods: 'memory', window: 2 })
    const { plan, cells } = study.memory!
    const whole = { ...plan, layers: plan.layers.map((one) => ({ ...one, internals: one.internals.flatMap((tensor) => tensor.name.endsWith(`gates/${kept}`) ? [tensor, { name: tensor.name.replace(`gates/${kept}`, state), stepAxis: 1 }] : [tensor]) })) }
    const { traced } = await model.run(whole, batch)
    for (const { name, layer, prefix, reverse, state: own } of cells.filter((cell) => cell.state === state)) {
      const { [`${prefix}${own}`]: states, [`${prefix}gates/${kept}`]: gate, mask = null } = traced.layers[layer].tensors
      const [size, steps, units] = states.shape
      const { written: { data }, lags } = found.methods.memory.layers[name]
      const order = Array.from({ length: steps }, (_, n) => reverse ? steps - 1 - n : n)
      const shares = Array.from({ length: size }, () => Array<number>(steps).fill(0))
      for (let b = 0; b < size; b++) {
        for (let unit = 0; unit < units; unit++) {
          const at = (s: number): number => (b * steps + s) * units + unit
          const counts = (s: number): boolean => mask === null || mask.data[b * steps + s] === 1
          order.forEach((s, n) => {
            const added = counts(s) ? states.data[at(s)] - gate.data[at(s)] * (n === 0 ? 0 : states.data[at(order[n - 1])]) : 0
            const expected = order.slice(n + 1).filter(counts).reduce((left, later) => left * gate.data[at(later)], added)
            t.ok(Math.abs(data[at(s)] - expected) < 1e-6, `${name} step ${s}: ${data[at(s)]}, expected ${expected}`)
            shares[b][s] += Math.abs(expected)
          })
        }
        const sum = shares[b].reduce((a, x) => a + x, 0)
        const given = Object.values<number[]>(lags).reduce((all, lag) => all + lag[b], 0)
        if (sum > 0) t.ok(Math.abs(given - 1) < 1e-6, 'shares add up to 1')
        if (mask === null) t.ok(Math.abs(lags['t-1'][b] - shares[b][steps - 1] / sum) < 1e-5)
      }
    }
    await model.dispose()
  }
})

t.test('a model that mixes the sequences of a batch is refused', async (t) => {
  const file = chain([null, 2], [rnn('one', 'LSTM', 2, 3), layer('mean', 'ops.Mean', { axis: 0, keepdims: true })])
  t.throws(() => decodeRelevance({ inputs: nested(2, 4, 2, 1) }, { file, meta: {} }), { code: 'invalid_value', message: /depend on the others of its batch/ })
})
