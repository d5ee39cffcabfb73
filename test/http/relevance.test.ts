import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { serve as start } from '../support/service.ts'
import { call, inProject, serve } from './support.ts'

const { url } = await serve(t, inProject('models'))
const native = (await call(`${url}/health/ready`)).body.reference.name === 'tfjs'
const { sample: { inputs: days }, scaler } = JSON.parse(readFileSync(inProject('models/weather/statescope.json'), 'utf8')) as { sample: { inputs: number[][][] }, scaler: { inputs: { mean: number[], scale: number[] } } }
const sums = (lags: Record<string, number[]>): number[] => Object.values(lags).reduce((all, lag) => all.map((x, n) => x + lag[n]), lags['t-1'].map(() => 0))
const near = (a: number, b: number, by = 1e-5): boolean => Math.abs(a - b) <= by * Math.max(1, Math.abs(b))
const methods = ['shapley', 'insertion', 'occlusion', ...(native ? ['integrated-gradients'] : []), 'memory']

t.test('every method on the weather, in its own units', async (t) => {
  const { status, body } = await call(`${url}/relevance`, { model: 'weather', inputs: days, raw: true, output: 'temp_max', methods })
  t.equal(status, 200)
  t.match(body, { model: 'weather', version: 1, digest: /^sha256:/, output: { name: 'activation', index: 1, label: 'temp_max', of: 'value' }, window: 5, stepInputs: ['days'], baseline: 'mean', receipt: { sound: true } })
  t.notOk('lastStep' in body, 'the model masks nothing')
  const { body: { outputs: { activation } } } = await call(`${url}/predict`, { model: 'weather', inputs: days, raw: true })
  body.value.forEach((value: number, n: number) => t.ok(near(value, activation[n][1]), 'the value is the prediction'))
  const { body: { outputs: { activation: [atBaseline] } } } = await call(`${url}/predict`, { model: 'weather', inputs: [body.baselineInput], raw: true })
  t.ok(near(body.baselineValue[0], atBaseline[1]) && body.baselineValue[0] === body.baselineValue[1], 'baselineInput gives baselineValue')
  t.same(body.baselineInput.length, 7)
  for (const method of methods) t.same(Object.keys(body.methods[method].lags), ['t-1', 't-2', 't-3', 't-4', 't-5', 'older'], method)
  for (const method of methods.filter((method) => !['occlusion', 'memory'].includes(method))) {
    sums(body.methods[method].lags).forEach((sum, n) => t.ok(near(sum, body.value[n] - body.baselineValue[n]), `${method} adds up`))
    t.ok(body.methods[method].residual < 1e-5)
  }
  t.notOk('residual' in body.methods.occlusion)
  sums(body.methods.memory.lags).forEach((sum) => t.ok(near(sum, 1)))
  if (native) {
    const { steps, features, lags, absolute } = body.methods['integrated-gradients']
    steps.forEach((own: number[], b: number) => own.forEach((step, s) => t.ok(near(features[b][s].reduce((a: number, x: number) => a + x, 0), step), 'features add up to their step')))
    t.ok(near(steps[0][6], lags['t-1'][0]) && near(steps[0][0] + steps[0][1], lags.older[0]))
    t.ok(near(absolute['t-2'][1], features[1][5].reduce((a: number, x: number) => a + Math.abs(x), 0)))
    t.ok(body.agreement.shapley['integrated-gradients'] <= 1)
  }
  const { summary } = body
  t.ok(near(Object.values<{ share: number }>(summary).reduce((sum, { share }) => sum + share, 0), 1))
  const [a, b] = body.methods.shapley.lags['t-1'].toSorted((x: number, y: number) => x - y)
  t.ok(near(summary['t-1'].q05, a + 0.05 * (b - a)) && near(summary['t-1'].meanAbs, (Math.abs(a) + Math.abs(b)) / 2))
})

t.test('in the model\'s own units the shares are those of the data divided by the scale', async (t) => {
  const { mean, scale } = scaler.inputs
  const scaled = days.map((sequence) => sequence.map((day) => day.map((x, n) => (x - mean[n]) / scale[n])))
  const [own, raw] = await Promise.all([{ inputs: scaled }, { inputs: days, raw: true }].map(async (one) => (await call(`${url}/relevance`, { model: 'weather', output: 2, ...one })).body))
  t.same(Object.keys(own.methods), ['shapley'], 'by default')
  for (const lag of Object.keys(own.summary)) t.ok(near(raw.methods.shapley.lags[lag][0], own.methods.shapley.lags[lag][0] * scale[2]), lag)
  t.ok(near(raw.value[1], own.value[1] * scale[2] + mean[2]))
})

