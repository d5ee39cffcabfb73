import { request as open } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { defaults } from '../../src/config.ts'
import { Fault } from '../../src/errors.ts'
import type { Service } from '../../src/http/service.ts'
import { Lifecycle } from '../../src/lifecycle/lifecycle.ts'
import { Memory } from '../../src/lifecycle/memory.ts'
import { loadCheck } from '../../src/load-check.ts'
import type { ModelFile } from '../../src/model.ts'
import { startPool } from '../../src/pool/pool.ts'
import type { Job } from '../../src/pool/protocol.ts'
import type { Served } from '../../src/registry/entry.ts'
import type { Meta, TextCoding } from '../../src/registry/meta.ts'
import { usualLimits } from '../../src/registry/read.ts'
import { Registry } from '../../src/registry/registry.ts'
import { chain, layer } from '../support/models.ts'
import { call, inProject, serve, type Answer } from './support.ts'

const { url, service } = await serve(t, inProject('models'))
const json = { accept: 'application/json' }
const ask = async (body: object, base = url): Promise<Answer> => await call(`${base}/generate`, { model: 'chars', prompt: 'And God said', length: 12, ...body }, json)

/** What predict gives for a text: the truth for each character. */
const predict = async (model: string, text: string): Promise<number[]> => Object.values((await call(`${url}/predict`, { model, inputs: { text: [text] } })).body.outputs as Record<string, number[][]>)[0][0]
const alphabetOf = { chars: " !'(),-.:;?abcdefghijklmnopqrstuvwxyz", nextchar: ' "(),-.0123456789:;abcdefghijklmnopqrstuvwxyz' }

interface Event { readonly event: string, readonly data: any }
const eventsOf = (text: string): Event[] => text.split('\n\n').slice(0, -1).map((block) => {
  const lines = block.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)])
  return { event: lines.find(([name]) => name === 'event')?.[1] ?? 'message', data: JSON.parse(lines.find(([name]) => name === 'data')![1]) }
})

t.test('temperature 0 is the likeliest character each time, as predict has it for the text so far', async (t) => {
  for (const [model, prompt] of [['chars', 'And God said'], ['chars', ''], ['nextchar', 'of th'], ['nextchar', 'w']] as const) {
    const { status, body } = await ask({ model, prompt, temperature: 0, length: 6, probabilities: true, states: 'lstm' })
    t.equal(status, 200)
    t.equal(body.text, body.steps.map(({ text }: { text: string }) => text).join(''))
    let text: string = prompt
    for (const step of body.steps) {
      const truth = await predict(model, text)
      const own = [...alphabetOf[model]].map((letter) => step.probabilities[letter])
      t.equal(Object.keys(step.probabilities).length, own.length)
      t.ok(own.every((value, n) => Math.abs(value - truth[n]) < 1e-6))
      t.equal(step.text, alphabetOf[model][truth.indexOf(Math.max(...truth))])
      const { layers: { lstm: { final } } } = (await call(`${url}/hidden-states`, { model, inputs: { text: [text] }, tensors: 'final' })).body
      for (const state of ['hidden', 'cell']) t.ok(step.states.lstm[state].every((value: number, unit: number) => Math.abs(value - final[state][0][unit]) < 1e-6), state)
      text += step.text
    }
  }
})

