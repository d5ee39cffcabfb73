// Rows 12 to 16: bodies that are wrong, or that mean two things, and a model whose output is not finite. Needs `npm run build`.
//
//   node bench/reliability/bodies.mjs [--row 12] [--bodies 100000] [--seed 1]

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { floats, readNpz, readSafetensors } from '../../dist/test/trace/readers.js'
import { damagedBodies, pointsInto, whatIsMeant } from './damaged-bodies.mjs'
import { startProcess } from './process.mjs'
import { writeRow } from './rows.mjs'

const { values: given } = parseArgs({ options: { row: { type: 'string' }, bodies: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } } })
const models = mkdtempSync(join(tmpdir(), 'bodies-'))
cpSync('models/weather', join(models, 'weather'), { recursive: true })
writeHuge(join(models, 'huge'))
const service = await startProcess({ MODELS_DIR: models })
const connections = new Pool(service.url, { connections: 8 })

async function post (path, body, { type = 'application/json', accept = '*/*' } = {}) {
  const { statusCode: status, headers, body: answer } = await connections.request({ path, method: 'POST', headers: { 'content-type': type, accept }, body })
  const bytes = Buffer.from(await answer.arrayBuffer())
  return { status, type: String(headers['content-type']), bytes, json: () => JSON.parse(bytes.toString()) }
}

/** Sends each; what is not answered as it has to be, in words. `good` gets the answer, and what was sent. */
async function all (cases, good) {
  const odd = []
  for (const [name, path, body, how] of cases) {
    const answer = await post(path, body, how)
    if (!good(answer, name)) odd.push(`${name}: ${answer.status} ${answer.bytes.toString().slice(0, 200)}`)
  }
  return odd
}

const isProblem = ({ status, type, json }) => type === 'application/problem+json' && json().status === status
/** The answers of /v2 have a form of their own. */
const isRefused = (answer, statuses) => statuses.includes(answer.status) && (isProblem(answer) || (answer.type.startsWith('application/json') && typeof answer.json().error === 'string'))
const good = { days: Array.from({ length: 7 }, (_, n) => [n, n / 2, -n, 0.1]) }
const body = (inputs, more = {}) => JSON.stringify({ model: 'weather', inputs, ...more })

async function write (row, fault, wanted, got, odd) {
  for (const words of odd.slice(0, 20)) console.log(words)
  const broken = await service.check()
  const stands = broken.length === 0 ? '; everything stands' : `; does not stand: ${broken.join(', ')}`
  const held = odd.length === 0 && broken.length === 0
  writeRow({ row, fault, wanted, got: `${got}${odd.length === 0 ? '' : `; ${odd.length} otherwise, the first: ${odd[0]}`}${stands}`, held, how: `node bench/reliability/bodies.mjs --row ${row}` })
  if (!held) process.exitCode = 1
}

