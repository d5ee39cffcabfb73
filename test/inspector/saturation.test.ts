import t from 'tap'
import { gatedCells, gatesIn, spotsOf, unitWords } from '../../src/inspector/views/saturation/points.ts'
import { look } from './browser.ts'
import { serveGoldens } from './goldens.ts'

const bidirectional = 'bi-lstm-gru-k3-keras'
const others = serveGoldens(`${bidirectional}.keras`)

const columns = ['count', 'low', 'high', 'mean', 'min', 'max']
type Unit = Record<string, number | null>
/** The lines of the CSV that a summary's gates must give. */
const linesOf = (gates: Record<string, Unit[]>, names: readonly string[]): string[] =>
  names.flatMap((gate) => gates[gate].map((own, unit) => [gate, unit, ...columns.map((column) => own[column] ?? '')].join(',')))

look('how often each gate of each unit is open or shut, as the service counts it', {}, async (t, { visit, csv, page, service, settled }) => {
  await visit('/?model=chars&view=saturation')
  const { body: sample } = await service.ask('/models/chars/sample')
  const ask = async (summary: object) => (await service.ask('/hidden-states', { model: 'chars', inputs: sample.inputs, raw: sample.raw, tensors: ['gates'], summary })).body.layers.lstm.gates
  const shown = async (): Promise<string[]> => (await csv('saturation')).split('\r\n').slice(1, -1)
  const plain = await ask({ low: 0.1, high: 0.9 })
  t.same(await shown(), linesOf(plain, ['input', 'forget', 'output']))
  t.ok(plain.forget.some(({ high }: Unit) => high! > 0), 'some gate is open for a while')

  await page.getByLabel('Shut below').fill('0.3')
  await page.getByLabel('Open above').fill('0.6')
  await page.getByLabel('Open above').blur()
  await settled()
  await t.resolves(page.waitForURL(/low=0.3&high=0.6/))
  const wider = linesOf(await ask({ low: 0.3, high: 0.6 }), ['input', 'forget', 'output'])
  t.notSame(wider, linesOf(plain, ['input', 'forget', 'output']))
  t.same(await shown(), wider)

  await page.getByLabel('Look at').selectOption('candidate')
  await settled()
  await page.getByRole('heading', { name: 'candidate', exact: true }).waitFor()
  t.same(await shown(), linesOf(await ask({ low: -0.9, high: 0.9 }), ['candidate']))
})

look('a unit is chosen by its number or its point, and leads to its states', {}, async (t, { visit, page, service }) => {
  await visit('/?model=chars&view=saturation')
  const { body: sample } = await service.ask('/models/chars/sample')
  const { body } = await service.ask('/hidden-states', { model: 'chars', inputs: sample.inputs, raw: sample.raw, tensors: ['gates'], summary: { low: 0.1, high: 0.9 } })
  const forget = body.layers.lstm.gates.forget as { low: number, high: number }[]
  await page.getByRole('spinbutton', { name: 'Unit' }).fill('5')
  t.match(await page.locator('output').innerText(), `forget: open ${Number((100 * forget[5].high).toPrecision(4))} %, shut ${Number((100 * forget[5].low).toPrecision(4))} %`)
  t.match(await page.getByRole('link', { name: 'The states of unit 5' }).getAttribute('href'), /model=chars&view=states&unit=5&layer=lstm&tensor=gates%2Finput$/)

  // The unit that is open most: its point is the farthest to the right.
  const most = forget.reduce((best, { high }, unit) => high > forget[best].high ? unit : best, 0)
  const chart = page.getByRole('img', { name: 'Scatter of the forget gate' })
  const { width, height } = (await chart.boundingBox())!
  await chart.click({ position: { x: 56 + forget[most].high * (width - 80), y: 16 + (1 - forget[most].low) * (height - 62) } })
  await t.resolves(page.waitForURL(new RegExp(`unit=${most}(&|$)`)))
})

look('each direction by itself', { on: others }, async (t, { visit, csv, page, service, settled }) => {
  await visit(`/?model=${bidirectional}&view=saturation&layer=bi`)
  const { body: sample } = await service.ask(`/models/${bidirectional}/sample`)
  const { body } = await service.ask('/hidden-states', { model: bidirectional, inputs: sample.inputs, tensors: ['gates'], layers: ['bi'], summary: { low: 0.1, high: 0.9 } })
  for (const side of ['forward', 'backward']) {
    await page.getByLabel('Cell').selectOption(side)
    await settled()
    t.same((await csv('saturation')).split('\r\n').slice(1, -1), linesOf(body.layers.bi[side].gates, ['input', 'forget', 'output']), side)
  }
})

look('thresholds that make no sense are refused in the service\'s words', { expected: /422|400/ }, async (t, { visit, page }) => {
  await visit('/?model=chars&view=saturation&low=0.9&high=0.1')
  t.match(await page.getByRole('alert').innerText(), /\/summary/)
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, { page, visit, violations }) => {
    await visit('/?model=weather&view=saturation&unit=3')
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}

t.test('cells with gates, and their place in the answer, names with a slash too', async (t) => {
  t.same(gatedCells({ key: 'bi', tensors: ['bi/forward/hidden', 'bi/forward/gates/input', 'bi/backward/gates/input', 'bi/forward/final/hidden'] }), [{ place: 'forward/', gates: ['input'] }, { place: 'backward/', gates: ['input'] }])
  t.same(gatedCells({ key: 'rnn', tensors: ['rnn/hidden'] }), [])
  const gates = { input: [] }
  t.equal(gatesIn({ cells: { 1: { gates } } }, 'cells/1/'), gates)
  t.equal(gatesIn({ 'inner/lstm': { gates }, inner: {} }, 'inner/lstm/'), gates)
  t.same(gatesIn({}, 'forward/'), {})
})

t.test('units of one place are one point; what was never counted is none', async (t) => {
  const unit = (low: number | null, high: number | null) => ({ count: 1, mean: 0, min: 0, max: 0, low, high })
  t.same(spotsOf([unit(0, 0.5), unit(null, null), unit(0, 0.5), unit(0.5, 0)]), [{ high: 0.5, low: 0, units: [0, 2] }, { high: 0, low: 0.5, units: [3] }])
  t.equal(unitWords([7]), 'unit 7')
  t.equal(unitWords(Array.from({ length: 14 }, (_, n) => n)), 'units 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more')
})
