import { resolve } from 'node:path'
import type { Locator } from 'playwright-core'
import type { Test } from 'tap'
import t from 'tap'
import { serve } from '../support/service.ts'
import { look, type Opened } from './browser.ts'

type Row = readonly (string | number | null)[]
const cells = (rows: readonly Row[]): string[][] => rows.map((row) => row.map((value) => String(value ?? '')))
const inTime = (summary: Readonly<Record<string, { count: number }>>): string[] => Object.keys(summary).filter((lag) => summary[lag].count > 0).reverse()
/** Everything under the view, whatever is asked one after the other, is there. */
const whole = async ({ page, settled }: Opened): Promise<void> => {
  await page.locator('#relevance-gates .answer').waitFor()
  await settled()
}
const said = async (place: Locator): Promise<string> => (await place.innerText()).replaceAll(/\s+/g, ' ')

/** What holding a gate does, asked of the service and not of the page. */
async function held ({ service }: Opened, body: Record<string, any>, means: Record<string, any>, index: number): Promise<string[][]> {
  const rows: Row[] = []
  for (const gate of ['input', 'forget', 'candidate', 'output']) {
    const value = means.layers.lstm.gates[gate].map(({ mean }: { mean: number }) => mean)
    for (const lag of [0, 1, 2, 3, 4, 5]) {
      const { body: { outputs, intervened } } = await service.ask('/hidden-states', { ...body, layers: 'lstm', tensors: 'final', steps: 'last', intervene: [{ layer: 'lstm', gate, value, ...lag === 0 ? {} : { steps: [7 - lag] } }] })
      body.inputs.forEach((_: unknown, n: number) => {
        const [without, now] = [outputs, intervened].map(({ activation }: { activation: number[][] }) => activation[n][index])
        rows.push([n, gate, lag === 0 ? 'every step' : `t-${lag}`, without, now, now - without])
      })
    }
  }
  return cells(rows)
}

look('which days the weather model uses and which gate decides: the service\'s own numbers, over all sequences', {}, async (t, opened) => {
  const { page, service, visit, numbers, csv, violations } = opened
  await visit('/?model=weather&view=relevance&output=temp_max')
  await whole(opened)
  const { body: sample } = await service.ask('/models/weather/sample')
  const { body: shapley } = await service.ask('/relevance', { ...sample, output: 'temp_max', methods: 'shapley' })
  const lags = inTime(shapley.summary)
  t.same(lags, ['older', 't-5', 't-4', 't-3', 't-2', 't-1'])
  const expected = cells(lags.map((lag) => { const { meanAbs, share, q05, q95, count } = shapley.summary[lag]; return [lag, meanAbs, share, q05, q95, count] }))
  t.same((await numbers('relevance-lags')).rows, expected)
  t.equal(await csv('relevance-lags'), [['lag', 'meanAbs', 'share', 'q05', 'q95', 'count'], ...expected].map((row) => `${row.join(',')}\r\n`).join(''))
  const sentence = await said(page.locator('#relevance-lags .answer'))
  for (const lag of ['t-1', 't-5']) t.match(sentence, `${lag} ${(100 * shapley.summary[lag].share).toFixed(1)} %`)
  t.equal(await page.locator('#relevance-lags .sum').getAttribute('data-adds-up'), 'yes')

  const rows: Row[] = []
  const answers = await Promise.all(['shapley', 'insertion', 'integrated-gradients', 'occlusion', 'memory'].map(async (method) => [method, (await service.ask('/relevance', { ...sample, output: 'temp_max', methods: method })).body] as const))
  for (const lag of lags) for (const [method, { summary }] of answers) rows.push([lag, method, summary[lag].share, summary[lag].meanAbs, summary[lag].q05, summary[lag].q95])
  t.same((await numbers('relevance-methods')).rows, cells(rows))

  const { body: means } = await service.ask('/hidden-states', { ...sample, tensors: 'gates', summary: {} })
  const changes = await held(opened, sample, means, 1)
  const byRow = (one: string[], other: string[]): number => one.slice(0, 3).join() < other.slice(0, 3).join() ? -1 : 1
  t.same((await numbers('relevance-gates')).rows.toSorted(byRow), changes.toSorted(byRow))
  const every = ['input', 'forget', 'candidate', 'output'].map((gate) => ({ gate, mean: changes.filter((row) => row[1] === gate && row[2] === 'every step').reduce((sum, row) => sum + Math.abs(Number(row[5])), 0) / 2 }))
  const [first] = every.toSorted((a, b) => b.mean - a.mean)
  t.match(await said(page.locator('#relevance-gates .answer')), new RegExp(`^The gate that decides is ${first.gate} .* by ${Number(first.mean.toPrecision(3))} on average`))
  t.same(await violations(), [])
})

