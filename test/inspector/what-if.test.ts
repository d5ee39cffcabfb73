import type { Locator } from 'playwright-core'
import { look, type Opened } from './browser.ts'

const labels = ['precipitation', 'temp_max', 'temp_min', 'wind']
const beside = (without: number[], now: number[] | null, names = labels): string[][] =>
  names.map((name, n) => [name, String(without[n]), now === null ? '' : String(now[n]), now === null ? '' : String(now[n] - without[n])])

const sampleOf = async ({ service }: Opened, model: string): Promise<Record<string, any>> => (await service.ask(`/models/${model}/sample`)).body
const predicted = async ({ service }: Opened, body: object): Promise<Record<string, any>> => (await service.ask('/predict', body)).body.outputs
/** Waits until the address has `name` as `value` (it is written up to a fifth of a second late) and the numbers are those of what is chosen. */
async function answered ({ page }: Opened, name: string, value: string | null): Promise<void> {
  await page.waitForURL((url) => url.searchParams.get(name) === value)
  await page.locator('.answer[data-stale=false]').waitFor()
}

look('a slider by keyboard: the prediction with and without, the same numbers as the service gives', {}, async (t, opened) => {
  const { page, visit, numbers, violations } = opened
  await visit('/?model=weather&view=what-if')
  const sample = await sampleOf(opened, 'weather')
  const week = sample.inputs[0] as number[][]
  const { activation: [without] } = await predicted(opened, { ...sample, inputs: [week] })
  t.same((await numbers('what-if-activation')).rows, beside(without, null))
  const slider = page.getByRole('slider', { name: 'temp_max' })
  t.same([await slider.getAttribute('min'), await slider.getAttribute('max'), await slider.inputValue()], ['10', '35', '35'], 'the range of what is given')
  await slider.focus()
  for (let n = 0; n < 30; n++) await page.keyboard.press('ArrowLeft')
  await answered(opened, 'change', '6:1:32')
  t.equal(await page.getByRole('spinbutton', { name: 'temp_max, as a number' }).inputValue(), '32')
  const now = async (value: number): Promise<number[]> => (await predicted(opened, { ...sample, inputs: [week.with(6, week[6].with(1, value))] })).activation[0]
  t.same((await numbers('what-if-activation')).rows, beside(without, await now(32)))
  await page.getByRole('spinbutton', { name: 'temp_max, as a number' }).fill('20.5')
  await answered(opened, 'change', '6:1:20.5')
  const rows = beside(without, await now(20.5))
  t.same((await numbers('what-if-activation')).rows, rows)
  t.same(await violations(), [])
  await page.reload()
  await answered(opened, 'change', '6:1:20.5')
  t.same((await numbers('what-if-activation')).rows, rows, 'the address has the change')
  await page.getByRole('button', { name: 'Reset' }).click()
  await answered(opened, 'change', null)
  t.same((await numbers('what-if-activation')).rows, beside(without, null))
})

look('another step, another sequence, one feature; undone one by one', {}, async (t, opened) => {
  const { page, visit, numbers } = opened
  await visit('/?model=weather&view=what-if&sequence=1&change=6:0:0,2:3:1')
  const sample = await sampleOf(opened, 'weather')
  const week = sample.inputs[1] as number[][]
  const { activation: [without] } = await predicted(opened, { ...sample, inputs: [week] })
  const both = week.with(6, week[6].with(0, 0)).with(2, week[2].with(3, 1))
  t.same((await numbers('what-if-activation')).rows, beside(without, (await predicted(opened, { ...sample, inputs: [both] })).activation[0]))
  await page.getByRole('button', { name: 'Undo t-1 precipitation' }).click()
  await page.getByRole('combobox', { name: /^Step/ }).selectOption('2')
  await page.getByRole('combobox', { name: /^Feature/ }).selectOption('3')
  await answered(opened, 'feature', '3')
  t.equal(await page.getByRole('slider').count(), 1)
  t.same((await numbers('what-if-activation')).rows, beside(without, (await predicted(opened, { ...sample, inputs: [week.with(2, week[2].with(3, 1))] })).activation[0]))
})

