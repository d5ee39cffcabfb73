import t from 'tap'
import type { ModelAnswer } from '../../src/inspector/api/wire.ts'
import { matrixOf } from '../../src/inspector/parts/matrix.ts'
import { featuresRead, groupsOf, histogram, kindsOf } from '../../src/inspector/views/weights/arrays.ts'
import { look } from './browser.ts'
import { serveGoldens } from './goldens.ts'

const [bidirectional, cells] = ['bi-lstm-gru-k3-keras', 'cells-k3-keras']
const others = serveGoldens(`${bidirectional}.keras`, `${cells}.keras`)

/** The rows of a figure's CSV, without its head. */
const linesOf = (csv: string): string[] => csv.split('\r\n').slice(1, -1)

/** What the CSV of some arrays must say, made of the API's nested answer. */
function expected (arrays: Record<string, { shape: number[], data: unknown }>, names: readonly string[], features: readonly string[] | null): string[] {
  return names.flatMap((name) => {
    const { shape, data } = arrays[name]
    const rows = (shape.length === 1 ? [data] : data) as number[][]
    return rows.flatMap((row, r) => row.map((value, c) => `${name},${shape.length === 1 ? '' : name.startsWith('W') && features !== null ? features[r] : r},${c},${value}`))
  })
}

look('every array of an LSTM gate by gate, number by number as the service gives it', {}, async (t, { visit, csv, numbers, page, service }) => {
  await visit('/?model=weather&view=weights')
  const { body: { layers: { lstm } } } = await service.ask('/models/weather/weights?layer=lstm&stats=true')
  const features = ['precipitation', 'temp_max', 'temp_min', 'wind']
  for (const kind of ['W', 'U', 'b']) {
    t.same(linesOf(await csv(`weights-lstm-${kind}`)), expected(lstm.weights, [...'ifco'].map((letter) => `${kind}_${letter}`), kind === 'W' ? features : null), kind)
  }
  t.same((await numbers('weights-lstm-half-life')).rows.map(([, steps]) => Number(steps)), lstm.stats.halfLife.steps)
  const norms = await numbers('weights-lstm-norms')
  t.same(norms.rows, Object.entries<Record<string, number>>(lstm.stats.arrays).map(([name, own]) => [name, ...norms.columns.slice(1).map((column) => String(own[column]))]))
  t.match(await page.locator('.equations pre').innerText(), lstm.equations.join('\n'))
  t.equal(await page.locator('#weights-lstm-U canvas').count(), 8, 'a heatmap and a histogram for each gate')
})

look('the number under the pointer is that of the array', {}, async (t, { visit, page, service }) => {
  await visit('/?model=weather&view=weights')
  const { body: { layers: { lstm } } } = await service.ask('/models/weather/weights?layer=lstm')
  const chart = page.getByRole('img', { name: 'Heatmap of W_f' })
  const { width, height } = (await chart.boundingBox())!
  // The last feature and the last unit lie in the corner at the bottom right, above the axis' names.
  await chart.hover({ position: { x: width - 20, y: height - 50 } })
  const last = lstm.weights.W_f.data[3][31] as number
  t.same(await chart.getAttribute('data-pointed'), `feature wind, unit 31\n${Number(last.toPrecision(4))}`)
})

look('a dense layer, chosen in the address', {}, async (t, { visit, csv, page, service }) => {
  await visit('/?model=weather&view=weights')
  await page.getByLabel('Layer').selectOption('dense')
  t.match(page.url(), /layer=dense/)
  await page.locator('#weights-dense-kernel').waitFor()
  const { body: { layers: { dense } } } = await service.ask('/models/weather/weights?layer=dense')
  t.same(linesOf(await csv('weights-dense-kernel')), expected(dense.weights, ['kernel'], null))
  t.same(linesOf(await csv('weights-dense-bias')), expected(dense.weights, ['bias'], null))
})