const rows = {
  async 12 () {
    const counted = { right: 0, wrong: 0, converted: 0 }
    const odd = []
    const bodies = damagedBodies(Number(given.bodies), Number(given.seed))
    const one = async (sent) => {
      const meant = whatIsMeant(sent)
      const answer = await post('/hidden-states', JSON.stringify(sent))
      const say = (words) => odd.push(`${words}: ${JSON.stringify(sent).slice(0, 500)} answered ${answer.status} ${answer.bytes.toString().slice(0, 200)}`)
      if (meant === null) {
        counted.wrong++
        if (answer.status < 300) {
          counted.converted++
          say('taken')
        } else if (answer.status !== 422 || !isProblem(answer) || !pointsInto(sent, answer.json().pointer)) say('refused otherwise')
        return
      }
      counted.right++
      if (answer.status !== 200) return say('refused')
      const read = answer.json().layers.days.output.flat(2).map(Math.fround)
      if (read.length === meant.length && read.every((x, n) => x === meant[n])) return
      counted.converted++
      say('read otherwise')
    }
    // A few at once, each as soon as one is answered.
    await Promise.all(Array.from({ length: 8 }, async () => { for (const sent of bodies) await one(sent) }))
    await write(12, 'bodies that are ragged, of the wrong type or rank, with null, text or booleans', `422 with a JSON pointer; 0 silent conversions in ${Number(given.bodies).toLocaleString('en')}`,
      `${counted.right + counted.wrong} bodies: ${counted.wrong} wrong ones, each refused by 422 with a pointer into the body; ${counted.right} right ones, each read to the last bit; ${counted.converted} converted`, odd)
  },

  async 13 () {
    const finite = ['3.4028235e38', '-3.4028234663852886e+38', '3.40282356e38', '1e-400', '-0', '0.1e1']
    const infinite = ['1e308', '-1e308', '1e309', '-1e309', '1e400', '3.4028236e38', '3.4028235677973366e38', `1${'0'.repeat(400)}`]
    const none = ['NaN', 'Infinity', '-Infinity', 'nan', 'inf', '+1', '.5', '1.', '0x10', '1_000']
    const nested = (literal) => body([good.days]).replace('0.1', literal)
    const flat = (literal) => `{"model":"weather","inputs":{"shape":[1,7,4],"data":[${Array.from({ length: 28 }, (_, n) => n === 5 ? literal : '1').join()}]}}`
    const state = (literal) => body([good.days], { initialState: { lstm: { hidden: [Array.from({ length: 32 }, () => 0)], cell: [Array.from({ length: 32 }, () => 0)] } } }).replace('"hidden":[[0', `"hidden":[[${literal}`)
    const places = { nested, flat, state }
    const cases = (literals) => Object.entries(places).flatMap(([place, make]) => literals.map((literal) => [`${place} ${literal.slice(0, 40)}`, '/predict', make(literal)]))
    const based = [NaN, Infinity, -Infinity].flatMap((x) => [['float32', Float32Array], ['float64', Float64Array]].map(([dtype, Kind]) =>
      [`base64 ${dtype} ${x}`, '/predict', body({ shape: [1, 7, 4], dtype, data: Buffer.from(Kind.from({ length: 28 }, (_, n) => n === 5 ? x : 1).buffer).toString('base64') })]))
    const large = [['base64 float64 1e308', '/predict', body({ shape: [1, 7, 4], dtype: 'float64', data: Buffer.from(Float64Array.from({ length: 28 }, (_, n) => n === 5 ? 1e308 : 1).buffer).toString('base64') })]]
    // A state of 3.4e38 lets the sum in a gate overflow: what is not finite then is the answer's.
    const taken = cases(finite).filter(([name]) => !name.startsWith('state'))
    const odd = [
      ...await all(taken, ({ status }) => status === 200),
      ...await all([...cases(infinite), ...based, ...large], (answer) => answer.status === 422 && isProblem(answer) && /^\/(inputs|initialState)/.test(answer.json().pointer)),
      ...await all(cases(none), (answer) => answer.status === 400 && isProblem(answer) && /line 1, column \d+/.test(answer.json().detail))
    ]
    await write(13, '1e308, 1e309 and others that are not finite as float32, and NaN literals, in nested lists, flat data, base64 and states', '422 where not finite as float32; what is no number of JSON 400 with its place',
      `${cases(infinite).length + based.length + large.length} not finite as float32, each 422 with a pointer; ${cases(none).length} no numbers of JSON, each 400 with its place; ${taken.length} of the largest and smallest that are, each taken`, odd)
  },

  async 14 () {
    const asked = JSON.stringify({ inputs: [[[0, 0], [0.5, 0.25], [2, 2]]] })
    const path = '/models/huge/hidden-states?layers=dense,out&outputs=true'
    // 3e38 h1 + 3e38 h2 + 3e38 overflows where h is above 0; what adds both infinities is NaN.
    const expected = {
      dense: [[3e38, -3e38, 0].map(Math.fround), [Infinity, -Infinity], [Infinity, -Infinity]],
      out: [[Infinity, -Infinity, 0], [Infinity, -Infinity, NaN], [Infinity, -Infinity, NaN]]
    }
    const same = (found, wanted) => wanted.every((row, step) => row.every((x, n) => Object.is(found[step * 3 + n], x)))
    const odd = []
    const say = (holds, words) => { if (!holds) odd.push(words) }
    const answer = await post(path, asked)
    const json = answer.json()
    const files = { npz: readNpz((await post(path, asked, { accept: 'application/x-npz' })).bytes), safetensors: readSafetensors((await post(path, asked, { accept: 'application/vnd.safetensors' })).bytes).arrays }
    for (const [format, arrays] of Object.entries(files)) {
      for (const [layer, wanted] of Object.entries(expected)) {
        const found = floats(arrays.get(`${layer}/output`))
        say(same(found, wanted), `${format}: ${layer} is ${[...found]}`)
        const shown = json.layers[layer].output[0].flat()
        say(found.every((x, n) => Number.isFinite(x) ? Math.fround(shown[n]) === x : shown[n] === null), `JSON: ${layer} is ${shown}`)
      }
    }
    const nulls = (JSON.stringify([json.layers, json.outputs]).match(/\bnull\b/g) ?? []).length
    say(answer.status === 200 && nulls > 0 && json.nonFinite === nulls, `${nulls} null, nonFinite is ${json.nonFinite}`)
    const v2 = (binary) => JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2, 2], datatype: 'FP32', data: [0.5, 0.25, 2, 2] }], outputs: [{ name: 'out', parameters: { binary_data: binary } }] })
    const { bytes } = await post('/v2/models/huge/infer', v2(true))
    const tail = bytes.subarray(bytes.length - 24)
    say(same(Array.from({ length: 6 }, (_, n) => tail.readFloatLE(4 * n)), expected.out.slice(1)), `v2: ${bytes.toString().slice(0, 300)}`)
    const refused = await post('/v2/models/huge/infer', v2(false))
    say(refused.status >= 400 && refused.status < 500 && /binary_data/.test(refused.json().error), `v2 as JSON: ${refused.status}`)
    await write(14, 'a model with weights of 3e38, whose output overflows', 'JSON: null, counted in nonFinite; npz, safetensors and /v2: to the last bit',
      `JSON has ${nulls} null and says nonFinite ${json.nonFinite}; infinities, NaN and finite numbers to the last bit in npz, safetensors and the bytes of /v2, whose JSON refuses them`, odd)
  },

  async 15 () {
    const lists = (depth, inner = '') => '['.repeat(depth) + inner + ']'.repeat(depth)
    const objects = (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`
    const inputs = (text) => `{"model":"weather","inputs":${text}}`
    const cases = [10_000, 250_000].flatMap((depth) => {
      const texts = {
        'lists alone': lists(depth),
        'objects alone': objects(depth),
        'lists as inputs': inputs(lists(depth)),
        'lists around a number': inputs(lists(depth, '1')),
        'objects as inputs': inputs(objects(depth)),
        'a list in a list of numbers': inputs(`[[[1,2,3,${lists(depth)}]]]`),
        'lists as data': inputs(`{"shape":[1,7,4],"data":${lists(depth, '1')}}`),
        'objects by input': inputs(`{"days":${objects(depth)}}`),
        'lists as ids': inputs(`{"oneHot":${lists(depth, '1')}}`),
        'lists as text': inputs(`{"text":${lists(depth)}}`),
        'a state': `{"model":"weather","inputs":[],"initialState":${objects(depth)}}`,
        'a field that is none': `{"model":"weather","x":${lists(depth)}}`,
        'never closed': inputs('['.repeat(depth)),
        'objects never closed': inputs('{"a":'.repeat(depth)),
        'closed wrongly': inputs('['.repeat(depth) + '}'.repeat(depth))
      }
      return Object.entries(texts).flatMap(([name, text]) => [['/predict'], ['/models/weather/hidden-states'], ['/models/weather/predict', { type: 'application/x-ndjson' }], ['/v2/models/weather/infer'], ['/relevance'], ['/search'], ['/generate']]
        .map(([path, how]) => [`${name}, ${depth} deep, to ${path}${how === undefined ? '' : ' as a line'}`, path, path.startsWith('/models') ? text.replace('"model":"weather",', '') : text, how]))
    })
    let slowest = 0
    let start = performance.now()
    const odd = await all(cases, (answer, name) => {
      slowest = Math.max(slowest, performance.now() - start)
      start = performance.now()
      if (!name.endsWith('as a line')) return isRefused(answer, [400, 422])
      // A line is answered by a line.
      return answer.status === 200 && [400, 422].includes(answer.json().status)
    })
    await write(15, 'JSON 10,000 and 250,000 deep, in every place of a body, to every route that takes one', '400 or 422', `${cases.length} bodies, all refused by 400 or 422, the slowest in ${Math.round(slowest)} ms`, odd)
  },

  async 16 () {
    const inputs = JSON.stringify([good.days])
    const one = '"__proto__":{"polluted":1}'
    const bad = {
      'a field': `{"model":"weather","inputs":${inputs},${one}}`,
      'a field before': `{${one},"model":"weather","inputs":${inputs}}`,
      'with an escape': `{"model":"weather","inputs":${inputs},"\\u005f_proto__":{}}`,
      'as the inputs': `{"model":"weather","inputs":{${one}}}`,
      'of a state': `{"model":"weather","inputs":${inputs},"initialState":{"lstm":{${one}}}}`,
      'in a list': `{"model":"weather","inputs":[{${one}}]}`,
      alone: `{${one}}`,
      'a constructor': `{"model":"weather","inputs":${inputs},"constructor":{"prototype":{"polluted":1}}}`,
      'a constructor alone': `{"model":"weather","inputs":${inputs},"constructor":1}`,
      'a constructor of a state': `{"model":"weather","inputs":${inputs},"initialState":{"constructor":{"prototype":{}}}}`,
      'inputs twice': `{"model":"weather","inputs":${inputs},"inputs":${inputs}}`,
      'the model twice': `{"model":"weather","model":"other","inputs":${inputs}}`,
      'twice, once with an escape': `{"model":"weather","inputs":${inputs},"\\u0069nputs":1}`,
      'an input twice': `{"model":"weather","inputs":{"days":${inputs},"days":${inputs}}}`,
      'data twice': '{"model":"weather","inputs":{"shape":[1,7,4],"data":[1],"data":[2]}}',
      'a layer twice': `{"model":"weather","inputs":${inputs},"initialState":{"lstm":{},"lstm":{}}}`,
      'deep within': '{"model":"weather","inputs":[[[{"a":[{"b":1,"b":1}]}]]]}'
    }
    const cases = Object.entries(bad).flatMap(([name, text]) => ['/predict', '/models/weather/hidden-states', '/v2/models/weather/infer', '/relevance', '/search', '/generate', 'lines'].map((path) => path === 'lines'
      ? [`${name} as a line`, '/models/weather/predict', text, { type: 'application/x-ndjson' }]
      : [`${name} to ${path}`, path, text]))
    const query = ['{"__proto__":{}}', '{"lstm":{"constructor":{"prototype":{}}}}', '{"lstm":1,"lstm":2}'].map((text) => [`${text} in the query`, `/models/weather/predict?initialState=${encodeURIComponent(text)}`, `{"inputs":${inputs}}`])
    const odd = await all([...cases, ...query], (answer, name) => name.endsWith('as a line') ? answer.status === 200 && answer.json().status === 400 : isRefused(answer, [400]))
    await write(16, '`__proto__`, `constructor` and keys twice, also written with escapes, in every place of a body, in lines and in the query', '400', `${cases.length + query.length} requests, all refused by 400`, odd)
  }
}

/** A model of finite weights whose output is not finite where its input is above zero: an LSTM, and two dense layers after it. */
function writeHuge (folder) {
  const k = 3e38
  const weights = {
    'lstm/kernel': [[2, 8], Array(16).fill(k)],
    'lstm/recurrent_kernel': [[2, 8], Array(16).fill(0)],
    'lstm/bias': [[8], Array(8).fill(0)],
    'dense/kernel': [[2, 3], [k, -k, 1, k, -k, 1]],
    'dense/bias': [[3], [k, -k, 0]],
    'out/kernel': [[3, 3], [1, -1, 1, -1, 1, 1, 1, 1, 1]],
    'out/bias': [[3], [0, 0, 0]]
  }
  const layer = (name, config) => ({ class_name: name, config })
  const layers = [
    layer('InputLayer', { name: 'x', batch_input_shape: [null, null, 2], dtype: 'float32' }), layer('LSTM', { name: 'lstm', units: 2, return_sequences: true }),
    layer('Dense', { name: 'dense', units: 3, activation: 'linear' }), layer('Dense', { name: 'out', units: 3, activation: 'linear' })
  ]
  mkdirSync(folder)
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(Object.values(weights).map(([, data]) => Buffer.from(Float32Array.from(data).buffer))))
  writeFileSync(join(folder, 'model.json'), JSON.stringify({
    format: 'layers-model',
    modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: { class_name: 'Sequential', config: { name: 'huge', layers } } },
    weightsManifest: [{ paths: ['weights.bin'], weights: Object.entries(weights).map(([name, [shape]]) => ({ name, shape, dtype: 'float32' })) }]
  }))
  // It is tried with what does not overflow.
  writeFileSync(join(folder, 'statescope.json'), JSON.stringify({ sample: { inputs: [[[0, 0]]] } }))
}

for (const [row, measure] of Object.entries(rows)) if (given.row === undefined || given.row === row) await measure()
await connections.close()
await service.stop()
rmSync(models, { recursive: true })
