import t from 'tap'
import { rowsShown } from '../../src/inspector/parts/table.ts'
import { serve } from '../support/service.ts'
import { look } from './browser.ts'
import { serveGoldens } from './goldens.ts'

look('the page opens on a model with its prediction, the same numbers as the service gives', {}, async (t, { page, visit, numbers, csv, service }) => {
  await visit('/')
  t.match(page.url(), /\?model=chars$/, 'the address names what is looked at')
  await visit('/?model=weather&view=prediction')
  const { body: sample } = await service.ask('/models/weather/sample')
  const { body: { outputs } } = await service.ask('/predict', sample)
  const expected = outputs.activation.flatMap((row: number[], sequence: number) => row.map((value, unit) => [String(sequence), ['precipitation', 'temp_max', 'temp_min', 'wind'][unit], String(value)]))
  t.same(await numbers('prediction-activation'), { columns: ['sequence', 'unit', 'activation'], rows: expected })
  t.equal(await csv('prediction-activation'), [['sequence', 'unit', 'activation'], ...expected].map((row) => `${row.join(',')}\r\n`).join(''))
})

look('a picture is saved as PNG and SVG', {}, async (t, { page, visit }) => {
  await visit('/?model=weather&view=prediction')
  for (const [kind, start] of [['PNG', '\x89PNG'], ['SVG', '<svg ']]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#prediction-activation button', { hasText: kind }).click()])
    t.equal(download.suggestedFilename(), `prediction-activation.${kind.toLowerCase()}`)
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
    const file = Buffer.concat(chunks)
    t.ok(file.length > 1000)
    t.equal(file.toString('latin1').slice(0, start.length), start)
  }
})

look('an output with steps has its steps as rows, a sequence at a time', { on: serveGoldens('td-dense-k3-h5.h5') }, async (t, { visit, numbers, service }) => {
  const { body: { outputs: [{ name }] } } = await service.ask('/models/td-dense-k3-h5')
  await visit('/?model=td-dense-k3-h5&view=prediction')
  const inputs = (await service.ask('/models/td-dense-k3-h5/sample')).body.inputs
  const { body: { outputs } } = await service.ask('/predict', { model: 'td-dense-k3-h5', inputs })
  const [sequence] = outputs[name] as number[][][]
  t.ok(sequence.length > 1 && sequence[0].length > 1)
  t.same(await numbers(`prediction-${name}`), { columns: ['sequence', 'axis 1', 'axis 2', 'value'], rows: sequence.flatMap((row, step) => row.map((value, unit) => ['0', String(step), String(unit), String(value)])) })
})

t.test('a wide table has fewer rows on the page, but enough to see what they are', async (t) => {
  t.same([3, 35, 131, 515, 5000].map(rowsShown), [200, 200, 152, 38, 20])
})

look('the curl gives the numbers of the picture', {}, async (t, { visit, curl, service }) => {
  await visit('/?model=chars&view=prediction')
  const text = await curl('prediction-dense')
  const body = /-d '(.*)'$/s.exec(text)?.[1] ?? ''
  t.match(text, new RegExp(`^curl -s '${service.url}/predict'`))
  t.match(await service.ask('/predict', JSON.parse(body.replaceAll("'\\''", "'"))), { status: 200, body: { model: 'chars' } })
})

const guarded = serve({ MODELS_DIR: 'models', API_TOKEN: 'sesame' })
t.teardown(async () => await (await guarded).server.close())

look('where the service has a token, the page asks for it and keeps it for the tab', { on: guarded, expected: /401/ }, async (t, { page, curl, service }) => {
  t.equal((await page.goto(`${service.url}/?model=weather&view=prediction`))?.status(), 401)
  await page.getByLabel('Token').fill('wrong')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('refused the one it was given').waitFor()
  await page.getByLabel('Token').fill('sesame')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.locator('#prediction-activation').waitFor()
  await page.reload()
  await page.locator('#prediction-activation').waitFor()
  t.match(await curl('prediction-activation'), /Bearer \$API_TOKEN/)
  t.notMatch(await page.content(), /sesame/)
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, { page, visit, violations }) => {
    await visit('/?model=weather&view=prediction')
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}