look('both directions, and the cells of a stack, by themselves', { on: others }, async (t, { visit, csv, service, page }) => {
  const { body: { recurrentLayers: [{ key }] } } = await service.ask(`/models/${bidirectional}`)
  await visit(`/?model=${bidirectional}&view=weights&layer=${key}`)
  const { body: { layers } } = await service.ask(`/models/${bidirectional}/weights?layer=${key}`)
  for (const side of ['forward', 'backward']) {
    const own = layers[key][side]
    const letters = own.gateOrder.map(({ letter }: { letter: string }) => letter)
    for (const kind of ['W', 'U']) t.same(linesOf(await csv(`weights-${key}-${side}-${kind}`)), expected(own.weights, letters.map((letter: string) => `${kind}_${letter}`), null), `${side} ${kind}`)
  }
  const { body: { recurrentLayers } } = await service.ask(`/models/${cells}`)
  const stack = (recurrentLayers as { key: string, cells?: object[] }[]).find(({ cells = [] }) => cells.length > 1)!.key
  await visit(`/?model=${cells}&view=weights&layer=${stack}`)
  const groups = await page.locator('h2.group').allInnerTexts()
  t.ok(groups.length >= 2, String(groups))
  const { body } = await service.ask(`/models/${cells}/weights?layer=${stack}`)
  for (const { path, arrays } of groupsOf(stack, body.layers[stack])) {
    const names = Object.keys(arrays).filter((name) => name.startsWith('U'))
    t.same(linesOf(await csv(`weights-${path.replaceAll('/', '-')}-U`)), expected(arrays as never, names, null), path)
  }
})

for (const [width, dark] of [[1280, false], [1280, true], [360, false]] as const) {
  look(`no accessibility violation at ${width} pixels${dark ? ', dark' : ''}`, { width, dark }, async (t, { page, visit, violations }) => {
    await visit('/?model=weather&view=weights')
    t.same(await violations(), [])
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')
  })
}

t.test('arrays by kind, gates in their order, each place of a layer by itself', async (t) => {
  const line = { shape: [1] }
  const own = { type: 'GRU', gateOrder: [{ letter: 'z', gate: 'update' }, { letter: 'r', gate: 'reset' }], equations: [], weights: { W_z: line, U_z: line, b_z: line, rb_z: line, W_r: line, U_r: line, b_r: line, rb_r: line } }
  const groups = groupsOf('rnn', { type: 'RNN', cells: { 0: own, 1: { ...own, gateOrder: [{ letter: '', gate: 'hidden' }], weights: { W: line, U: line } } }, other: { type: 'Dense', weights: { moving_mean: line } } } as never)
  t.same(groups.map(({ path }) => path), ['rnn/cells/0', 'rnn/cells/1', 'rnn/other'])
  t.same(kindsOf(groups[0]).map(({ name, arrays }) => [name, ...arrays.map(({ gate }) => gate)]), ['W', 'U', 'b', 'rb'].map((name) => [name, 'update', 'reset']))
  t.same(groups.slice(1).map((group) => kindsOf(group).map(({ name, arrays }) => [name, arrays[0].gate])), [[['W', null], ['U', null]], [['moving_mean', null]]])
})

t.test('an array as a matrix: its last axis across, its others down', async (t) => {
  t.same(matrixOf({ shape: [2, 2, 1], axes: ['row', 'feature', 'unit'] }, ['a', 'b']), { rows: ['0, a', '0, b', '1, a', '1, b'], columns: ['0'], axes: ['row, feature', 'unit'] })
  t.same(matrixOf({ shape: [2, 2], axes: ['unit', 'unit'] }, ['a', 'b']), { rows: ['0', '1'], columns: ['0', '1'], axes: ['unit before', 'unit'] })
  t.same(matrixOf({ shape: [2], axes: ['unit'] }, null), { rows: [''], columns: ['0', '1'], axes: ['', 'unit'] })
  t.same(matrixOf({ shape: [] }, null), { rows: [''], columns: [''], axes: ['', ''] })
})

t.test('features are named only where a layer reads them as they come', async (t) => {
  const call = (key: string, ...from: string[]) => ({ path: key, keys: [key], config: {}, calls: [{ key, inbound: from.map((key) => ({ key, output: 0 })) }] })
  const layers = [{ type: 'InputLayer', ...call('x') }, { type: 'Masking', ...call('m', 'x') }, { type: 'LSTM', ...call('first', 'm') }, { type: 'LSTM', ...call('second', 'first') }]
  const model = { features: ['a', 'b'], inputs: [{ name: 'x' }], layers } as unknown as ModelAnswer
  t.same(featuresRead(model, layers[2]), ['a', 'b'])
  t.equal(featuresRead(model, layers[3]), null, 'what another layer gives has no names, however many numbers it has')
  t.equal(featuresRead({ ...model, inputs: [...model.inputs, ...model.inputs] }, layers[2]), null, 'whose features they are is not known')
})

t.test('a histogram counts every finite number within the scale once, its ends too', async (t) => {
  t.same(histogram([-2, -1.1, 0, 0, 1.1, 2, NaN, Infinity], 2, 4), [2, 0, 2, 2])
  t.same(histogram([0], 1, 3), [0, 1, 0])
})
