import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { divergingAt, themeOf } from '../../src/inspector/charts/palette.ts'
import { clusterOrder } from '../../src/inspector/views/states/cluster.ts'
import { serve, type Running } from '../support/service.ts'
import { look, type Opened } from './browser.ts'

type Rows = number[][]
interface Layer { hidden: Rows[], cell: Rows[], gates: Record<string, Rows[]>, mask?: number[][] }

/** What the service says of a model's sample, as JSON: another way than the page's. */
async function truth ({ ask }: Running, model: string, key: string): Promise<{ layer: Layer, inputs: any, outputs: Record<string, any> }> {
  const { body: sample } = await ask(`/models/${model}/sample`)
  const { status, body } = await ask('/hidden-states', { ...sample, layers: [key], outputs: true })
  if (status !== 200) throw new Error(body.detail)
  return { layer: body.layers[key], inputs: sample.inputs, outputs: body.outputs }
}

/** Spans above a threshold, by hand. */
function above (rows: Rows, unit: number, threshold: number): { from: number, to: number }[] {
  const on = [...rows.map((row) => row[unit] > threshold), false]
  return on.flatMap((now, step) => now && on[step - 1] !== true ? [{ from: step, to: on.indexOf(false, step) }] : [])
}

/** The middle of a cell of a heatmap, on the screen. */
async function cellAt (page: Page, figure: string, [step, steps]: readonly [number, number], [row, rows]: readonly [number, number]): Promise<{ x: number, y: number }> {
  const chart = page.locator(`#${figure} .chart`)
  await chart.scrollIntoViewIfNeeded()
  const { x, y, width, height } = (await chart.boundingBox())!
  return { x: x + 46 + (step + 0.5) * (width - 60) / steps, y: y + 28 + (row + 0.5) * (height - 58) / rows }
}

/** The numbers at the pointer, by tensor. */
async function readout (page: Page): Promise<{ step: number, unit: number, values: Record<string, string> }> {
  return {
    step: Number(await page.getByLabel('Step', { exact: true }).inputValue()),
    unit: Number(await page.getByLabel('Unit', { exact: true }).inputValue()),
    values: Object.fromEntries(await page.locator('.readout dd').evaluateAll((all) => all.map((one) => [one.getAttribute('data-name'), one.getAttribute('data-value')])))
  }
}

const parameter = (page: Page, name: string): string | null => new URL(page.url()).searchParams.get(name)
/** The address is written when what moves stands still. */
const untilParameter = async (page: Page, name: string, value: string | null): Promise<void> => {
  await page.waitForURL((url) => url.searchParams.get(name) === value)
}

async function spansSaid (page: Page): Promise<string> {
  return await page.locator('#states-unit output.spans').innerText()
}

const said = (spans: readonly { from: number, to: number }[], steps: number): string => spans.length === 0
  ? 'above at no step'
  : `above in ${spans.length} ${spans.length === 1 ? 'span' : 'spans'} of this sequence, ${spans.reduce((sum, { from, to }) => sum + to - from, 0)} of ${steps} steps`

look('heatmaps and the lines of a unit have the numbers of /hidden-states', {}, async (t, { visit, numbers, service }) => {
  const { layer, inputs } = await truth(service, 'weather', 'lstm')
  await visit('/?model=weather&view=states&sequence=1&unit=5')
  const tensors: [string, Rows][] = [['hidden', layer.hidden[1]], ['cell', layer.cell[1]], ...Object.entries(layer.gates).map(([gate, values]): [string, Rows] => [`gate-${gate}`, values[1]])]
  for (const [name, rows] of tensors) {
    t.same(await numbers(`states-${name}`), {
      columns: ['step', 'label', 'masked', ...rows[0].map((_, unit) => `unit ${unit}`)],
      rows: rows.map((row, step) => [step, step, 0, ...row].map(String))
    }, name)
  }
  t.same((await numbers('states-unit')).rows.map((row) => row.slice(3, 9)), layer.hidden[1].map((_, step) => tensors.map(([, rows]) => String(rows[step][5]))))
  t.same((await numbers('states-input')).rows.map((row) => row.slice(2)), inputs[1].map((row: number[]) => row.map(String)))
})

