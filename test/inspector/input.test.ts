import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { look, type Opened } from './browser.ts'

const days = [[0, 25.6, 16.1, 3.1], [0, 27.8, 16.1, 3.3], [0, 26.1, 14.4, 3.2], [0, 26.1, 15, 2.8], [0, 27.8, 13.9, 3.3], [0, 33.3, 17.8, 3.4], [2.5, 35, 17.2, 3.3], [1, 30, 12, 2]]
const names = ['precipitation', 'temp_max', 'temp_min', 'wind']
const csv = [['date', ...names].join(';'), ...days.map((day, n) => [`2015-07-0${n + 1}`, ...day.map((value) => String(value).replace('.', ','))].join(';'))].join('\r\n')

/** Waits until the page has taken the inputs called `name`, or said in a sentence why not. */
async function told ({ page, settled }: Opened, name: string): Promise<void> {
  await page.locator('#given', { hasText: `Inputs: ${name},` }).or(page.locator('.inputs .error')).first().waitFor()
  await settled()
}

/** Opens a file with the page's own control. */
async function open (opened: Opened, name: string, content: string | Buffer): Promise<void> {
  const control = opened.page.getByLabel('Open a file')
  if (!await control.isVisible()) await opened.page.locator('.give summary').click()
  await control.setInputFiles({ name, mimeType: '', buffer: Buffer.from(content) })
  await told(opened, name)
}

/** Drops a file on the page, as a hand does. */
async function drop ({ page }: Opened, name: string, content: Buffer): Promise<void> {
  await page.evaluate(`{
    const data = new DataTransfer()
    data.items.add(new File([Uint8Array.from(${JSON.stringify([...content])})], ${JSON.stringify(name)}))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
  }`)
}

/** What the page says of a model, against the service's answer to the same numbers. */
async function predicts (t: Test, { numbers, service }: Opened, model: string, figure: string, output: string, body: object): Promise<void> {
  const { status, body: answer } = await service.ask('/predict', { model, ...body })
  t.equal(status, 200)
  const expected = (answer.outputs[output] as number[][]).flat().map(String)
  t.same((await numbers(figure)).rows.map(([,, value]) => value), expected)
}

