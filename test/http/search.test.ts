import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { onUnits, setOf, spansOf, unitsIn, type Span } from '../../src/studies/search/spans.ts'
import type { Case } from '../support/cases.ts'
import { call, inProject, serve } from './support.ts'

const goldens = ['mask-gru-k3-keras', 'bi-own-masked-k3-keras', 'convlstm1d-k2-keras', 'td-masked-inner-k3-keras']
const folder = t.testdir()
for (const name of goldens) for (const end of ['keras', 'h5']) if (existsSync(inProject(`test/goldens/models/${name}.${end}`))) cpSync(inProject(`test/goldens/models/${name}.${end}`), join(folder, `${name}.${end}`))
for (const name of ['weather', 'weather-kind', 'chars']) cpSync(inProject(`models/${name}`), join(folder, name), { recursive: true })
const { url } = await serve(t, folder)

type Any = any

interface Match { readonly sequence: number, readonly from: number, readonly to: number, readonly score: number, readonly units: readonly number[] }

const inputsOf = (id: string): Any => {
  const { inputs } = JSON.parse(readFileSync(inProject(`test/goldens/cases/${id}.json`), 'utf8')) as Case
  return Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs
}

interface Asked { readonly units: readonly number[] | null, readonly span: { readonly sequence: number, readonly from: number, readonly to: number } | null, readonly threshold: number }

/**
 * The whole search in long hand: every span of every sequence is tried, and kept where some selected units are on throughout and no longer span has them all.
 * values `[sequence][step][unit]`, mask `[sequence][step]`.
 */
function byHand (values: number[][][], mask: number[][] | null, { units, span, threshold }: Asked): { units: number[], matches: Match[] } {
  const count = values[0][0].length
  const isOn = (sequence: number, step: number, unit: number): boolean => values[sequence][step] !== undefined && (mask === null || Boolean(mask[sequence][step])) && values[sequence][step][unit] > threshold
  const through = (sequence: number, from: number, to: number): number[] => Array.from({ length: count }, (_, unit) => unit).filter((unit) => Array.from({ length: to - from }, (_, n) => from + n).every((step) => isOn(sequence, step, unit)))
  const selected = units === null ? through(span!.sequence, span!.from, span!.to) : [...units]
  const all: (Match & { edges: number })[] = []
  for (let sequence = 0; sequence < values.length; sequence++) {
    for (let from = 0; from < values[sequence].length; from++) {
      for (let to = from + 1; to <= values[sequence].length; to++) {
        const on = through(sequence, from, to)
        const own = on.filter((unit) => selected.includes(unit))
        if (own.length === 0 || own.every((unit) => isOn(sequence, from - 1, unit)) || own.every((unit) => isOn(sequence, to, unit))) continue
        const others = units === null ? on.length - own.length : 0
        const edges = own.filter((unit) => !isOn(sequence, from - 1, unit)).length + own.filter((unit) => !isOn(sequence, to, unit)).length
        all.push({ sequence, from, to, score: own.length - others / count, units: own, edges })
      }
    }
  }
  const holds = (match: Match): number => Number(span !== null && match.sequence === span.sequence && match.from <= span.from && match.to >= span.to)
  all.sort((a, b) => b.score - a.score || holds(b) - holds(a) || (b.to - b.from) - (a.to - a.from) || b.edges - a.edges || a.sequence - b.sequence || a.from - b.from)
  return { units: selected, matches: all.map(({ edges, ...match }) => match) }
}

const search = async (body: object): Promise<Any> => {
  const { status, body: answer } = await call(`${url}/search`, body)
  if (status !== 200) throw new Error(JSON.stringify(answer))
  return answer
}

t.test('spans are those found by trying every one, whatever the pattern', async () => {
  const rows = fc.integer({ min: 1, max: 40 }).chain((units) => fc.array(fc.tuple(fc.boolean(), fc.array(fc.boolean(), { minLength: units, maxLength: units })), { minLength: 1, maxLength: 12 }))
  await fc.assert(fc.asyncProperty(rows, fc.array(fc.nat(39), { minLength: 1, maxLength: 5 }), fc.boolean(), async (rows, wanted, given) => {
    const units = rows[0][1].length
    const selected = [...new Set(wanted.map((unit) => unit % units))].sort((a, b) => a - b)
    const own = onUnits(Float32Array.from(rows.flatMap(([, row]) => row.map(Number))), units, Float32Array.from(rows, ([seen]) => Number(seen)), 0.5)
    const found: Span[] = [...spansOf(0, own, setOf(selected, own.words), !given)]
    const { matches } = byHand([rows.map(([, row]) => row.map(Number))], [rows.map(([seen]) => Number(seen))], { units: selected, span: null, threshold: 0.5 })
    const plain = (all: readonly { from: number, to: number, units: readonly number[] }[]): string => JSON.stringify(all.map(({ from, to, units }) => [from, to, units]).sort((a, b) => Number(a[0]) - Number(b[0]) || Number(a[1]) - Number(b[1])))
    return plain(found) === plain(matches) && JSON.stringify(unitsIn(setOf(selected, own.words))) === JSON.stringify(selected)
  }), { numRuns: 400 })
})