look('a cell of a heatmap has the colour of its number', {}, async (t, { page, visit, service }) => {
  const { layer } = await truth(service, 'weather', 'lstm')
  await visit('/?model=weather&view=states')
  const limit = Math.max(...layer.cell[0].flat().map(Math.abs))
  for (const [figure, rows, most] of [['states-hidden', layer.hidden[0], 1], ['states-cell', layer.cell[0], limit], ['states-gate-forget', layer.gates.forget[0], 1]] as const) {
    for (const [step, unit] of [[0, 0], [6, 31], [3, 15], [5, 3]]) {
      const { x, y } = await cellAt(page, figure, [step, 7], [unit, 32])
      const { x: left, y: top } = (await page.locator(`#${figure} .chart`).boundingBox())!
      const colour = await page.locator(`#${figure} canvas`).first().evaluate((canvas: any, [x, y]) => {
        const ratio = canvas.width / canvas.clientWidth
        return [...canvas.getContext('2d').getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data]
      }, [x - left, y - top] as const)
      const expected = divergingAt(themeOf(false), rows[step][unit] / most)
      const far = Math.max(...expected.map((value, n) => Math.abs(value - colour[n])))
      t.ok(far <= 2, `${figure} ${step} ${unit}: ${colour} is ${expected}`)
    }
  }
})

look('the pointer tells the step, the unit and their numbers, in all pictures; fields do the same', {}, async (t, { page, visit, service }) => {
  const { layer, inputs } = await truth(service, 'weather', 'lstm')
  const expected = (step: number, unit: number): unknown => ({
    step,
    unit,
    values: Object.fromEntries([
      ['hidden', layer.hidden[0]], ['cell', layer.cell[0]], ...Object.entries(layer.gates).map(([gate, values]) => [`gates/${gate}`, values[0]] as [string, Rows])
    ].map(([name, rows]) => [name, String((rows as Rows)[step][unit])]).concat(['precipitation', 'temp_max', 'temp_min', 'wind'].map((name, n) => [name, String(inputs[0][step][n])])))
  })
  await visit('/?model=weather&view=states&unit=2&step=1')
  t.same(await readout(page), expected(1, 2))
  for (const [figure, step, unit] of [['states-hidden', 4, 9], ['states-gate-output', 6, 31]] as const) {
    const { x, y } = await cellAt(page, figure, [step, 7], [unit, 32])
    await page.mouse.move(x, y)
    t.same(await readout(page), expected(step, unit), figure)
    for (const other of ['states-cell', 'states-gate-input']) {
      const shown = (await page.locator(`#${other} .cross-step`).boundingBox())!
      const there = await cellAtStill(page, other, [step, 7], [unit, 32])
      t.ok(Math.abs(shown.x + shown.width / 2 - there.x) < 2, `the step is marked in ${other}`)
      const row = (await page.locator(`#${other} .cross-unit`).boundingBox())!
      t.ok(Math.abs(row.y + row.height / 2 - there.y) < 2, `the unit is marked in ${other}`)
    }
  }
  await page.mouse.click(...Object.values(await cellAt(page, 'states-hidden', [3, 7], [11, 32])) as [number, number])
  await page.mouse.move(5, 5)
  t.same(await readout(page), expected(3, 11), 'a click stays')
  await untilParameter(page, 'unit', '11')
  await page.getByLabel('Step', { exact: true }).fill('5')
  await page.getByLabel('Unit', { exact: true }).fill('30')
  t.same(await readout(page), expected(5, 30), 'without a mouse')
  await untilParameter(page, 'unit', '30')
  await page.reload()
  await page.locator('#states-unit').waitFor()
  t.same(await readout(page), expected(5, 30), 'the address keeps it')
})