look('one sequence: the sum on the page adds up, each feature of each step, and a reload gives the same', {}, async (t, opened) => {
  const { page, service, visit, numbers } = opened
  await visit('/?model=weather&view=relevance')
  await page.getByRole('combobox', { name: /^Output/ }).selectOption('temp_min')
  await page.getByRole('combobox', { name: /^Over/ }).selectOption('one')
  await page.getByRole('spinbutton', { name: /^Sequence/ }).fill('1')
  await page.getByRole('spinbutton', { name: /^Window/ }).fill('3')
  await page.getByRole('combobox', { name: /^Method/ }).selectOption('integrated-gradients')
  await whole(opened)
  const { body: sample } = await service.ask('/models/weather/sample')
  const one = { ...sample, inputs: [sample.inputs[1]], output: 'temp_min', window: 3 }
  const view = async () => ({ lags: await numbers('relevance-lags'), features: await numbers('relevance-features'), gates: await numbers('relevance-gates') })
  const check = async (t: Test, method: string): Promise<void> => {
    const { body: { methods: { [method]: { lags } }, summary, value, baselineValue } } = await service.ask('/relevance', { ...one, methods: method })
    const { rows } = await numbers('relevance-lags')
    t.same(rows, cells([['baseline value', baselineValue[0], null], ...inTime(summary).map((lag) => [lag, lags[lag][0], summary[lag].share]), ['value', value[0], null]]))
    const parts = rows.map(([, number]) => Number(number))
    t.ok(Math.abs(parts.slice(0, -1).reduce((sum, part) => sum + part) - parts.at(-1)!) < 1e-4)
    t.equal(await page.locator('#relevance-lags .sum').getAttribute('data-adds-up'), 'yes')
    t.match(await said(page.locator('#relevance-lags .sum')), `the model says ${Number(value[0].toPrecision(7))}`)
  }
  await check(t, 'integrated-gradients')
  const { body: { methods: { 'integrated-gradients': { features } } } } = await service.ask('/relevance', { ...one, methods: 'integrated-gradients' })
  t.same((await numbers('relevance-features')).rows, cells(features[0].flatMap((row: number[], step: number) => row.map((value, n) => [step, `t-${7 - step}`, ['precipitation', 'temp_max', 'temp_min', 'wind'][n], value]))))
  const before = await view()
  t.ok(before.gates.rows.every(([sequence]) => sequence === '1'))
  t.equal(new URL(page.url()).searchParams.get('output'), 'temp_min')
  await page.reload()
  await whole(opened)
  t.same(await view(), before)
  await page.getByRole('combobox', { name: /^Method/ }).selectOption('shapley')
  await whole(opened)
  await check(t, 'shapley')
})

look('numbers that do not add up are said not to', {}, async (t, opened) => {
  const { page, visit } = opened
  await page.route('**/relevance', async (route) => {
    const response = await route.fetch()
    const body = await response.json()
    for (const { lags } of Object.values(body.methods) as { lags: Record<string, number[]> }[]) lags['t-2'][1] += 1e-5
    await route.fulfill({ response, json: body })
  })
  await visit('/?model=weather&view=relevance&output=wind')
  await whole(opened)
  const sum = page.locator('#relevance-lags .sum')
  t.equal(await sum.getAttribute('data-adds-up'), 'no')
  t.match(await said(sum), /^Sequence 1, .* It does NOT add up: the two are 1\.0e-5 apart/)
  t.equal(await sum.getAttribute('role'), 'alert')
})

look('what cannot be done is left out with the service\'s reason', { expected: /422/ }, async (t, opened) => {
  const { page, service, visit } = opened
  const { body: sample } = await service.ask('/models/weather/sample')
  await visit('/?model=weather&view=relevance&baseline=masked')
  const { body: { detail } } = await service.ask('/relevance', { ...sample, baseline: 'masked' })
  t.match(await said(page.locator('[role=alert]').first()), detail)
})

look('a distribution is explained at what is likeliest, before the softmax too; both directions have gates', { width: 360, dark: true }, async (t, opened) => {
  const { page, service, visit, numbers, violations } = opened
  await visit('/?model=weather-kind&view=relevance&of=logit&layer=bi&window=1')
  await whole(opened)
  const { body: sample } = await service.ask('/models/weather-kind/sample')
  const { body: { outputs: { kind: [row] } } } = await service.ask('/predict', sample)
  const likeliest = ['drizzle', 'fog', 'rain', 'snow', 'sun'][row.indexOf(Math.max(...row))]
  t.equal(await page.getByRole('combobox', { name: /^Output/ }).inputValue(), likeliest)
  const { body: { summary } } = await service.ask('/relevance', { ...sample, output: likeliest, of: 'logit', window: 1 })
  t.same((await numbers('relevance-lags')).rows.map(([lag, mean]) => [lag, mean]), cells(['older', 't-1'].map((lag) => [lag, summary[lag].meanAbs])))
  t.same([...new Set((await numbers('relevance-gates')).rows.map(([, gate]) => gate))].sort(), ['backward', 'forward'].flatMap((place) => ['candidate', 'forget', 'input', 'output'].map((gate) => `${place} ${gate}`)))
  t.same(await violations(), [])
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
})

const folder = t.testdir({ rnn: { 'model.keras': t.fixture('symlink', resolve('test/goldens/models/rnn-last-k3-keras.keras')) } })
const simple = serve({ MODELS_DIR: folder })
t.teardown(async () => await (await simple).server.close())

look('a layer without gates has its steps explained all the same, and why memory is left out', { on: simple, expected: /422/ }, async (t, opened) => {
  const { page, service, visit, numbers } = opened
  await visit('/?model=rnn&view=relevance')
  await page.getByText('has no gates that decide').waitFor()
  await page.locator('.refusals li').waitFor()
  const { body: sample } = await service.ask('/models/rnn/sample')
  const { body: { detail } } = await service.ask('/relevance', { ...sample, methods: 'memory' })
  t.equal(await said(page.locator('.refusals')), `memory is left out: ${detail}`)
  t.equal((await numbers('relevance-lags')).rows.length, 8)
})