t.test('matches are those found by hand in the whole trace, in their order', async (t) => {
  const texts = ['and god said, let there be light: and th', 'in the beginning god created the heaven ', 'and the earth was without form, and void', 'and god saw the light, that it was good:', 'and god said, let there be light: and th']
  const cases: [model: string, inputs: Any, layer: string, tensor: string, asked: Asked][] = [
    ['chars', { text: texts }, 'lstm', 'hidden', { units: null, span: { sequence: 0, from: 1, to: 3 }, threshold: 0.3 }],
    ['chars', { text: texts }, 'lstm', 'cell', { units: null, span: { sequence: 1, from: 17, to: 20 }, threshold: 1 }],
    ['chars', { text: texts }, 'lstm', 'gates/forget', { units: null, span: { sequence: 2, from: 4, to: 6 }, threshold: 0.5 }],
    ['chars', { text: texts }, 'lstm', 'hidden', { units: [3, 17, 60], span: null, threshold: -0.1 }],
    ['chars', { text: texts }, 'lstm', 'hidden', { units: [3, 17, 60], span: { sequence: 3, from: 10, to: 11 }, threshold: 0.2 }],
    ['mask-gru-k3-keras', inputsOf('mask-gru-k3-keras'), 'unroll', 'hidden', { units: [0, 1], span: null, threshold: 0 }],
    ['mask-gru-k3-keras', inputsOf('mask-gru-k3-keras'), 'unroll', 'gates/update', { units: [0, 1], span: null, threshold: 0.4 }],
    ['bi-own-masked-k3-keras', inputsOf('bi-own-masked-k3-keras'), 'turned', 'forward/hidden', { units: [0, 1], span: null, threshold: -0.05 }],
    ['bi-own-masked-k3-keras', inputsOf('bi-own-masked-k3-keras'), 'turned', 'backward/hidden', { units: [0, 1], span: null, threshold: 0 }]
  ]
  for (const [model, inputs, layer, tensor, asked] of cases) {
    const what = `${model} ${layer}/${tensor}`
    const kind = tensor.split('/').find((part) => ['hidden', 'cell', 'gates'].includes(part))!
    const { body } = await call(`${url}/hidden-states`, { model, inputs, layers: layer, tensors: kind })
    const trace = body.layers[layer]
    const values = tensor.split('/').reduce((here, part) => here[part], trace) as number[][][]
    const { units, matches } = byHand(values, trace.mask ?? null, asked)
    t.ok(matches.length > 3, `${what}: there is something to find`)
    if (trace.mask !== undefined) t.ok(trace.mask.flat().includes(0), 'and something masked')
    const answer = await search({ model, inputs, limit: 10_000, select: { layer, tensor, threshold: asked.threshold, ...(asked.units === null ? {} : { units: asked.units }), ...asked.span } })
    t.same(answer.select, { layer, tensor, units, threshold: asked.threshold, ...asked.span })
    t.equal(answer.found, matches.length, what)
    t.same(answer.matches.map(({ score, ...match }: Match) => match), matches.map(({ score, ...match }) => match), what)
    t.ok(answer.matches.every(({ score }: Match, n: number) => Math.abs(score - matches[n].score) < 1e-12), `${what}: scores`)
    const few = await search({ model, inputs, limit: 2, select: { layer, tensor, threshold: asked.threshold, ...(asked.units === null ? {} : { units: asked.units }), ...asked.span } })
    t.same(few.matches, answer.matches.slice(0, 2))
    t.equal(few.found, matches.length)
    if (asked.units === null) {
      const [first] = answer.matches as Match[]
      t.ok(first.sequence === asked.span!.sequence && first.from <= asked.span!.from && first.to >= asked.span!.to && first.score === units.length, `${what}: the selection itself is first`)
    }
  }
})

t.test('the same text again is the same match, and defaults are what they are said to be', async (t) => {
  const inputs = { text: ['and god said, let there be light: and th', 'in the beginning god created the heaven ', 'and god said, let there be light: and th'] }
  const { matches: [own, again], select } = await search({ model: 'chars', inputs, select: { from: 1, to: -37 } })
  t.same({ ...again, sequence: 0 }, own)
  t.equal(again.sequence, 2)
  t.match(select, { layer: 'lstm', tensor: 'hidden', threshold: 0.3, sequence: 0, from: 1, to: 3 })
  const address = await call(`${url}/models/chars/search?limit=2&select=${encodeURIComponent('{"from":1,"to":3}')}`, { inputs })
  t.same(address.body.matches, [own, again])
})