/** As cellAt, without scrolling. */
async function cellAtStill (page: Page, figure: string, [step, steps]: readonly [number, number], [row, rows]: readonly [number, number]): Promise<{ x: number, y: number }> {
  const { x, y, width, height } = (await page.locator(`#${figure} .chart`).boundingBox())!
  return { x: x + 46 + (step + 0.5) * (width - 60) / steps, y: y + 28 + (row + 0.5) * (height - 58) / rows }
}

look('units are sorted by what the reader wants, and clustered as the library clusters them', {}, async (t, { page, visit, settled, service }) => {
  const { layer } = await truth(service, 'weather', 'lstm')
  const rows = layer.hidden[0]
  const column = (unit: number): number[] => rows.map((row) => row[unit])
  const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  const by: Record<string, (unit: number) => number> = {
    final: (unit) => rows[6][unit],
    step: (unit) => rows[2][unit],
    mean: (unit) => mean(column(unit)),
    variance: (unit) => mean(column(unit).map((value) => (value - mean(column(unit))) ** 2)),
    largest: (unit) => Math.max(...column(unit).map(Math.abs))
  }
  await visit('/?model=weather&view=states&step=2&unit=0')
  const expected = Object.entries(by).map(([name, key]) => [name, Array.from(rows[0], (_, unit) => unit).sort((a, b) => key(b) - key(a))] as [string, number[]])
  expected.push(['clusters', clusterOrder({ steps: 7, units: 32, values: Float32Array.from(rows.flat()) }, null)])
  for (const [name, order] of expected) {
    await page.getByLabel('Sort its units by').selectOption(name)
    await settled()
    const found: number[] = []
    for (const row of [0, 1, 17, 31]) {
      const { x, y } = await cellAt(page, 'states-gate-forget', [3, 7], [row, 32])
      await page.mouse.move(x, y)
      found.push((await readout(page)).unit)
    }
    t.same(found, [0, 1, 17, 31].map((row) => order[row]), name)
  }
})

look('spans above a threshold are those of the numbers, and a search finds them in all sequences', {}, async (t, { page, visit, settled, numbers, csv, service }) => {
  const { layer, inputs } = await truth(service, 'chars', 'lstm')
  const [unit, threshold] = [46, 0.25]
  await visit(`/?model=chars&view=states&unit=${unit}&threshold=${threshold}`)
  const own = above(layer.hidden[0], unit, threshold)
  t.ok(own.length > 2, 'there is something to find')
  t.equal(await spansSaid(page), said(own, 40))
  t.same((await numbers('states-unit')).rows.map((row) => row.at(-1)), layer.hidden[0].map((row) => row[unit] > threshold ? '1' : '0'))
  const all = layer.hidden.flatMap((rows, sequence) => above(rows, unit, threshold).map((span) => ({ sequence, ...span })))
  const sorted = (rows: string[][]): string[] => rows.map(([sequence, from, to]) => `${sequence} ${from} ${to}`).sort()
  const found = await numbers('states-search')
  t.same(sorted(found.rows), all.map(({ sequence, from, to }) => `${sequence} ${from} ${to}`).sort())
  t.match(await csv('states-search'), /^sequence,from,to,score,units,labels\r\n/)
  // A span of the list, and then all units that are on in it.
  const { sequence, from, to } = all.find((span) => span.sequence === 1)!
  await page.getByRole('button', { name: `sequence 1, ${to - from === 1 ? `step ${from}` : `steps ${from} to ${to - 1}`}:` }).click()
  await settled()
  await untilParameter(page, 'to', String(to))
  t.same(['sequence', 'from', 'to', 'step'].map((name) => parameter(page, name)), [sequence, from, to, from].map(String))
  await page.getByLabel('Look for').selectOption('together')
  await page.getByText(/^Where units .* are above/).waitFor()
  await settled()
  const { body } = await service.ask('/search', { model: 'chars', inputs, limit: 1000, select: { layer: 'lstm', tensor: 'hidden', sequence, from, to, threshold } })
  t.same((await numbers('states-search')).rows.map((row) => row.slice(0, 5)), body.matches.map((match: any) => [match.sequence, match.from, match.to, match.score, match.units.join(' ')].map(String)))
  await page.getByText(`${body.found} spans of hidden state in 2 sequences`).waitFor()
  const picked = page.url()
  await page.goto('about:blank')
  await visit(picked.slice(service.url.length))
  t.equal(await page.getByLabel('Look for').inputValue(), 'together')
  t.same((await numbers('states-search')).rows.length, body.matches.length)
})