t.test('outputs by index, label and name; baselines of every form', async (t) => {
  const ask = async (more: object): Promise<any> => (await call(`${url}/relevance`, { model: 'weather', inputs: days, raw: true, methods: 'insertion', ...more })).body
  const { value } = await ask({ output: 1 })
  for (const output of ['temp_max', 'activation/1', 'activation/temp_max']) t.same((await ask({ output })).value, value, output)
  t.same((await ask({ output: 'activation' })).value, (await ask({})).value, 'a name alone is its first value, as is the default')
  const { body: plain } = await call(`${url}/models/weather/predict?raw=true`, { inputs: days })
  const mean = await ask({})
  const zeros = await ask({ baseline: 'zeros' })
  t.match(zeros, { baseline: 'zeros' })
  t.notOk(near(zeros.baselineValue[0], mean.baselineValue[0], 1e-3))
  const day = zeros.baselineInput[0]
  t.ok(day.every((x: number, n: number) => near(x, scaler.inputs.mean[n])), 'zeros are of the model\'s own units')
  for (const baseline of [day, Array(7).fill(day), [Array(7).fill(day), Array(7).fill(day)], { shape: [4], data: day }, { shape: [1, 7, 4], data: Array(7).fill(day).flat() }]) {
    const given = await ask({ baseline })
    t.match(given, { baseline: 'given' })
    t.ok(near(given.baselineValue[0], zeros.baselineValue[0]) && near(given.methods.insertion.lags['t-2'][1], zeros.methods.insertion.lags['t-2'][1]))
  }
  const swapped = await ask({ baseline: [days[1], days[0]] })
  t.ok(near(swapped.baselineValue[0], plain.outputs.activation[1][0]) && near(swapped.baselineValue[1], plain.outputs.activation[0][0]), 'one for each sequence')
  t.equal(swapped.baselineInput.length, 2)
  const { body: text } = await call(`${url}/relevance`, { model: 'nextchar', inputs: { text: ['the', 'Con'] }, output: ' ', baseline: { text: '   ' } })
  const { body: blank } = await call(`${url}/predict`, { model: 'nextchar', inputs: { text: '   ' } })
  t.ok(near(text.baselineValue[0], blank.outputs.softmax[0][0]), 'a text')
  t.same(Object.keys(text.methods.shapley.lags), ['t-1', 't-2', 't-3', 't-4', 't-5', 'older'])
  t.same([text.methods.shapley.lags['t-4'], text.methods.shapley.lags.older, text.summary['t-4']], [[0, 0], [0, 0], { meanAbs: null, share: null, q05: null, q95: null, count: 0 }], 'three letters have no more steps')
})

t.test('a logit is what the softmax is applied to', async (t) => {
  for (const [model, inputs, output] of [['nextchar', { text: ['the'] }, 'softmax'], ['chars', { text: ['the quick'] }, 'dense'], ['weather-kind', null, 'kind']] as const) {
    const body = inputs === null ? (await call(`${url}/models/${model}/sample`)).body : { model, inputs }
    const { body: { outputs } } = await call(`${url}/predict`, body)
    const [one, two] = await Promise.all([0, 3].map(async (index) => (await call(`${url}/relevance`, { ...body, output: index, of: 'logit', methods: 'insertion' })).body.value[0]))
    t.ok(near(one - two, Math.log(outputs[output][0][0] / outputs[output][0][3])), `${model}: logits differ by what the logarithms of the probabilities do`)
  }
  const { status, body } = await call(`${url}/relevance`, { model: 'weather', inputs: days, of: 'logit' })
  t.match({ status, body }, { status: 422, body: { pointer: '/of', detail: /has no logit.*linear/ } })
})

