import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t from 'tap'
import { serve } from '../support/service.ts'
import { look } from './browser.ts'

const query = (page: Page): Record<string, string> => Object.fromEntries(new URL(page.url()).searchParams)

/** Requests to `path` wait until the returned function lets them go on. */
async function held (page: Page, path: string): Promise<() => Promise<void>> {
  const waiting: (() => void)[] = []
  let open = false
  await page.route(path, async (route) => {
    if (!open) await new Promise<void>((resolve) => waiting.push(resolve))
    await route.continue().catch(() => {})
  })
  return async () => {
    open = true
    for (const go of waiting) go()
  }
}

async function type (page: Page, text: string): Promise<void> {
  if (!await page.getByLabel(/^Text/).isVisible()) await page.getByText('Give other inputs').click()
  await page.getByLabel(/^Text/).fill(text)
  await page.getByRole('button', { name: 'Use this text' }).click()
}

look('an answer to what was chosen before is not shown beside what is chosen now; what was cancelled can be asked again', {}, async (t, { page, visit, settled, numbers, service }) => {
  await visit('/?model=nextchar&view=text&unit=3')
  const { body: { text: { alphabet } } } = await service.ask('/models/nextchar')
  const [one, other] = [alphabet.filter((sign: string) => /[a-m]/.test(sign)), alphabet.filter((sign: string) => /[n-z]/.test(sign))].map((signs) => signs.slice(0, 3).join(''))
  await type(page, one)
  await page.getByText('Inputs: typed text').waitFor()
  await settled()
  t.same((await numbers('text-unit')).rows.map((row) => row[2]).join(''), one)
  const release = await held(page, '**/hidden-states')
  await type(page, other)
  await page.getByText('Reading the text').waitFor()
  t.equal(await page.locator('#text-unit').count(), 0, 'the values of the text before do not stand under this one')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('cancelled').waitFor()
  t.equal(await page.locator('#text-unit').count(), 0)
  await release()
  await page.getByRole('button', { name: 'Ask again' }).click()
  await page.locator('#text-unit').waitFor()
  await settled()
  const { rows } = await numbers('text-unit')
  const key = new URL(page.url()).searchParams.get('layer') ?? (await service.ask('/models/nextchar')).body.recurrentLayers[0].key
  const { body } = await service.ask('/hidden-states', { model: 'nextchar', inputs: { text: [other] }, layers: key, tensors: 'hidden' })
  t.same(rows.map((row) => [row[2], row[3]]), body.layers[key].hidden[0].map((values: number[], step: number) => [other[step], String(values[3])]))
})

look('what is no longer wanted is no longer waited for', {}, async (t, { page, visit }) => {
  await visit('/?model=weather&view=states&unit=0')
  const release = await held(page, '**/cluster.js')
  await page.getByLabel('Sort its units by').selectOption('clusters')
  await page.getByText('Clustering the units').waitFor()
  await page.getByLabel('Sort its units by').selectOption('mean')
  await page.getByText('Clustering the units').waitFor({ state: 'detached' })
  t.equal(await page.locator('progress').count(), 0)
  await release()
})

look('another model begins anew, in the same view; going back brings back what was chosen of the first', {}, async (t, { page, visit, settled, numbers }) => {
  const first = '/?model=chars&view=states&unit=46&threshold=0.25&from=1&to=3&steps=2-9&sort=mean&step=7&sequence=1&scale=largest&cell=x&change=1:2:3'
  await visit(first)
  const before = await numbers('states-unit')
  const release = await held(page, '**/models/weather?*')
  const opening = await held(page, '**/models/weather')
  await page.locator('header select').first().selectOption('weather')
  await page.getByText('Opening weather').waitFor()
  t.equal(await page.locator('figure').count(), 0, 'no picture of the model before')
  t.same(query(page), { model: 'weather', view: 'states' })
  await Promise.all([release(), opening()])
  await page.locator('#states-unit').waitFor()
  await settled()
  t.same(Object.keys(query(page)).sort(), ['model', 'unit', 'view'])
  t.equal((await numbers('states-hidden')).rows.length, 7)
  await page.goBack()
  await page.waitForFunction("document.querySelector('select').value === 'chars'")
  await page.locator('#states-unit').waitFor()
  await settled()
  t.equal(page.url().slice(-first.length).replaceAll('%3A', ':'), first)
  t.same(await numbers('states-unit'), before)
  await page.goForward()
  await page.waitForFunction("document.querySelector('select').value === 'weather'")
  await page.locator('#states-unit').waitFor()
  await settled()
  t.equal((await numbers('states-hidden')).rows.length, 7)
})