look('a gate that is held, of all units and of one, with a change beside it', {}, async (t, opened) => {
  const { page, service, visit, numbers, violations } = opened
  await visit('/?model=weather&view=what-if&change=5:1:20')
  const sample = await sampleOf(opened, 'weather')
  const week = sample.inputs[0] as number[][]
  const { activation: [without] } = await predicted(opened, { ...sample, inputs: [week] })
  const held = async (intervention: object): Promise<number[]> => (await service.ask('/hidden-states', {
    ...sample, inputs: [week.with(5, week[5].with(1, 20))], tensors: 'final', steps: 'last', intervene: [{ layer: 'lstm', gate: 'forget', ...intervention }]
  })).body.intervened.activation[0]
  await page.getByRole('combobox', { name: /^Hold/ }).selectOption('lstm/gates/forget')
  await page.getByRole('slider', { name: 'Value' }).focus()
  for (let n = 0; n < 40; n++) await page.keyboard.press('ArrowUp')
  await answered(opened, 'value', '0.4')
  t.same((await numbers('what-if-activation')).rows, beside(without, await held({ value: 0.4 })))
  await page.getByRole('combobox', { name: /^Unit/ }).selectOption('3')
  await page.getByRole('combobox', { name: /^At/ }).selectOption('6')
  await answered(opened, 'holdStep', '6')
  t.same((await numbers('what-if-activation')).rows, beside(without, await held({ value: 0.4, unit: 3, steps: [6] })))
  t.same(await violations(), [])
})

look('a character of a text is changed', { width: 360, dark: true }, async (t, opened) => {
  const { page, visit, numbers, violations } = opened
  await visit('/?model=nextchar&view=what-if')
  const names = (await opened.service.ask('/models/nextchar')).body.outputs[0].labels as string[]
  const choose = async (place: Locator, shown: string): Promise<void> => { await place.selectOption({ label: shown }) }
  await choose(page.getByRole('combobox', { name: /^Step/ }), 't-2: h (step 1)')
  await choose(page.getByRole('combobox', { name: /^Character/ }), 'o')
  await answered(opened, 'change', `1:${(await opened.service.ask('/models/nextchar')).body.text.alphabet.indexOf('o')}`)
  const { softmax: [without, now] } = await predicted(opened, { model: 'nextchar', inputs: { text: ['the', 'toe'] } })
  const { rows } = await numbers('what-if-softmax')
  t.same(rows.map(([name]) => name), names)
  for (const [n, [, was, is]] of rows.entries()) {
    t.ok(Math.abs(Number(was) - without[n]) < 1e-6 && Math.abs(Number(is) - now[n]) < 1e-6, names[n])
  }
  t.same(await violations(), [])
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
})

look('one request is under way at a time, the last one wins, and it can be cancelled', {}, async (t, opened) => {
  const { page, visit, numbers } = opened
  await visit('/?model=weather&view=what-if&change=6:1:30')
  const before = (await numbers('what-if-activation')).rows
  let [underWay, most, asked] = [0, 0, 0]
  let slow = 300
  await page.route('**/predict', async (route) => {
    asked++
    most = Math.max(most, ++underWay)
    await new Promise((resolve) => setTimeout(resolve, slow))
    underWay--
    await route.continue().catch(() => {})
  })
  const input = page.getByRole('spinbutton', { name: 'temp_max, as a number' })
  for (const value of ['21', '22', '23', '24', '25', '26']) await input.fill(value)
  await answered(opened, 'change', '6:1:26')
  t.equal(most, 1)
  t.ok(asked < 6, `${asked} requests for six changes`)
  const sample = await sampleOf(opened, 'weather')
  const week = sample.inputs[0] as number[][]
  const { activation: [without] } = await predicted(opened, { ...sample, inputs: [week] })
  const last = (await predicted(opened, { ...sample, inputs: [week.with(6, week[6].with(1, 26))] })).activation[0]
  t.same((await numbers('what-if-activation')).rows, beside(without, last))
  t.notSame(before, last)
  slow = 20_000
  await input.fill('12')
  await page.getByRole('button', { name: 'Cancel' }).click()
  t.same((await numbers('what-if-activation')).rows, beside(without, null), 'an answer to something else is not shown')
})

look('addresses that make no sense change nothing', {}, async (t, opened) => {
  const { visit, numbers, violations } = opened
  await visit('/?model=weather&view=what-if&change=99:1:3,x,6:9:1,__proto__&hold=constructor&holdUnit=7&value=NaN&sequence=-4&step=1e9&feature=toString')
  const sample = await sampleOf(opened, 'weather')
  const { activation: [without] } = await predicted(opened, { ...sample, inputs: [sample.inputs[0]] })
  const { rows } = await numbers('what-if-activation')
  t.same(rows.map((row) => row.slice(0, 2)), beside(without, without).map((row) => row.slice(0, 2)))
  t.ok(rows.every(([, was, now]) => now === '' || now === was))
  t.same(await violations(), [])
})