t.test('the address of a model takes the rest as a query, and arrays as a body', async (t) => {
  const { body: expected } = await call(`${url}/relevance`, { model: 'weather', inputs: days, raw: true, output: 1, methods: ['insertion', 'occlusion'], window: 3, baseline: [1, 2, 3, 4] })
  const { status, body } = await call(`${url}/models/weather/relevance?version=1&raw=true&output=1&methods=insertion,occlusion&window=3&baseline=${encodeURIComponent('[1,2,3,4]')}`, { inputs: days })
  t.equal(status, 200)
  t.same({ ...body, receipt: null }, { ...expected, receipt: null })
  t.same((await call(`${url}/models/nextchar/relevance?output=0&of=logit`, { inputs: { text: 'the' } })).body.output, { name: 'softmax', index: 0, label: ' ', of: 'logit' })
  const header = Buffer.from(JSON.stringify({ days: { dtype: 'F32', shape: [1, 7, 4], data_offsets: [0, 112] } }))
  const packed = Buffer.concat([Buffer.from(BigUint64Array.of(BigInt(header.length)).buffer), header, Buffer.from(Float32Array.from(days[0].flat()).buffer)])
  const response = await fetch(`${url}/models/weather/relevance?raw=true&output=temp_max&baseline=zeros`, { method: 'POST', headers: { 'content-type': 'application/vnd.safetensors' }, body: packed })
  const answer = await response.json() as any
  t.equal(response.status, 200)
  t.match(answer, { output: { index: 1 }, baseline: 'zeros' })
  t.equal((await call(`${url}/models/weather/relevance`, '{}\n', { 'content-type': 'application/x-ndjson' })).status, 415)
})

t.test('what is wrong is said, and where', async (t) => {
  const base = { model: 'weather', inputs: days }
  const wrong: readonly (readonly [object, number, string, RegExp])[] = [
    [{ output: 4 }, 422, '/output', /has 4 values/],
    [{ output: -1 }, 422, '/output', /at least 0/],
    [{ output: 1e15 }, 422, '/output', /none at 1000000000000000/],
    [{ output: 1.5 }, 422, '/output', /whole number/],
    [{ output: 'constructor' }, 422, '/output', /no output "constructor".*temp_max/],
    [{ output: 'activation/__proto__' }, 422, '/output', /no output/],
    [{ output: '' }, 422, '/output', /no output/],
    [{ output: null }, 422, '/output', /whole number/],
    [{ of: 'odds' }, 422, '/of', /value/],
    [{ methods: [] }, 422, '/methods', /empty/],
    [{ methods: ['shapley', 'toString'] }, 422, '/methods/1', /shapley/],
    [{ methods: 'lrp' }, 422, '/methods', /shapley/],
    [{ window: 0 }, 422, '/window', /1/],
    [{ window: 11 }, 422, '/window', /expected/],
    [{ window: '5' }, 422, '/window', /whole number/],
    [{ baseline: 'median' }, 422, '/baseline', /"mean", "zeros", "masked"/],
    [{ baseline: 'masked' }, 422, '/baseline', /does not mask/],
    [{ baseline: null }, 422, '/baseline', /4 numbers/],
    [{ baseline: 3 }, 422, '/baseline', /4 numbers/],
    [{ baseline: [] }, 422, '/baseline', /got/],
    [{ baseline: [1, 2, 3] }, 422, '/baseline', /\[batch, 1, 4\]/],
    [{ baseline: [1, 2, 'x', 4] }, 422, '/baseline/2', /number/],
    [{ baseline: [1, 2, null, 4] }, 422, '/baseline/2', /number/],
    [{ baseline: [1, 2, 1e39, 4] }, 422, '/baseline/2', /finite/],
    [{ baseline: [[1, 2, 3, 4]] }, 422, '/baseline', /7/],
    [{ baseline: [days[0], days[1], days[0]] }, 422, '/baseline', /one for each of the 2/],
    [{ baseline: [[[[1]]]] }, 422, '/baseline', /axes/],
    [{ baseline: {} }, 422, '/baseline', /Expected nested lists/],
    [{ baseline: { shape: ['x'], data: [] } }, 422, '/baseline/shape/2', /whole number/],
    [{ baseline: { text: 'abc' } }, 422, '/baseline/text', /takes no text/],
    [{ baseline: { constructor: [1] } }, 422, '/baseline', /Expected nested lists/],
    [{ stepInputs: ['__proto__'] }, 422, '/stepInputs', /"__proto__".*days/],
    [{ initialState: {} }, 422, '/initialState', /no field "initialState"/],
    [{ inputs: [] }, 422, '/inputs', /empty/],
    [{ inputs: 'x' }, 422, '/inputs', /nested lists/],
    [{ inputs: Array(70).fill(days[0]), window: 10, methods: ['insertion'] }, 200, '', /./],
    [{ inputs: Array(520).fill(days[0]), window: 10 }, 413, '/inputs', /runs of 7 steps.*fewer sequences/],
    [{ inputs: Array(1171).fill(days[0]), methods: 'integrated-gradients' }, 413, '/inputs', /there and back/],
    [{ model: 'nowhere' }, 404, '', /nowhere/]
  ]
  for (const [change, expected, pointer, words] of wrong) {
    const { status, body } = await call(`${url}/relevance`, { ...base, ...change })
    t.equal(status, expected, JSON.stringify(change).slice(0, 100))
    if (status === 200) continue
    t.match(body.detail, words)
    if (pointer !== '') t.equal(body.pointer, pointer, JSON.stringify(change).slice(0, 100))
  }
  const { inputs: _, ...without } = base
  t.match(await call(`${url}/relevance`, without), { status: 422, body: { pointer: '/inputs' } })
  const deep = `{"model": "weather", "inputs": ${JSON.stringify(days)}, "baseline": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`
  t.match(await call(`${url}/relevance`, deep), { status: 400, body: { code: 'malformed', detail: /nest more than 100 deep/ } }, 'however deep')
  for (const query of ['window=x', 'window=99', 'methods=', 'output=9', 'baseline={', 'baseline=NaN', 'of=x', 'steps=1']) t.equal((await call(`${url}/models/weather/relevance?${query}`, { inputs: days })).status, 422, query)
  t.match(await call(`${url}/models/weather/relevance?window=2`, { inputs: days, window: 2 }), { status: 422, body: { pointer: '/window' } })
})