t.test('an event a character, and the same in one piece', async (t) => {
  const wish = { model: 'chars', prompt: 'In the beginning', length: 20, temperature: 0.7, topK: 5, seed: 42, probabilities: 2, states: { lstm: [3, 0] } }
  const response = await fetch(`${url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(wish) })
  t.match([response.status, response.headers.get('content-type'), response.headers.get('cache-control'), response.headers.get('x-seed')], [200, 'text/event-stream', 'no-store', '42'])
  const events = eventsOf(await response.text())
  const { body } = await ask(wish)
  t.equal(events.length, 20)
  t.ok(events.every(({ event }) => event === 'message'))
  t.equal(events.map(({ data }) => data.text).join(''), body.text)
  t.same(Object.keys(body), ['model', 'version', 'digest', 'seed', 'text', 'steps', 'receipt'])
  t.match(body, { model: 'chars', version: 1, seed: 42, receipt: { sound: true } })
  for (const [n, { data }] of events.entries()) {
    t.same([Object.keys(data), Object.keys(data.probabilities).length, data.states.lstm.hidden.length, data.states.lstm.cell.length], [['text', 'probabilities', 'states'], 2, 2, 2])
    t.ok(Math.abs(data.states.lstm.hidden[1] - body.steps[n].states.lstm.hidden[1]) < 1e-6)
  }
  const other = await call(`${url}/models/chars/generate?length=20&temperature=0.7&topK=5&seed=42&probabilities=2&states=${encodeURIComponent('{"lstm":[3,0]}')}`, { prompt: 'In the beginning' }, json)
  t.equal(other.body.text, body.text, 'from the query')
  t.equal((await call(`${url}/models/chars/generate?length=20&temperature=7e-1&topK=5&seed=42`, { prompt: 'In the beginning' }, json)).body.text, body.text)
  t.match((await call(`${url}/models/chars/generate?states=lstm&probabilities=true`, { prompt: 'a', length: 1 }, json)).body.steps[0], { probabilities: { a: Number }, states: { lstm: { hidden: Array } } })
})

t.test('the same seed gives the same text, another one another', async (t) => {
  const texts = await Promise.all([1, 1, 2].map(async (seed) => (await ask({ seed, length: 40 })).body.text as string))
  t.equal(texts[0], texts[1])
  t.not(texts[0], texts[2])
  const { body } = await ask({ length: 30 })
  t.equal((await ask({ length: 30, seed: body.seed })).body.text, body.text, 'the seed that was chosen says the same again')
})

t.test('what is wrong is refused where it stands', async (t) => {
  const wrong: [body: object, pointer: string | undefined][] = [
    [{ prompt: undefined }, '/prompt'], [{ prompt: 1 }, '/prompt'], [{ prompt: ['a'] }, '/prompt'], [{ length: undefined }, '/length'], [{ length: 0 }, '/length'], [{ length: 10_001 }, '/length'],
    [{ length: 1.5 }, '/length'], [{ length: '3' }, '/length'], [{ temperature: -1 }, '/temperature'], [{ temperature: '1' }, '/temperature'], [{ temperature: null }, '/temperature'], [{ topK: 0 }, '/topK'], [{ topK: 1.5 }, '/topK'],
    [{ seed: -1 }, '/seed'], [{ seed: 2 ** 53 }, '/seed'], [{ seed: 0.5 }, '/seed'], [{ probabilities: 0 }, '/probabilities'], [{ probabilities: 'all' }, '/probabilities'], [{ states: 'dense' }, '/states'],
    [{ states: ['lstm', 'constructor'] }, '/states/1'], [{ states: { constructor: [0] } }, '/states/constructor'], [{ states: { lstm: [0, 64] } }, '/states/lstm/1'], [{ states: { lstm: 1 } }, '/states/lstm'], [{ states: 3 }, '/states'], [{ stop: 'x' }, '/stop'],
    [{ model: 'weather' }, '/model'], [{ model: 'nextchar', prompt: 'caf\u00e9' }, '/prompt']
  ]
  for (const [body, pointer] of wrong) {
    const { status, headers, body: found } = await ask(body)
    t.match([status, headers.get('content-type')], [422, 'application/problem+json'], JSON.stringify(body))
    t.equal(found.pointer, pointer, `${JSON.stringify(body)}: ${found.detail}`)
  }
  t.match(await ask({ model: 'weather' }), { body: { detail: /takes no text/ } })
  t.match(await ask({ length: 10_001 }), { body: { detail: /a whole number from 1 to 10000, got the number 10001/ } })
  t.match(await ask({ temperature: -1 }), { body: { detail: /a number of at least 0, got the number -1/ } })
  t.match(await ask({ model: 'nothing' }), { status: 404 })
  t.match(await call(`${url}/generate`, { model: 'chars', prompt: 'a', length: 1 }, { accept: 'application/x-npz' }), { status: 406 })
  t.match(await call(`${url}/models/chars/generate?temperature=hot`, { prompt: 'a', length: 1 }, json), { status: 422, body: { detail: /temperature/ } })
  t.match(await call(`${url}/models/chars/generate?length=2`, { prompt: 'a', length: 1 }, json), { status: 422, body: { pointer: '/length' } })
})

/** A service whose pool counts, and may fail. */
async function counted (t: { teardown: (close: () => Promise<void>) => void }, run: (job: Job, n: number) => Promise<void>, { registry, pool, lifecycle }: Service): Promise<{ url: string, runs: () => number }> {
  let n = 0
  const own: Service['pool'] = { engine: pool.engine, sent: (body) => pool.sent(body), state: () => pool.state(), full: (share) => pool.full(share), run: async (key, job) => { await run(job, n++); return await pool.run(key, job) } }
  const app = await buildApp({ ...defaults(), LOG_LEVEL: 'silent' }, () => ({ registry, lifecycle, pool: own }))
  t.teardown(async () => await app.close())
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), runs: () => n }
}

t.test('what goes wrong midway is the last event, or the whole answer; who is busy is waited for', async (t) => {
  const failing = await counted(t, async (_, n) => {
    if (n % 5 === 3) throw new Fault('queue_full', 'busy')
    if (n > 12) throw new Fault('unsound', 'the states do not follow')
  }, service)
  const body = JSON.stringify({ model: 'chars', prompt: 'a', length: 50 })
  const response = await fetch(`${failing.url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  t.equal(response.status, 200)
  const events = eventsOf(await response.text())
  // 13 runs, two of them turned away and made again.
  t.equal(events.length, 12)
  t.match(events.at(-1), { event: 'error', data: { type: 'urn:statescope:problem:unsound', status: 503, code: 'unsound', detail: /do not follow/, instance: /./ } })
  t.match(await ask({}, failing.url), { status: 503, body: { code: 'unsound' } })
  const busy = await counted(t, async () => { throw new Fault('queue_full', 'busy') }, service)
  t.match(await ask({}, busy.url), { status: 429, body: { code: 'queue_full' } }, 'the first is turned away like any request')
})

t.test('a character is with its reader as soon as it is there, compressed or not', async (t) => {
  for (const coding of ['identity', 'gzip', 'zstd']) {
    const { url, runs } = await counted(t, async () => {}, service)
    const sent = open(`${url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json', 'accept-encoding': coding } })
    sent.on('error', () => {})
    const seen = await new Promise<number>((resolve) => {
      sent.on('response', (response) => response.on('error', () => {}).on('data', () => resolve(runs())))
      sent.end(JSON.stringify({ model: 'chars', prompt: 'a', length: 5000 }))
    })
    sent.destroy()
    t.ok(seen < 500, `${coding}: the first after ${seen} runs`)
  }
})

t.test('a client that goes away ends it, one that reads slowly holds it', async (t) => {
  for (const headers of [{}, json]) {
    const { url, runs } = await counted(t, async () => {}, service)
    const sent = open(`${url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers } })
    sent.on('error', () => {})
    sent.on('response', (response) => response.on('error', () => {}).resume())
    sent.end(JSON.stringify({ model: 'chars', prompt: 'a', length: 10_000 }))
    while (runs() < 5) await wait(5)
    sent.destroy()
    let after
    do {
      after = runs()
      await wait(500)
    } while (runs() !== after)
    t.ok(after < 5000, `${JSON.stringify(headers)}: ${after} runs`)
  }
  const { url, runs } = await counted(t, async () => {}, service)
  const sent = open(`${url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json' } })
  sent.on('error', () => {})
  const response = await new Promise<NodeJS.ReadableStream & { destroy: () => void }>((resolve) => {
    sent.on('response', resolve)
    sent.end(JSON.stringify({ model: 'nextchar', prompt: 'the', length: 10_000, probabilities: true, states: 'lstm' }))
  })
  response.on('error', () => {})
  // Events of 4 kB each: what the sockets hold is full long before the end.
  let before = -1
  while (runs() !== before) {
    before = runs()
    await wait(1000)
  }
  t.ok(before < 9000, `${before} runs, nothing read`)
  sent.destroy()
})

/** A model with an alphabet, at any length, in a pool of its own. */
async function served (t: { teardown: (close: () => Promise<void>) => void }, files: Readonly<Record<string, readonly [ModelFile, Meta]>>): Promise<Service> {
  const pool = await startPool({ engine: (process.env.ENGINE || 'auto') as 'auto', workers: 1, queue: { requests: 100, bytes: 2 ** 26 } })
  t.teardown(pool.close)
  const entries: Served[] = []
  for (const [id, [file, meta]] of Object.entries(files)) {
    const entry: Served = { key: `${id}/1`, id, version: 1, status: 'ready', digest: 'sha256:0', file, meta }
    const { reason } = await pool.load(entry.key, file, loadCheck(entry))
    if (reason !== undefined) throw new Error(reason)
    entries.push(entry)
  }
  const registry = new Registry(entries)
  return { pool, registry, lifecycle: new Lifecycle({ registry, pool, store: null, limits: usualLimits, memory: new Memory(Infinity, 1), longest: 1000, check: loadCheck, log: console }) }
}

t.test('a model of any length reads on from its states, to the same text and numbers as the whole text gives', async (t) => {
  const text: TextCoding = { alphabet: ['a', 'b', 'c', '<unknown>'], encoding: 'one-hot', unknown: '<unknown>' }
  const rnn = (path: string, className: string, blocks: number, features: number, units: number, config: object = {}): ReturnType<typeof layer> => layer(path, className, {
    units, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, return_sequences: true, return_state: false, go_backwards: false, ...config
  }, { kernel: [features, blocks * units], recurrent_kernel: [units, blocks * units], bias: [blocks * units] })
  const softmax = (features: number): ReturnType<typeof layer> => layer('dense', 'Dense', { units: 4, activation: 'softmax', use_bias: true }, { kernel: [features, 4], bias: [4] })
  const two = [rnn('lstm', 'LSTM', 4, 4, 6), rnn('gru', 'GRU', 3, 6, 5, { reset_after: false })]
  const models: Readonly<Record<string, readonly [ModelFile, Meta]>> = {
    sequences: [chain([null, 4], [...two, softmax(5)]), { text }],
    last: [chain([null, 4], [two[0], { ...two[1], config: { ...two[1].config, return_sequences: false } }, softmax(5)]), { text }],
    ids: [chain([null], [layer('embedding', 'Embedding', { input_dim: 4, output_dim: 4, mask_zero: false }, { embeddings: [4, 4] }), ...two, softmax(5)]), { text: { ...text, encoding: 'ids' } }],
    // The same with a layer that does nothing but what no run may go on from.
    again: [chain([null, 4], [layer('once', 'UpSampling1D', { size: 1 }), ...two, softmax(5)]), { text }],
    logits: [chain([null, 4], [...two, { ...softmax(5), config: { units: 4, activation: 'linear', use_bias: true } }]), { text }],
    three: [chain([null, 4], [...two, layer('dense', 'Dense', { units: 3, activation: 'softmax', use_bias: true }, { kernel: [5, 3], bias: [3] })]), { text }],
    labels: [chain([null, 4], [...two, softmax(5)]), { text, outputLabels: ['c', 'b', 'a', '<unknown>'] }],
    mislabelled: [chain([null, 4], [...two, softmax(5)]), { text, outputLabels: ['c', 'b', 'a', 'd'] }]
  }
  const own = await served(t, models)
  const read: number[][] = []
  const { url } = await counted(t, async ({ batch: { inputs, initial } }) => { read.push([inputs.x.shape[1], Object.keys(initial).length]) }, own)
  const generate = async (model: string, more: object = {}): Promise<Answer> => await call(`${url}/generate`, { model, prompt: 'abxcab', length: 30, seed: 5, probabilities: true, states: ['lstm', 'gru'], ...more }, json)
  const numbersOf = ({ body }: Answer): number[] => body.steps.flatMap(({ probabilities, states: { lstm, gru } }: any) => [...Object.values(probabilities), ...lstm.hidden, ...lstm.cell, ...gru.hidden]) as number[]
  const whole = await generate('again')
  t.equal(whole.status, 200, JSON.stringify(whole.body))
  t.same(read, Array.from({ length: 30 }, (_, n) => [6 + n, 0]), 'the whole text each time')
  for (const model of ['sequences', 'last', 'ids']) {
    read.length = 0
    const found = await generate(model)
    t.same(read, [[6, 0], ...Array(29).fill([1, 2])], `${model}: one character each time, from the states of both layers`)
    if (model === 'ids') continue
    t.equal(found.body.text, whole.body.text, model)
    const [a, b] = [numbersOf(found), numbersOf(whole)]
    t.ok(a.length === b.length && a.length === 30 * 21 && a.every((value, n) => Math.abs(value - b[n]) < 1e-6), model)
  }
  // Of ids the truth is what predict gives for the text so far.
  const ids = (await generate('ids')).body
  let textSoFar = 'abxcab'
  for (const { text, probabilities } of ids.steps) {
    const { body } = await call(`${url}/predict`, { model: 'ids', inputs: { text: [textSoFar] } })
    t.ok((body.outputs.dense[0].at(-1) as number[]).every((value, n) => Math.abs(value - probabilities[['a', 'b', 'c', '<unknown>'][n]]) < 1e-6))
    // An entry of several characters is met in a text as any unknown one is.
    textSoFar += text === '<unknown>' ? 'x' : text
  }
  const turned = (await generate('labels', { length: 1 })).body.steps[0].probabilities
  const straight = whole.body.steps[0].probabilities
  t.ok(Math.abs(turned.c - straight.a) < 1e-6 && Math.abs(turned.a - straight.c) < 1e-6, 'the output has its own labels')

  t.match(await generate('logits'), { status: 422, body: { pointer: '/model', detail: /no distribution over the 4 letters.*after a softmax/ } })
  t.match(await generate('three'), { status: 422, body: { pointer: '/model', detail: /it gives 3 numbers/ } })
  t.match(await generate('mislabelled'), { status: 422, body: { pointer: '/model', detail: /outputLabels has "d" outside the alphabet/ } })
  t.match(await generate('sequences', { prompt: '' }), { status: 422, body: { pointer: '/prompt' } })
})
