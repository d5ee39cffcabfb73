import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { call, inProject, serve } from '../http/support.ts'
import { farthest } from '../support/cases.ts'

/**
 * One well-known decoding by hand cuts Keras' kernel as i, a, f, o, the candidate second, where Keras has i, f, c, o. Where every activation is a sigmoid the
 * wrong answer looks like the right one; with tanh it does not, and its author thought that it was tanh that he had not understood.
 */

const root = t.testdir({ models: {} })
const folder = join(root, 'models')
for (const id of ['nextchar', 'chars']) cpSync(inProject(`models/${id}`), join(folder, id), { recursive: true })

// A twin of nextchar: the same weights, with tanh where that has a sigmoid.
mkdirSync(join(folder, 'twin'))
writeFileSync(join(folder, 'twin', 'model.json'), JSON.stringify({
  class_name: 'Sequential',
  config: {
    name: 'twin',
    layers: [
      { class_name: 'InputLayer', config: { batch_input_shape: [null, 3, 45], dtype: 'float32', name: 'letters' } },
      { class_name: 'LSTM', config: { name: 'lstm', units: 128, activation: 'tanh', recurrent_activation: 'sigmoid' } },
      { class_name: 'Dense', config: { name: 'dense', units: 45, activation: 'linear' } },
      { class_name: 'Activation', config: { name: 'softmax', activation: 'softmax' } }
    ]
  },
  keras_version: '2.15.0',
  backend: 'tensorflow'
}))
copyFileSync(inProject('models/nextchar/model.h5'), join(folder, 'twin', 'model.weights.h5'))

const { url } = await serve(t, folder)

const text = 'we the people of the united states, in order to form a more perfect union, establish justice, insure domestic tranquility, provide for the common ' +
  'defence, promote the general welfare, and secure the blessings of liberty to ourselves and our posterity, do ordain and establish this constitution'

/** Every `apart`th window of the text, one-hot. */
function windows (id: string, apart: number): number[][][] {
  const { alphabet, maxlen } = (JSON.parse(readFileSync(inProject(`models/${id}/statescope.json`), 'utf8')) as { text: { alphabet: string[], maxlen: number } }).text
  const starts = Array.from({ length: Math.floor((text.length - maxlen) / apart) }, (_, n) => n * apart)
  return starts.map((start) => [...text.slice(start, start + maxlen)].map((character) => alphabet.map((one) => one === character ? 1 : 0)))
}

const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length

function correlation (a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)]
  const covariance = mean(a.map((x, n) => (x - meanA) * (b[n] - meanB)))
  return covariance / Math.sqrt(mean(a.map((x) => (x - meanA) ** 2)) * mean(b.map((x) => (x - meanB) ** 2)))
}

/** How alike the predictions of the two orders are: over all probabilities, and in how many windows the likeliest character is the same. */
const measured = {
  nextchar: { inputs: windows('nextchar', 2), correlation: 0.984, same: 0.87 },
  twin: { inputs: windows('nextchar', 2), correlation: 0.643, same: 0.49 },
  chars: { inputs: windows('chars', 8), correlation: -0.009, same: 0 }
}

for (const [model, expected] of Object.entries(measured)) {
  t.test(model, async (t) => {
    const { body: { outputs } } = await call(`${url}/predict`, { model, inputs: expected.inputs })
    const [served] = Object.values(outputs) as number[][][]
    const { body: weights } = await call(`${url}/models/${model}/weights`)
    writeFileSync(join(root, `${model}.mjs`), (await call(`${url}/models/${model}/decode?language=javascript`)).body)
    const { predict } = await import(pathToFileURL(join(root, `${model}.mjs`)).href) as { predict: (weights: unknown, inputs: unknown) => number[][] }

    const right = predict(weights, expected.inputs)
    const far = farthest(right, served)
    t.ok(far <= 1e-5, `i, f, c, o is what the service predicts: ${far}`)

    // Cut as i, a, f, o, the second block serves as the candidate and the third as the forget gate.
    const { lstm } = weights.layers
    for (const kind of ['W', 'U', 'b']) [lstm.weights[`${kind}_f`], lstm.weights[`${kind}_c`]] = [lstm.weights[`${kind}_c`], lstm.weights[`${kind}_f`]]
    const wrong = predict(weights, expected.inputs)
    t.ok(farthest(wrong, served) > 0.1, 'i, a, f, o is not')
    const guesses = (all: readonly number[][]): number[] => all.map((row) => row.indexOf(Math.max(...row)))
    const other = guesses(wrong)
    t.equal(Number(correlation(wrong.flat(), served.flat()).toFixed(3)), expected.correlation)
    t.equal(Number(mean(guesses(served).map((guess, n) => guess === other[n] ? 1 : 0)).toFixed(2)), expected.same)
  })
}