look('a CSV with semicolons and decimal commas is read in windows, and stands in the address', {}, async (t, opened) => {
  const { page, visit } = opened
  await visit('/?model=weather&view=prediction')
  await open(opened, 'days.csv', csv)
  t.match(await page.locator('#given').innerText(), 'Inputs: days.csv, [batch 2, step 7, feature 4]')
  const said = await page.locator('ul.said').innerText()
  t.match(said, /semicolons between cells, a decimal comma, names in row 1.*Not used: date/)
  t.match(said, /8 rows became 2 sequences/)
  const inputs = [days.slice(0, 7), days.slice(1)]
  await predicts(t, opened, 'weather', 'prediction-activation', 'activation', { inputs, raw: true })
  await page.waitForURL(/#inputs=[\w-]+$/)
})

look('a link with inputs shows the same; the raw choice is the reader\'s', {}, async (t, opened) => {
  const { page, visit, settled } = opened
  await visit('/?model=weather&view=prediction')
  await open(opened, 'days.csv', csv)
  await page.waitForURL(/#inputs=/)
  const address = page.url()
  await page.goto('about:blank')
  await page.goto(address)
  await told(opened, 'days.csv')
  await page.locator('#prediction-activation').waitFor()
  t.match(await page.locator('#given').innerText(), 'Inputs: days.csv, [batch 2, step 7, feature 4]')
  await page.getByLabel('They are').selectOption('false')
  await settled()
  await page.waitForURL(/raw=false.*#inputs=/)
  await predicts(t, opened, 'weather', 'prediction-activation', 'activation', { inputs: [days.slice(0, 7), days.slice(1)] })
  await page.getByRole('button', { name: 'Use the sample' }).click()
  await settled()
  await page.waitForURL((url) => url.hash === '' && !url.search.includes('raw'))
  const { body } = await opened.service.ask('/models/weather/sample')
  await predicts(t, opened, 'weather', 'prediction-activation', 'activation', { inputs: body.inputs, raw: true })
})

look('how a table is read can be changed', {}, async (t, opened) => {
  const { page, visit, settled } = opened
  await visit('/?model=weather&view=prediction')
  await open(opened, 'days.csv', csv.replaceAll('wind', 'breeze'))
  t.match(await page.locator('.give .error').innerText(), /the file has 5 columns \(date, precipitation, temp_max, temp_min, breeze\). Choose the columns/)
  for (const [feature, column] of [['precipitation', 'precipitation'], ['temp_max', 'temp_max'], ['temp_min', 'temp_min'], ['wind', 'breeze']]) await page.locator('.csv label', { hasText: new RegExp(`^${feature}`) }).locator('select').selectOption({ label: column })
  await told(opened, 'days.csv')
  await page.getByLabel('Longer ones').selectOption('last')
  await page.locator('ul.said', { hasText: '8 rows became 1 sequence: the last 7 rows of each sequence. 1 row is in none of them' }).waitFor()
  await settled()
  await predicts(t, opened, 'weather', 'prediction-activation', 'activation', { inputs: [days.slice(1)], raw: true })
})

look('a request body, NDJSON and npz give what they hold', {}, async (t, opened) => {
  const { page, visit, service } = opened
  await visit('/?model=weather&view=prediction')
  const { body: sample } = await service.ask('/models/weather/sample')
  await open(opened, 'body.json', JSON.stringify({ ...sample, inputs: [sample.inputs[1]], tensors: 'hidden' }))
  t.match(await page.locator('ul.said').innerText(), /tensors: choose that in the views/)
  await predicts(t, opened, 'weather', 'prediction-activation', 'activation', { inputs: [sample.inputs[1]], raw: true })
  await drop(opened, 'lines.ndjson', Buffer.from(sample.inputs.map((one: unknown) => JSON.stringify({ inputs: one })).join('\n')))
  await told(opened, 'lines.ndjson')
  await predicts(t, opened, 'weather', 'prediction-activation', 'activation', { inputs: sample.inputs, raw: true })
  await drop(opened, 'fortran.npz', readFileSync('test/inspector/files/fortran.npz'))
  await told(opened, 'fortran.npz')
  t.match(await page.locator('#given').innerText(), 'fortran.npz, [batch 1, step 7, feature 4]')
  const response = await fetch(`${service.url}/models/weather/predict?raw=true`, { method: 'POST', headers: { 'content-type': 'application/x-npz' }, body: new Uint8Array(readFileSync('test/inspector/files/fortran.npz')) })
  const { outputs } = await response.json() as { outputs: { activation: number[][] } }
  t.same((await opened.numbers('prediction-activation')).rows.map(([,, value]) => value), outputs.activation[0].map(String), 'as the service reads the file itself')
})

look('typed text, and what the model makes of it', {}, async (t, opened) => {
  const { page, visit } = opened
  await visit('/?model=chars&view=prediction')
  await page.locator('.give summary').click()
  await page.getByLabel('Text, each line a sequence').fill('It came to pass in those days, that there went out\nA')
  await page.getByRole('button', { name: 'Use this text' }).click()
  await told(opened, 'typed text')
  t.match(await page.locator('#given').innerText(), 'Inputs: typed text, [batch 2, step 40] of characters')
  t.match(await page.locator('ul.said').innerText(), /reads lower case.\nOf text 0 the model reads the last 40 characters; 10 characters before them are not read.\nIn front of text 1: 39 steps of zeros/)
  await predicts(t, opened, 'chars', 'prediction-dense', 'dense', { inputs: { text: ['It came to pass in those days, that there went out', 'A'] } })
})

look('what cannot be read is refused in a sentence, and the inputs stay as they were', { expected: /422|400/ }, async (t, opened) => {
  const { page, visit } = opened
  await visit('/?model=weather&view=prediction')
  const refused = async (name: string, content: string | Buffer, words: RegExp): Promise<void> => {
    await open(opened, name, content)
    await page.locator('.inputs .error', { hasText: words }).waitFor()
    t.pass(String(words))
  }
  await refused('days.csv', csv.replace('3,2', ''), /Row 4, column "wind" is empty. Nothing is filled in.*The inputs stay as they were/)
  await refused('days.json', '[[[1, 2], [3, 4]]]', /Expected \[batch, 7, 4\], got \[1, 2, 2\].*\(at \/inputs\)/)
  await refused('days.json', JSON.stringify([[...days.slice(0, 6), [1, 2, 'x', 4]]]), /the string "x".*\(at \/inputs\/0\/6\/2\)/)
  await refused('days.npz', Buffer.from('PK'), /This is no npz archive/)
  t.match(await page.locator('#given').innerText(), /its sample/)
  t.notMatch(page.url(), /#/)
})

look('a model that is dropped: how to start the service with it', {}, async (t, opened) => {
  const { page, visit } = opened
  await visit('/?model=weather')
  await drop(opened, 'my own.h5', Buffer.from('\x89HDF', 'latin1'))
  await page.locator('.give code').waitFor()
  t.match(await page.locator('.give').innerText(), 'my own.h5 is a model, not inputs for one.')
  t.match(await page.locator('.give code').innerText(), "npm start -- 'my own.h5'")
})

look('inputs too many for a link work, and the page says that the link lacks them', {}, async (t, opened) => {
  const { page, visit } = opened
  await visit('/?model=weather&view=prediction')
  const many = Array.from({ length: 1500 }, (_, n) => [n % 7 / 3, 20 + Math.sin(n) * 10, Math.cos(n) * 5, n % 11 / 7])
  await open(opened, 'many.csv', [names.join(','), ...many.map((row) => row.join(','))].join('\n'))
  t.match(await page.locator('#given').innerText(), '[batch 1494, step 7, feature 4]')
  t.match(await page.locator('.inputs .note').innerText(), /a link to this page does not carry them/)
  t.notMatch(page.url(), /#/)
})

look('a link whose inputs are cut off says so, and another model leaves the inputs behind', {}, async (t, opened) => {
  const { page, visit, settled } = opened
  await visit('/?model=weather&view=prediction')
  await open(opened, 'days.csv', csv)
  await page.waitForURL(/#inputs=/)
  const address = page.url()
  await page.locator('header select').first().selectOption('chars')
  await page.locator('#prediction-dense').waitFor()
  await settled()
  t.notMatch(page.url(), /#/)
  await page.goBack()
  await told(opened, 'days.csv')
  t.match(await page.locator('#given').innerText(), 'days.csv')
  await page.goto('about:blank')
  await page.goto(address.slice(0, -9))
  await page.locator('.inputs .error').waitFor()
  t.match(await page.locator('.inputs .error').innerText(), /damaged or cut off/)
  t.equal(await page.locator('figure').count(), 0, 'nothing else is shown in its place')
  await page.getByRole('button', { name: 'Use the sample' }).click()
  await page.locator('#prediction-activation').waitFor()
})

for (const [width, dark] of [[1280, true], [360, false]] as const) {
  look(`no accessibility violation in the inputs at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, opened) => {
    const { page, visit, violations } = opened
    await visit('/?model=weather&view=prediction')
    await open(opened, 'days.csv', csv.replace('3,2', 'x'))
    t.same(await violations(), [])
    await open(opened, 'days.csv', csv)
    await page.locator('ul.said').waitFor()
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}

t.setTimeout(240_000)