t.test('a set larger than one part is searched as a whole', async (t) => {
  const days = Array.from({ length: 2500 }, (_, n) => Array.from({ length: 7 }, (_, step) => [0, 1, 2, 3].map((feature) => Math.round(1e3 * Math.sin(n * 0.7 + step + feature)) / 1e3)))
  const { body } = await call(`${url}/hidden-states`, { model: 'weather', inputs: days, tensors: 'hidden' })
  const asked = { units: null, span: { sequence: 2499, from: 2, to: 4 }, threshold: 0.02 }
  const { units, matches } = byHand(body.layers.lstm.hidden, null, asked)
  const answer = await search({ model: 'weather', inputs: days, limit: 200, select: { ...asked.span, threshold: 0.02 } })
  t.same(answer.select.units, units)
  t.equal(answer.found, matches.length)
  t.same(answer.matches.map(({ score, ...match }: Match) => match), matches.slice(0, 200).map(({ score, ...match }) => match))
})

t.test('what cannot be searched is refused with its place', async (t) => {
  const inputs = { text: ['and god said'] }
  const cases: [fields: object, expected: object][] = [
    [{}, { status: 422, body: { pointer: '/select' } }],
    [{ select: {} }, { status: 422, body: { pointer: '/select' } }],
    [{ select: { threshold: 0 } }, { status: 422, body: { pointer: '/select' } }],
    [{ select: null }, { status: 422 }],
    [{ select: { units: [] } }, { status: 422, body: { pointer: '/select/units' } }],
    [{ select: { units: [64] } }, { status: 422, body: { code: 'invalid_value', pointer: '/select/units/0', detail: /64, 0 to 63/ } }],
    [{ select: { units: [-1] } }, { status: 422 }],
    [{ select: { units: [1e300] } }, { status: 422 }],
    [{ select: { units: [0], layer: 'constructor' } }, { status: 422, body: { code: 'unknown_name', pointer: '/select/layer' } }],
    [{ select: { units: [0], layer: 'dense' } }, { status: 422, body: { code: 'unknown_name', pointer: '/select/layer' } }],
    [{ select: { units: [0], tensor: 'final/hidden' } }, { status: 422, body: { code: 'unknown_name', pointer: '/select/tensor', detail: /"hidden", "cell", "gates\/input"/ } }],
    [{ select: { units: [0], tensor: '__proto__' } }, { status: 422, body: { code: 'unknown_name', pointer: '/select/tensor' } }],
    [{ select: { units: [0], tensor: 'mask' } }, { status: 422, body: { code: 'unknown_name', pointer: '/select/tensor' } }],
    [{ select: { sequence: 1 } }, { status: 422, body: { pointer: '/select/sequence' } }],
    [{ select: { from: 40 } }, { status: 422, body: { pointer: '/select/from' } }],
    [{ select: { from: 3, to: 3 } }, { status: 422, body: { pointer: '/select/to' } }],
    [{ select: { to: 41 } }, { status: 422, body: { pointer: '/select/to' } }],
    [{ select: { from: 30, threshold: 2 } }, { status: 422, body: { pointer: '/select/threshold', detail: /no unit is above 2 .*unit \d+ comes nearest/i } }],
    [{ select: { from: 30, threshold: '0' } }, { status: 422 }],
    [{ select: { from: 30, until: 2 } }, { status: 422 }],
    [{ select: { from: 30 }, limit: 0 }, { status: 422 }],
    [{ select: { from: 30 }, limit: 1.5 }, { status: 422 }],
    [{ select: { from: 30 }, tensors: 'hidden' }, { status: 422 }]
  ]
  for (const [fields, expected] of cases) t.match(await call(`${url}/search`, { model: 'chars', inputs, ...fields }), expected, JSON.stringify(fields))
  const days = (await call(`${url}/models/weather-kind/sample`)).body.inputs
  t.match(await call(`${url}/search`, { model: 'weather-kind', inputs: days, select: { units: 0 } }), { status: 422, body: { pointer: '/select/layer', detail: /name one of/i } })
  t.match(await call(`${url}/search`, { model: 'convlstm1d-k2-keras', inputs: inputsOf('convlstm1d-k2-keras'), select: { units: 0, layer: 'dilated' } }), { status: 422, body: { pointer: '/select/layer', detail: /column/ } })
  t.match(await call(`${url}/search`, { model: 'td-masked-inner-k3-keras', inputs: inputsOf('td-masked-inner-k3-keras'), select: { units: 0, layer: 'td', tensor: 'inner/hidden' } }), { status: 422, body: { pointer: '/select/layer', detail: /outer step/ } })
  const masked = inputsOf('mask-gru-k3-keras')
  const { body: { layers } } = await call(`${url}/hidden-states`, { model: 'mask-gru-k3-keras', inputs: masked })
  const sequence = layers.unroll.mask.findIndex((steps: number[]) => steps.includes(0))
  t.match(await call(`${url}/search`, { model: 'mask-gru-k3-keras', inputs: masked, select: { sequence, layer: 'unroll', threshold: -5 } }), { status: 422, body: { pointer: '/select/from', detail: /is masked/ } })
  const lines = await fetch(`${url}/models/chars/search`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: '{}' })
  t.equal(lines.status, 415)
  t.match(await call(`${url}/search`, { model: 'nope', inputs, select: { units: 0 } }), { status: 404 })
})
