import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { farthest } from '../support/cases.ts'
import { pythonWith } from './python.ts'
import { call, inProject, serve } from './support.ts'

/** Relative to max(1, |value|): the programs compute in float64, the service in float32. */
const tolerance = 1e-5

const python = pythonWith('numpy')
const root = t.testdir({ models: {} })
const folder = join(root, 'models')
cpSync(inProject('models'), folder, { recursive: true })
for (const id of ['embed-no-mask-k2-keras.keras', 'embed-any-k3-keras.keras', 'autoencoder-k2-h5.h5']) copyFileSync(inProject(`test/goldens/models/${id}`), join(folder, id))

/** A model whose layers have names that break out of what they can. Its weights are found by their order. */
const nasty = ['first', '"""\n\'*/\u2028</script>#\\"); x', 'constructor']
const input = { class_name: 'InputLayer', config: { batch_input_shape: [null, 6, 3], dtype: 'float32', name: nasty[0] } }
mkdirSync(join(folder, 'nasty'))
writeFileSync(join(folder, 'nasty', 'model.json'), JSON.stringify({
  class_name: 'Sequential',
  config: {
    name: 'm',
    layers: [
      input,
      { class_name: 'LSTM', config: { name: nasty[1], units: 4, activation: 'tanh', recurrent_activation: 'sigmoid' } },
      { class_name: 'Dense', config: { name: nasty[2], units: 2, activation: 'linear' } }
    ]
  },
  keras_version: '2.15.0',
  backend: 'tensorflow'
}))
copyFileSync(inProject('test/goldens/models/lstm-last-k2-h5.h5'), join(folder, 'nasty', 'model.weights.h5'))

const { url } = await serve(t, folder)

const oneHot = (n: number, size: number): number[] => Array.from({ length: size }, (_, k) => k === n ? 1 : 0)
const inputs: Record<string, unknown> = {
  weather: [0, 1].map((row) => Array.from({ length: 7 }, (_, step) => Array.from({ length: 4 }, (_, n) => Math.sin(row + 3 * step + 5 * n)))),
  'weather-kind': [0, 1].map((row) => Array.from({ length: 10 }, (_, step) => Array.from({ length: 9 }, (_, n) => Math.cos(row + 3 * step + 5 * n)))),
  nextchar: [[1, 2, 3], [44, 0, 20]].map((ids) => ids.map((id) => oneHot(id, 45))),
  chars: [0, 5].map((from) => Array.from({ length: 40 }, (_, n) => oneHot((from + 7 * n) % 37, 37))),
  nasty: [Array.from({ length: 6 }, (_, step) => [step, -step / 2, 0.1])],
  ...Object.fromEntries(['embed-no-mask-k2-keras', 'embed-any-k3-keras'].map((id) => [id, JSON.parse(readFileSync(inProject(`test/goldens/cases/${id}.json`), 'utf8')).inputs.ids]))
}

for (const [model, asked] of Object.entries(inputs)) {
  t.test(`${model}: the programs print what /predict answers`, async (t) => {
    const place = join(root, model)
    mkdirSync(place)
    const { status, body: { outputs } } = await call(`${url}/predict`, { model, inputs: asked })
    t.equal(status, 200)
    const [expected] = Object.values(outputs)
    const file = (name: string): string => join(place, name)
    writeFileSync(file('weights.json'), JSON.stringify((await call(`${url}/models/${model}/weights`)).body))
    writeFileSync(file('inputs.json'), JSON.stringify(asked))
    for (const [language, name, program] of [['python', 'decode.py', python], ['javascript', 'decode.mjs', process.execPath]] as const) {
      const { status, headers, body } = await call(`${url}/models/${model}/decode?language=${language}`)
      t.equal(status, 200)
      t.equal(headers.get('content-type'), `text/${language === 'python' ? 'x-python' : 'javascript'}; charset=utf-8`)
      t.equal(headers.get('content-disposition'), `attachment; filename="${name}"`)
      writeFileSync(file(name), body)
      if (program === null) continue
      const { stdout, stderr } = spawnSync(program, [name, 'weights.json', 'inputs.json'], { cwd: place, encoding: 'utf8' })
      t.equal(stderr, '')
      const far = farthest(JSON.parse(stdout), expected)
      t.ok(far <= tolerance, `${language}: ${far}`)
    }
    const { predict } = await import(pathToFileURL(file('decode.mjs')).href)
    t.ok(farthest(predict((await call(`${url}/models/${model}/weights`)).body, asked), expected) <= tolerance)
  })
}

t.test('versions and Accept', async (t) => {
  t.equal((await call(`${url}/models/weather/decode?language=python&version=1`)).status, 200)
  t.match((await call(`${url}/models/weather/decode?language=python&version=2`)).body, { status: 404, code: 'unknown_model' })
  for (const accept of ['text/x-python', 'text/html', 'application/json']) t.equal((await call(`${url}/models/weather/decode?language=python`, undefined, { accept })).status, 200, accept)
})

t.test('what cannot be answered', async (t) => {
  const ask = async (path: string): Promise<unknown> => (await call(url + path)).body
  t.match(await ask('/models/autoencoder-k2-h5/decode?language=python'), { status: 422, code: 'unsupported_layer', detail: /^Layer "[^"]+" \(RepeatVector\) has no decode: programs are written for LSTM/ })
  t.match(await ask('/models/weather/decode'), { status: 422, code: 'invalid_value', detail: /language/ })
  for (const language of ['r', '', '__proto__', 'constructor', 'Python']) {
    t.match(await ask(`/models/weather/decode?language=${language}`), { status: 422, code: 'invalid_value', detail: /"python" or "javascript"|python.*javascript/ }, language)
  }
  t.match(await ask('/models/weather/decode?language=python&language=python'), { status: 422 })
  t.match(await ask('/models/weather/decode?language=python&other=1'), { status: 422 })
  t.match(await ask('/models/weather/decode?language=python&version=x'), { status: 404, code: 'unknown_model' })
  t.match(await ask('/models/__proto__/decode?language=python'), { status: 404 })
  t.equal((await fetch(`${url}/models/weather/decode?language=python`, { method: 'POST' })).status, 405)
})