look('the threshold is dragged with the mouse, moved by key, and written; the spans follow', {}, async (t, { page, visit, service }) => {
  const { layer } = await truth(service, 'chars', 'lstm')
  const unit = 46
  await visit(`/?model=chars&view=states&unit=${unit}&threshold=0.25`)
  const chart = page.locator('#states-unit .chart')
  await chart.scrollIntoViewIfNeeded()
  const box = (await chart.boundingBox())!
  // From 1 at the top to -1 at the bottom.
  const at = (value: number): number => box.y + 84 + (1 - value) / 2 * (box.height - 114)
  await page.mouse.move(box.x + 300, at(0.25))
  await page.mouse.down()
  await page.mouse.move(box.x + 300, at(0.5), { steps: 5 })
  await page.getByText(said(above(layer.hidden[0], unit, Number(await page.locator('input[name=threshold]').inputValue())), 40)).waitFor()
  t.equal(parameter(page, 'threshold'), '0.25', 'not yet in the address')
  await page.mouse.move(box.x + 300, at(-0.4), { steps: 5 })
  await page.mouse.up()
  await page.waitForURL((url) => url.searchParams.get('threshold') !== '0.25')
  const dragged = Number(parameter(page, 'threshold'))
  t.ok(Math.abs(dragged + 0.4) < 0.02, `${dragged} is where it was dragged to`)
  t.equal(await spansSaid(page), said(above(layer.hidden[0], unit, dragged), 40))
  const slider = page.locator('#states-unit input[type=range]')
  await slider.focus()
  await page.keyboard.press('End')
  await untilParameter(page, 'threshold', '1')
  t.equal(await spansSaid(page), 'above at no step')
  for (let n = 0; n < 10; n++) await page.keyboard.press('ArrowLeft')
  await untilParameter(page, 'threshold', '0.9')
  t.equal(await spansSaid(page), said(above(layer.hidden[0], unit, 0.9), 40))
  await page.locator('input[name=threshold]').fill('0.1234')
  await page.keyboard.press('Enter')
  await untilParameter(page, 'threshold', '0.1234')
  t.equal(await spansSaid(page), said(above(layer.hidden[0], unit, 0.1234), 40))
  await page.reload()
  await page.locator('#states-unit').waitFor()
  t.equal(await spansSaid(page), said(above(layer.hidden[0], unit, 0.1234), 40))
})

