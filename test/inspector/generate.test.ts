import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { eventReader } from '../../src/inspector/views/generate/events.ts'
import { serve } from '../support/service.ts'
import { look, type Opened } from './browser.ts'

t.test('events are whole, wherever a stream is cut', async (t) => {
  const data = fc.string({ unit: 'binary' }).map((text) => JSON.stringify({ text }))
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('message', 'error'), data), { maxLength: 6 }), fc.array(fc.nat(200), { maxLength: 8 }), (events, cuts) => {
    const stream = events.map(([event, own]) => `${event === 'message' ? '' : `event: ${event}\n`}data: ${own}\n\n`).join('')
    const places = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length]
    const read = eventReader()
    const found = places.slice(1).flatMap((to, n) => read(stream.slice(places[n], to)))
    return JSON.stringify(found) === JSON.stringify(events.map(([event, own]) => ({ event, data: own })))
  }), { numRuns: 300 })
  t.same(eventReader()('data: {"text":"\u2028\u2029\u0085"}\n\n'), [{ event: 'message', data: '{"text":"\u2028\u2029\u0085"}' }], 'what only JavaScript calls an end of a line')
  t.same(eventReader()(': a comment\n\ndata: 1\ndata: 2\n\n'), [{ event: 'message', data: '1\n2' }])
})

const wish = { prompt: 'And God said, ', length: 60, temperature: 0.6, topK: 10, seed: 7 }
const address = `/?model=chars&view=generate&${new URLSearchParams(Object.entries(wish).map(([name, value]): [string, string] => [name, String(value)])).toString()}`

/** The text on the page, when so many characters of it are there. */
async function written ({ page, settled }: Opened, length: number): Promise<string> {
  await page.locator('#generate-text .coloured span').nth(length - 1).waitFor()
  await settled()
  return await page.locator('#generate-text .unseen').textContent() ?? ''
}

const asked = async ({ service }: Opened, more: object): Promise<{ text: string, steps: { text: string, probabilities: Record<string, number>, states?: any }[] }> => {
  const response = await fetch(`${service.url}/generate`, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, body: JSON.stringify({ model: 'chars', ...wish, probabilities: true, ...more }) })
  return await response.json() as Awaited<ReturnType<typeof asked>>
}

look('the page writes what the service writes, with the same probabilities, and the same seed again', {}, async (t, opened) => {
  const { page, visit, numbers } = opened
  await visit('/?model=chars&view=generate')
  t.equal(await page.locator('#generate-text').count(), 0, 'nothing is written before the reader says so')
  await page.getByLabel('Prompt').fill(wish.prompt)
  await page.getByLabel('Characters').fill('60')
  await page.getByLabel('Temperature').fill('0.6')
  await page.getByLabel('Top K').fill('10')
  await page.getByLabel('Seed').fill('7')
  await page.getByRole('button', { name: 'Write', exact: true }).click()
  const { text, steps } = await asked(opened, {})
  t.equal(await written(opened, 60), text)
  t.same(await numbers('generate-text'), { columns: ['character', 'text', 'probability'], rows: steps.map((step, n) => [String(n), step.text, String(step.probabilities[step.text])]) })
  await page.waitForURL(/prompt=And\+God\+said%2C\+.*seed=7/)
  await page.reload()
  t.equal(await written(opened, 60), text, 'the address has it all')
  await page.getByRole('button', { name: 'another seed' }).click()
  await page.waitForURL((url) => url.searchParams.get('seed') !== '7')
  await page.waitForFunction(`document.querySelector('#generate-text .unseen')?.textContent !== ${JSON.stringify(text)}`)
  t.not(await written(opened, 60), text)
  t.equal(await page.getByLabel('Seed').inputValue(), new URL(page.url()).searchParams.get('seed'), 'the seed that was drawn is shown')
})

look('a character is opened for what it might have been', {}, async (t, opened) => {
  const { page, visit, numbers } = opened
  await visit(address)
  await written(opened, 60)
  const { steps } = await asked(opened, {})
  const expected = (place: number): string[][] => Object.entries(steps[place].probabilities).map(([character, value]) => [character, String(value)])
  await page.locator('#generate-text .coloured span').nth(11).click()
  await page.locator('#generate-character h2', { hasText: 'Character 11:' }).waitFor()
  t.same((await numbers('generate-character')).rows, expected(11))
  await page.getByRole('button', { name: 'Next character' }).click()
  await page.locator('#generate-character h2', { hasText: 'Character 12:' }).waitFor()
  t.same((await numbers('generate-character')).rows, expected(12))
})

look('a text is coloured by the state that each character was said from', {}, async (t, opened) => {
  const { visit, numbers, curl } = opened
  await visit(`${address}&colour=unit&state=cell&unit=5`)
  await written(opened, 60)
  const { steps } = await asked(opened, { states: { lstm: [5] } })
  t.same((await numbers('generate-text')).rows.map(([,,, value]) => value), steps.map(({ states }) => String(states.lstm.cell[0])))
  t.match(await curl('generate-text'), /"states":\{"lstm":\[5\]\}/)
})

look('a long text shows how far it is, and can be cancelled', {}, async (t, opened) => {
  const { page, visit, settled } = opened
  await page.goto(`${opened.service.url}${address.replace('length=60', 'length=10000')}`)
  await page.locator('#generate-text .coloured span').nth(20).waitFor()
  t.match(await page.locator('.progress', { hasText: 'characters' }).innerText(), /of 10000 characters/)
  await page.locator('.progress button').click()
  await page.getByText(/Cancelled after \d+ of 10000 characters/).waitFor()
  await settled()
  const there = await page.locator('#generate-text .coloured span').count()
  t.ok(there > 20 && there < 10_000)
  await visit(address)
  t.equal((await written(opened, 60)).length, 60)
})

const folder = t.testdir({})
mkdirSync(`${folder}/odd`)
cpSync('models/chars/model.keras', `${folder}/odd/model.keras`)
const meta = JSON.parse(readFileSync('models/chars/statescope.json', 'utf8'))
writeFileSync(`${folder}/odd/statescope.json`, JSON.stringify({ ...meta, outputLabels: ['é', ...meta.outputLabels.slice(1)] }))
const odd = serve({ MODELS_DIR: folder })
t.teardown(async () => await (await odd).server.close())

look('where the service refuses to write, its reason stands there', { on: odd, expected: /422/ }, async (t, { page, visit }) => {
  await visit(address.replace('chars', 'odd'))
  await page.locator('main .error').waitFor()
  t.match(await page.locator('main .error').innerText(), /outputLabels has "é" outside the alphabet.*\(at \/model\)/)
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation in writing at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, opened) => {
    await opened.visit(address)
    await written(opened, 60)
    t.same(await opened.violations(), [])
    t.ok(await opened.page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}

t.setTimeout(240_000)