t.test('what a model has not is refused by its name', async (t) => {
  const inputsOf = (id: string): unknown => Object.values((JSON.parse(readFileSync(inProject(`test/goldens/cases/${id}.json`), 'utf8')) as { inputs: Record<string, unknown> }).inputs)[0]
  const asks: readonly (readonly [string, object, RegExp])[] = [
    ['rnn-last-k3-keras', { methods: 'memory' }, /memory is defined for LSTM and GRU/i],
    ['layers-conv1d-k2-keras', {}, /no recurrent layer/i],
    ['mask-through-k2-h5', { methods: 'integrated-gradients' }, /masks steps of the baseline/],
    ['mask-pooling-k2-h5', {}, /NaN.*another baseline/],
    ['td-document-k2-h5', { methods: 'integrated-gradients' }, native ? /no gradient through layer "td"/ : /no gradients/],
    ['conv-lstm-k2-h5', { methods: 'memory' }, /steps are those of the input/],
    ['lstm-last-k2-h5', { baseline: 'mean' }, /no trainingMean/],
    ['lstm-last-k2-h5', { baseline: 'masked' }, /does not mask/]
  ]
  const folder = t.testdir({})
  const wanted = new Set(asks.map(([model]) => model))
  for (const model of wanted) cpSync(inProject(`test/goldens/models/${model}`.replace(/-(h5|keras)$/, '-$1.$1')), join(folder, model.replace(/-(h5|keras)$/, '-$1.$1')))
  const { url } = await serve(t, folder)
  for (const [model, more, words] of asks) {
    const { status, body } = await call(`${url}/relevance`, { model, inputs: inputsOf(model), ...more })
    t.equal(status, 422, model)
    t.match(body.detail, words)
  }
})

t.test('without TensorFlow there are no gradients, and all else is the same', async (t) => {
  const folder = t.testdir({})
  cpSync(inProject('models/weather'), join(folder, 'weather'), { recursive: true })
  const { server: { url: slow, close } } = await start({ MODELS_DIR: folder, ENGINE: 'wasm' })
  t.teardown(close)
  const ask = { model: 'weather', inputs: days, raw: true, output: 2, methods: ['shapley', 'memory'] }
  t.match(await call(`${slow}/relevance`, { ...ask, methods: 'integrated-gradients' }), { status: 422, body: { pointer: '/methods', detail: /wasm, which has no gradients/ } })
  const [one, other] = await Promise.all([slow, url].map(async (url) => (await call(`${url}/relevance`, ask)).body))
  t.equal(one.receipt.engine, 'wasm')
  for (const method of ask.methods) for (const [lag, values] of Object.entries<number[]>(one.methods[method].lags)) values.forEach((value, n) => t.ok(near(value, other.methods[method].lags[lag][n]), `${method} ${lag}`))
})