look('pictures are zoomed together, and the address keeps it', {}, async (t, { page, visit, numbers }) => {
  await visit('/?model=chars&view=states&unit=0')
  await page.getByLabel('Show steps').fill('10')
  await page.keyboard.press('Enter')
  await page.getByLabel('to', { exact: true }).fill('19')
  await page.keyboard.press('Enter')
  await untilParameter(page, 'steps', '10-19')
  await page.reload()
  await page.locator('#states-unit').waitFor()
  for (const figure of ['states-hidden', 'states-gate-output']) {
    const { x, y } = await cellAt(page, figure, [3, 10], [5, 64])
    await page.mouse.move(x, y)
    t.match(await readout(page), { step: 13, unit: 5 })
  }
  // A file that is saved is zoomed as the picture is, and leaves the pointer where it was.
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#states-hidden button', { hasText: 'SVG' }).click()])
  const svg = readFileSync(await download.path(), 'utf8')
  const still = await cellAt(page, 'states-hidden', [7, 10], [40, 64])
  await page.mouse.move(still.x, still.y)
  t.match(await readout(page), { step: 17, unit: 40 }, 'after a file was saved')
  const letters = (await numbers('states-hidden')).rows.slice(10, 20).map(([, label]) => label === ' ' ? '␣' : label)
  t.same([...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text).filter((text) => /^\D$/u.test(text)), letters, 'the characters of the steps that are seen')
  await page.locator('#states-hidden summary', { hasText: 'Numbers' }).click()
  // By hand: the wheel alone scrolls the page.
  const { x, y } = await cellAt(page, 'states-hidden', [5, 10], [5, 64])
  await page.mouse.move(x, y)
  await page.mouse.wheel(0, -50)
  await page.keyboard.down('Control')
  const again = await cellAt(page, 'states-hidden', [5, 10], [5, 64])
  await page.mouse.move(again.x, again.y)
  for (let n = 0; n < 4; n++) await page.mouse.wheel(0, 300)
  await page.keyboard.up('Control')
  await page.waitForURL((url) => url.searchParams.get('steps') !== '10-19')
})

/** Models of the goldens, with the inputs of their cases as their sample. */
async function goldens (t: Test, ids: readonly string[]): Promise<Running> {
  const folder = t.testdir()
  for (const id of ids) {
    const { inputs } = JSON.parse(readFileSync(`test/goldens/cases/${id}.json`, 'utf8')) as { inputs: Record<string, unknown> }
    const ending = id.endsWith('h5') ? 'h5' : 'keras'
    mkdirSync(join(folder, id))
    copyFileSync(`test/goldens/models/${id}.${ending}`, join(folder, id, `model.${ending}`))
    writeFileSync(join(folder, id, 'statescope.json'), JSON.stringify({ sample: { inputs: Object.keys(inputs).length === 1 ? Object.values(inputs)[0] : inputs } }))
  }
  const running = await serve({ MODELS_DIR: folder })
  t.teardown(async () => await running.server.close())
  return running
}

const odd = goldens(t, ['mask-lstm-k3-keras', 'td-document-k2-h5', 'convlstm2d-k3-keras', 'bi-encoder-k2-keras', 'cells-masked-k3-keras'])

look('masked steps are said to be masked, and belong to no span', { on: odd }, async (t, { page, visit, numbers, service }) => {
  const { layer } = await truth(service, 'mask-lstm-k3-keras', 'sequences')
  const mask = layer.mask![0]
  const step = mask.findIndex((seen) => !seen)
  t.ok(step >= 0, 'there is one')
  await visit(`/?model=mask-lstm-k3-keras&view=states&layer=sequences&unit=0&step=${step}&threshold=-2`)
  t.match(await page.locator('.readout').innerText(), /masked: not read/)
  t.same((await numbers('states-hidden')).rows.map((row) => row[2]), mask.map((seen) => seen ? '0' : '1'))
  t.same((await numbers('states-unit')).rows.map((row) => row.at(-1)), mask.map((seen) => seen ? '1' : '0'), 'all but the masked are above -2')
  const coloursIn = async (step: number): Promise<number> => {
    const { x, y } = await cellAt(page, 'states-gate-forget', [step, mask.length], [0, 2])
    const { x: left, y: top } = (await page.locator('#states-gate-forget .chart').boundingBox())!
    return await page.locator('#states-gate-forget canvas').first().evaluate((canvas: any, [x, y]) => {
      const ratio = canvas.width / canvas.clientWidth
      const data = canvas.getContext('2d').getImageData(Math.round((x - 10) * ratio), Math.round((y - 10) * ratio), Math.round(20 * ratio), Math.round(20 * ratio)).data
      return new Set(Array.from({ length: data.length / 4 }, (_, n) => data.slice(4 * n, 4 * n + 3).join())).size
    }, [x - left, y - top] as const)
  }
  t.equal(await coloursIn(mask.findIndex(Boolean)), 1, 'a step that was read has one colour')
  t.ok(await coloursIn(step) > 1, 'masked ones are hatched')
})

