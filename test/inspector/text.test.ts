import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { inkOn, signOf, textSvg } from '../../src/inspector/parts/text-svg.ts'
import { deviation, kinds, separation } from '../../src/inspector/views/text/ranking.ts'
import { mover } from '../../src/inspector/views/text/steps.ts'
import { look } from './browser.ts'

t.test('how well numbers tell a class is the share of pairs, counted', async (t) => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: -3, max: 3 }), fc.boolean()), { minLength: 1, maxLength: 30 }), (pairs) => {
    const [values, inside] = [pairs.map(([value]) => value), pairs.map(([, own]) => own)]
    let [won, all] = [0, 0]
    for (const [a, within] of pairs) for (const [b, other] of pairs) if (within && !other) { all++; won += a > b ? 1 : a === b ? 0.5 : 0 }
    const found = separation(values, inside)
    return all === 0 ? found === null : Math.abs(found! - won / all) < 1e-12
  }))
  t.equal(deviation([1, 3]), 1)
  t.equal(deviation([2, 2, 2]), 0)
})

t.test('kinds of characters', async (t) => {
  const of = (kind: string, text: string): string => kinds[kind]([...text]).map((own) => own ? '1' : '0').join('')
  t.equal(of('spaces', 'a b\n'), '0101')
  t.equal(of('starts of words', "no, God's 1st"), '1000100000100')
  t.equal(of('vowels', 'aBeI'), '1011')
  t.equal(of('capitals', 'aBÉ'), '011')
  t.equal(of('digits', 'a12'), '011')
  t.equal(of('punctuation', 'a,“$ '), '01110')
  t.equal(of('text inside quotes', 'a "bc" d "e'), '00011000001')
  t.equal(of('text inside brackets', '(ab) c)(d'), '011000001')
})

t.test('a layer whose steps may be others than those of the input is told', async (t) => {
  const layer = (path: string, type: string, from: string[], config = {}) => ({ path, keys: [path], type, config, calls: [{ key: path, inbound: from.map((key) => ({ key, output: 0 })) }] })
  const model = (...between: [string, string, object?][]) => ({
    layers: [layer('input', 'InputLayer', []), ...between.map(([path, type, config], n) => layer(path, type, [n === 0 ? 'input' : between[n - 1][0]], config)), layer('lstm', 'LSTM', [between.at(-1)?.[0] ?? 'input'])]
  })
  t.equal(mover(model(), 'lstm'), null)
  t.equal(mover(model(['e', 'Embedding'], ['d', 'Dropout'], ['first', 'LSTM'], ['bi', 'Bidirectional']), 'lstm'), null)
  t.equal(mover(model(['e', 'Embedding'], ['c', 'Conv1D'], ['d', 'Dropout']), 'lstm'), 'c (Conv1D)')
  t.equal(mover(model(['back', 'LSTM', { go_backwards: true }]), 'lstm'), 'back (LSTM)')
  t.equal(mover(model(['first', 'LSTM'], ['r', 'RepeatVector']), 'lstm'), 'r (RepeatVector)')
  t.equal(mover(model(), 'other'), 'other')
  const masked = { key: 'lstm', inbound: [{ key: 'input', output: 0 }, { key: 'op', output: 0, argument: 'mask' }, { key: 'op', output: 0, argument: 'initial_state' }] }
  t.equal(mover({ layers: [layer('input', 'InputLayer', []), layer('op', 'ops.NotEqual', ['input']), { ...layer('lstm', 'LSTM', []), calls: [masked] }] }, 'lstm'), null)
})

t.test('the picture by hand: what stands in it, and letters that can be read on any colour', async (t) => {
  const svg = textSvg([[{ text: '<', value: 1 }, { text: ' ', value: -1 }, { text: '', value: null }], [{ text: '\n', value: 0 }]], (value) => [value < 0 ? 0 : 200, 100, 50], { background: '#fff', text: '#000' })
  t.equal(svg.match(/<rect x/g)?.length, 3, 'a colour for each value')
  t.equal(svg.match(/<text /g)?.length, 3, 'no sign for a space')
  t.match(svg, '&lt;')
  t.same(['', '\n', '\t', ' ', 'a'].map(signOf), ['·', '↵', '⇥', ' ', 'a'])
  const light = ([red, green, blue]: number[]): number => [red, green, blue].map((part) => part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4).reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0)
  fc.assert(fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)), (colour) => {
    const [a, b] = [light(colour), inkOn(colour) === '#ffffff' ? 1 : 0]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) >= 4.5
  }))
})