look('where the service is gone the page says so, and asks again', { expected: /ERR_CONNECTION_REFUSED/ }, async (t, { page, visit, settled }) => {
  await visit('/?model=weather&view=weights')
  await page.route('**/predict', async (route) => await route.abort('connectionrefused'))
  await page.getByRole('link', { name: 'Prediction' }).click()
  await page.getByText('The service does not answer. Is it still running?').waitFor()
  await page.unroute('**/predict')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('#prediction-activation').waitFor()
  await settled()
  t.equal(await page.locator('.error').count(), 0)
})

look('addresses that make no sense say so, or show what there is', { expected: /404|400|422/ }, async (t, { page, visit, numbers, violations }) => {
  await visit('/?model=nope')
  t.match(await page.locator('.error').innerText(), /nope/)
  await page.locator('header select').first().selectOption('weather')
  await page.locator('#graph').waitFor()
  await visit('/?model=weather&version=__proto__')
  t.ok(await page.locator('.error').isVisible())
  const hostile = 'layer=__proto__&tensor=constructor&unit=1e9&step=-5&sequence=99&steps=9-1&rows=a-b&sort=toString&scale=%00&cell=..%2F&threshold=Infinity&from=5&to=2&gate=__proto__&low=x&rank=__proto__&output=__proto__&held=9&window=1e3&over=z'
  for (const [view, figure] of [['states', 'states-unit'], ['saturation', 'saturation'], ['weights', 'weights-lstm-W'], ['relevance', 'relevance-lags'], ['what-if', 'what-if-activation'], ['nope', 'graph']] as const) {
    await visit(`/?model=weather&view=${view}&${hostile}`)
    await page.locator(`#${figure}`).waitFor()
    t.equal(await page.locator('.error').count(), 0, view)
  }
  await visit('/?model=weather&view=states&unit=999999999&step=999999999&sequence=999999999')
  t.equal((await numbers('states-unit')).rows.length, 7)
  await page.getByText('Unit 31 over the steps').waitFor()
  for (const hash of ['#inputs=%%%', '#inputs=', '#inputs=AAAA', `#inputs=${'A'.repeat(9000)}`]) {
    await page.goto('about:blank')
    await visit(`/?model=weather&view=prediction${hash}`)
    t.match(await page.locator('.error').innerText(), /damaged or cut off/, hash.slice(0, 20))
    t.equal(await page.locator('figure').count(), 0)
  }
  t.same(await violations(), [])
  await page.getByRole('button', { name: 'Use the sample' }).click()
  await page.locator('#prediction-activation').waitFor()
})

const empty = serve({ MODELS_DIR: folder('empty') })
const refused = serve({ MODELS_DIR: folder('refused', 'broken.h5') })
t.teardown(async () => { for (const running of [empty, refused]) await (await running).server.close() })

function folder (name: string, ...files: readonly string[]): string {
  const place = join(t.testdirName, name)
  mkdirSync(place, { recursive: true })
  for (const file of files) writeFileSync(join(place, file), 'this is no model')
  return place
}

look('a service without a model says how to give it one', { on: empty }, async (t, { page, visit, violations }) => {
  await visit('/')
  await page.getByText('The service has no model yet').waitFor()
  t.same(await violations(), [])
})

look('where every model is refused, the page says why', { on: refused, expected: /409/ }, async (t, { page, visit, service }) => {
  const { body: { models: [{ reason }] } } = await service.ask('/models')
  await visit('/')
  t.ok((await page.locator('.error').innerText()).includes(reason))
})