look('layers of other axes: one place of each is shown, and chosen', { on: odd }, async (t, { page, visit, numbers, service }) => {
  const { body: sample } = await service.ask('/models/td-document-k2-h5/sample')
  const { body: document } = await service.ask('/hidden-states', { ...sample, layers: ['td'] })
  await visit('/?model=td-document-k2-h5&view=states&layer=td&outer-step=1')
  t.same((await numbers('states-hidden')).rows.map((row) => row.slice(3)), document.layers.td.sentence.lstm.hidden[0][1].map((row: number[]) => row.map(String)))
  t.same((await numbers('states-hidden')).rows.map((row) => row[2]), document.layers.td.sentence.lstm.mask[0][1].map((seen: number) => seen ? '0' : '1'))
  await page.getByText('Where else a unit is above a threshold can be asked of').waitFor()
  const { layer } = await truth(service, 'convlstm2d-k3-keras', 'last')
  await visit('/?model=convlstm2d-k3-keras&view=states&layer=last&row=2&column=1')
  t.same((await numbers('states-hidden')).rows.map((row) => row.slice(3)), (layer.hidden[0] as any).map((step: number[][][]) => step[2][1].map(String)))
})

look('each cell of a layer of several is shown by itself', { on: odd }, async (t, { page, visit, settled, numbers, service }) => {
  const { layer } = await truth(service, 'bi-encoder-k2-keras', 'encoder') as any
  await visit('/?model=bi-encoder-k2-keras&view=states&layer=encoder')
  t.same((await numbers('states-cell')).rows.map((row) => row.slice(3)), layer.forward.cell[0].map((row: number[]) => row.map(String)))
  await page.getByRole('combobox', { name: 'Cell' }).selectOption('backward')
  await settled()
  t.same((await numbers('states-cell')).rows.map((row) => row.slice(3)), layer.backward.cell[0].map((row: number[]) => row.map(String)))
  const threshold = 0
  await page.locator('input[name=threshold]').fill(String(threshold))
  await page.keyboard.press('Enter')
  await page.getByText(`Where unit ${parameter(page, 'unit')} is above 0`, { exact: true }).waitFor()
  await settled()
  const unit = Number(parameter(page, 'unit'))
  const spans = layer.backward.hidden.flatMap((rows: Rows, sequence: number) => above(rows, unit, threshold).map(({ from, to }) => [sequence, from, to].map(String).join(' ')))
  t.same((await numbers('states-search')).rows.map((row) => row.slice(0, 3).join(' ')).sort(), spans.sort())
  // The decoder reads another input, of other steps.
  await visit('/?model=bi-encoder-k2-keras&view=states&layer=decoder')
  await page.getByText("The steps of this layer are not those of the model's first input").waitFor()
  t.equal(await page.locator('#states-input').count(), 0)
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation at ${width} pixels${dark ? ', dark' : ''}, and the pictures are saved`, { width, dark }, async (t, opened) => {
    const { page, visit, violations } = opened
    await visit('/?model=chars&view=states&unit=46&threshold=0.25&from=1&to=3')
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
    await saved(t, opened, 'states-hidden')
    await saved(t, opened, 'states-unit')
  })
}

async function saved (t: Test, { page }: Opened, figure: string): Promise<void> {
  for (const [kind, start] of [['PNG', '\x89PNG'], ['SVG', '<svg ']]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator(`#${figure} button`, { hasText: kind }).click()])
    const file = readFileSync(await download.path())
    t.equal(file.toString('latin1').slice(0, start.length), start)
    if (kind === 'SVG' && figure === 'states-hidden') t.match(file.toString(), /<image[^>]*data:image\/png/, 'the image is in it')
  }
}
