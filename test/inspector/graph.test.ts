import t from 'tap'
import { cut, drawingOf, shapeWords } from '../../src/inspector/views/graph/layout.ts'
import { look } from './browser.ts'
import { serveGoldens } from './goldens.ts'

const several = 'many-inputs-k3-h5'
const others = serveGoldens(`${several}.h5`)

interface Call { key: string, inbound: { key: string }[], shape: (number | null)[] }

look('every call is a box, wired as the service says', { on: others }, async (t, { visit, page, service, numbers }) => {
  await visit(`/?model=${several}`)
  t.equal(await page.locator('nav a[aria-current]').innerText(), 'Graph', 'the first view')
  const { body: { layers } } = await service.ask(`/models/${several}`)
  const calls = (layers as { type: string, calls: Call[] }[]).flatMap(({ type, calls }) => calls.map((call) => ({ type, ...call })))
  t.same((await numbers('graph')).rows, calls.map(({ key, type, shape, inbound }) => [key, type, JSON.stringify(shape), inbound.map(({ key }) => key).join(' ')]))
  const boxes = await page.locator('.graph a').evaluateAll((all) => all.map((one) => one.textContent))
  t.same(boxes, calls.map(({ key, type, shape }) => `${key} ${type} batch × ${shape.slice(1).join(' × ')}`))
  t.equal(await page.locator('.graph polyline').count(), calls.flatMap(({ inbound }) => inbound).length)
})

look('a layer is opened from the keyboard, and shows what it gives', {}, async (t, { visit, page, service, settled, csv }) => {
  await visit('/?model=weather&view=graph')
  await page.getByRole('link', { name: /^dense Dense/ }).focus()
  await page.keyboard.press('Enter')
  const details = page.getByRole('region', { name: 'Layer dense' })
  await details.getByText('dense/kernel').waitFor()
  t.match(await details.innerText(), /It reads lstm, and gives \[batch × 4\]/)
  t.match(await details.getByRole('link', { name: 'Its weights' }).getAttribute('href'), /view=weights&layer=dense/)
  t.equal(await details.getByRole('link', { name: 'Its states and gates' }).count(), 0)
  await details.getByRole('button', { name: 'What it gives' }).click()
  await page.locator('#dense-output').waitFor()
  await settled()
  const { body: sample } = await service.ask('/models/weather/sample')
  const { body } = await service.ask('/hidden-states', { model: 'weather', inputs: sample.inputs, raw: sample.raw, layers: ['dense'], tensors: ['output'] })
  const output = body.layers.dense.output as number[][]
  const lines = async (): Promise<string[]> => (await csv('dense-output')).split('\r\n').slice(1, -1)
  t.same(await lines(), output[0].map((value, unit) => `0,,${unit},${value}`))
  await page.getByRole('spinbutton', { name: 'Sequence' }).fill('1')
  t.same(await lines(), output[1].map((value, unit) => `1,,${unit},${value}`))
})

look('a recurrent layer leads to its states', {}, async (t, { visit, page }) => {
  await visit('/?model=weather&view=graph&layer=lstm')
  t.match(await page.getByRole('link', { name: 'Its states and gates' }).getAttribute('href'), /view=states&layer=lstm$/)
  t.match(await page.getByRole('region', { name: 'Layer lstm' }).innerText(), /32 units[\s\S]*lstm\/gates\/forget/)
})

look('the drawing is saved as PNG and SVG', {}, async (t, { visit, page }) => {
  await visit('/?model=weather&view=graph')
  for (const [kind, start] of [['PNG', '\x89PNG'], ['SVG', '<svg ']]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#graph button', { hasText: kind }).click()])
    const chunks: Buffer[] = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
    t.equal(Buffer.concat(chunks).toString('latin1').slice(0, start.length), start)
  }
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, { page, visit, violations }) => {
    await visit('/?model=weather&view=graph&layer=dense&probe=output')
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}

t.test('what reads stands below what it reads; two tensors between the same two are one wire with its words', async (t) => {
  const line = (key: string, ...inbound: { key: string, output: number, argument?: string }[]) => ({ path: key, keys: [key], type: 'LSTM', config: {}, calls: [{ key, inbound }] })
  const { boxes, wires, width, height } = drawingOf({
    layers: [line('x'), line('encoder', { key: 'x', output: 0 }), line('decoder', { key: 'x', output: 0 }, { key: 'encoder', output: 1, argument: 'initial_state' }, { key: 'encoder', output: 2, argument: 'initial_state' })]
  })
  t.same(wires.map(({ from, to, label }) => [from, to, label]), [['x', 'encoder', ''], ['x', 'decoder', ''], ['encoder', 'decoder', 'initial_state']])
  const at = (key: string) => boxes.find((box) => box.key === key)!
  for (const { from, to } of wires) t.ok(at(from).y + at(from).height / 2 < at(to).y - at(to).height / 2, `${to} below ${from}`)
  for (const { x, y, width: own, height: tall } of boxes) t.ok(x - own / 2 >= 0 && x + own / 2 <= width && y - tall / 2 >= 0 && y + tall / 2 <= height)
})

t.test('layers may have the names that objects have members of', async (t) => {
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty']
  const layers = names.map((key, n) => ({ path: key, keys: [key], type: 'LSTM', config: {}, calls: [{ key, inbound: n === 0 ? [] : [{ key: names[n - 1], output: 0 }] }] }))
  const { boxes, wires } = drawingOf({ layers })
  t.same(boxes.map(({ key }) => key), names)
  t.same(wires.map(({ from, to }) => [from, to]), [['constructor', '__proto__'], ['__proto__', 'toString'], ['toString', 'hasOwnProperty']])
})

t.test('shapes and long names', async (t) => {
  t.equal(shapeWords([null, null, 3]), 'batch × any × 3')
  t.equal(shapeWords(undefined), 'known in a run')
  t.equal(cut('short'), 'short')
  t.equal(cut(`encoder/${'a'.repeat(40)}/lstm`).length, 34)
})
