import { existsSync } from 'node:fs'
import t from 'tap'
import { Fault } from '../../src/errors.ts'
import type { ModelFile } from '../../src/model.ts'
import { readModel } from '../../src/registry/read.ts'
import { farthest, readCases } from '../support/cases.ts'
import { byJavaScript, byPython, python, withoutPython, write, type Written } from './support.ts'

/** Relative to max(1, |value|): float64 against the float32 of Keras. */
const tolerance = 1e-6

interface Trial { readonly what: string, readonly file: ModelFile, readonly written: Written, readonly expected: unknown }

const root = t.testdir()
const trials: Trial[] = []
const refused = new Map<string, string>()
const met = new Set<string>()

// Each output of a model is a model of its own: many goldens have an output for each kind of layer.
for (const golden of readCases('test/goldens/cases')) {
  const main = ['keras', 'h5'].map((format) => `test/goldens/models/${golden.id}.${format}`).find((path) => existsSync(path))
  if (main === undefined) continue
  const whole = await readModel({ main, weights: null })
  const { inputs: [input], outputs } = whole.graph
  for (const [n, output] of outputs.entries()) {
    const file = { ...whole, graph: { ...whole.graph, outputs: [output] } }
    const what = `${golden.id} ${output.name}`
    try {
      trials.push({ what, file, written: write(root, what, file, golden.inputs[input.name] ?? Object.values(golden.inputs)[0]), expected: golden.predict[n] })
      for (const { layer } of file.graph.nodes) met.add(`${file.graph.layers[layer].className} Keras ${file.keras}`)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      refused.set(what, error.message)
    }
  }
}

t.test('what the programs are written for is there', async (t) => {
  t.ok(trials.length >= 420, `${trials.length} outputs of models by real Keras`)
  for (const className of ['LSTM', 'GRU', 'SimpleRNN', 'RNN', 'Bidirectional', 'Dense', 'Embedding', 'Masking', 'Activation', 'TimeDistributed']) {
    for (const keras of [2, 3]) t.ok(met.has(`${className} Keras ${keras}`), `${className} Keras ${keras}`)
  }
})

t.test('JavaScript gives what Keras predicts', async (t) => {
  for (const { what, written, expected } of trials) {
    const far = farthest(await byJavaScript(written), expected)
    t.ok(far <= tolerance, `${what}: ${far}`)
  }
})

t.test('NumPy gives what Keras predicts', { skip: withoutPython }, async (t) => {
  t.not(python, null)
  const results = byPython(trials.map(({ written }) => written))
  for (const [n, { what, expected }] of trials.entries()) {
    const far = farthest(results[n], expected)
    t.ok(far <= tolerance, `${what}: ${far}`)
  }
})

t.test('what is not written is refused by its layer and class', async (t) => {
  t.ok(refused.size > 100)
  for (const [what, words] of refused) t.match(words, /^layer ".+" \([\w.]+\) has no decode: .+ \/hidden-states shows what it computes$/, what)
  const words = [...refused.values()].join('\n')
  for (const each of [
    /\(RepeatVector\) has no decode/, /\(Embedding\) has no decode: its mask has other axes/, /\(ConvLSTM1D\) has no decode: it reads 3 tensors/, /it is given initial_state/, /a stack of cells that reads backwards/,
    /zero_output_for_mask/,
    /\(InputLayer\) has no decode: a program reads one input, and this is the second/, /output number 2 is used/, /merge_mode null/, /time_major/, /\(Conv1D\)/, /the activation log_softmax/,
    /the activation sparsemax/, /a softmax over axis 1/
  ]) t.match(words, each)
})