look('a text stands on the values of one unit, those of the service', {}, async (t, { page, visit, numbers, service, settled }) => {
  await visit('/?model=chars&view=text&tensor=lstm/cell&unit=5')
  const { body: sample } = await service.ask('/models/chars/sample')
  const asked = async (tensors: string): Promise<any> => (await service.ask('/hidden-states', { ...sample, layers: 'lstm', tensors })).body.layers.lstm
  const characters = [[...'And God said, Let there be light: and th'.toLowerCase()], [...Array<string>(13).fill(''), ...'In the beginning was the Wo'.toLowerCase()]]
  const expected = (values: number[][][], unit: number): string[][] => values.flatMap((steps, sequence) => steps.map((units, step) => [String(sequence), String(step), characters[sequence][step], String(units[unit])]))
  t.same(await numbers('text-unit'), { columns: ['sequence', 'step', 'character', 'lstm/cell unit 5'], rows: expected((await asked('cell')).cell, 5) })
  t.same(await page.locator('#text-unit .unseen').allTextContents(), ['and god said, let there be light: and th', 'in the beginning was the wo'], 'plain for a screen reader, once')
  await page.getByRole('button', { name: 'Next unit' }).click()
  await page.getByLabel('Value').selectOption('lstm/gates/forget')
  await page.locator('#text-unit h2', { hasText: 'lstm/gates/forget, unit 6' }).waitFor()
  await settled()
  t.same((await numbers('text-unit')).rows, expected((await asked('gates')).gates.forget, 6))
  await page.waitForURL(/tensor=lstm%2Fgates%2Fforget&unit=6/)
})

look('units that tell a kind of character best, by the service\'s numbers', {}, async (t, { page, visit, service }) => {
  await visit('/?model=chars&view=text&rank=spaces')
  const { body: sample } = await service.ask('/models/chars/sample')
  const { body: answer } = await service.ask('/hidden-states', { ...sample, layers: 'lstm', tensors: 'hidden' })
  const texts = ['And God said, Let there be light: and th', 'In the beginning was the Wo']
  const spaces = texts.flatMap((text) => kinds.spaces([...text]))
  const values = (unit: number): number[] => (answer.layers.lstm.hidden as number[][][]).flatMap((steps, n) => steps.slice(-texts[n].length).map((units) => units[unit]))
  const scores = Array.from({ length: 64 }, (_, unit) => ({ unit, score: separation(values(unit), spaces)! })).sort((a, b) => Math.abs(b.score - 0.5) - Math.abs(a.score - 0.5) || a.unit - b.unit)
  await page.locator('.ranking li').first().waitFor()
  t.same(await page.locator('.ranking li button').allInnerTexts(), scores.slice(0, 12).map(({ unit }) => `unit ${unit}`))
  t.match(await page.locator('.ranking li').first().innerText(), `${scores[0].score > 0.5 ? 'higher' : 'lower'} in ${Number((100 * Math.max(scores[0].score, 1 - scores[0].score)).toPrecision(4))} % of pairs`)
  await page.locator('.ranking li button').first().click()
  await page.locator('#text-unit h2', { hasText: `unit ${scores[0].unit}` }).waitFor()
})

look('the text is saved as PNG and SVG', {}, async (t, { page, visit }) => {
  await visit('/?model=chars&view=text')
  for (const [kind, start] of [['PNG', '\x89PNG'], ['SVG', '<svg ']]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#text-unit button', { hasText: kind }).click()])
    const file = readFileSync(await download.path()).toString('latin1')
    t.equal(file.slice(0, start.length), start)
    t.ok(file.length > 2000)
    if (kind === 'SVG') t.equal(file.match(/<rect x/g)?.length, 80)
  }
})

look('a model of numbers has no such view', {}, async (t, { page, visit }) => {
  await visit('/?model=weather&view=text')
  t.match(await page.locator('nav').innerText(), /Prediction/)
  t.notMatch(await page.locator('nav').innerText(), /Text by a unit|Writing/)
  t.equal(await page.locator('nav a[aria-current]').innerText(), 'Graph', 'the first of its views')
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation in the text at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, { page, visit, violations }) => {
    await visit('/?model=chars&view=text&rank=spaces&unit=5&tensor=lstm/cell')
    await page.locator('#text-unit').waitFor()
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}

t.setTimeout(240_000)
