// The functions that run in the page know the browser.
/* global requestAnimationFrame */
// node bench/frames.mjs: how smooth the inspector's heatmaps are with 512 units and 1,000 steps, in Chromium. Not a test: it prints what it measured.
// npm run build first. CHROMIUM names another browser than /usr/bin/chromium; UNITS and STEPS other sizes; SECONDS how long each motion lasts (5).

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const units = Number(process.env.UNITS ?? 512)
const steps = Number(process.env.STEPS ?? 1000)
const seconds = Number(process.env.SECONDS ?? 5)
const features = 4

const folder = mkdtempSync(join(tmpdir(), 'frames-'))
let service
let browser
try {
  makeModel(join(folder, 'large'))
  const url = await start()
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  await page.addInitScript(watchFrames)
  await page.goto(`${url}/?model=large&view=states`)
  await page.locator('#states-unit canvas').waitFor({ timeout: 120_000 })
  await page.waitForTimeout(2000)
  console.log(`${units} units x ${steps} steps, ${await page.locator('.states-grid canvas').count()} pictures`)
  console.log('from the answer to the first picture:', (await page.evaluate(() => globalThis.frames_.firstPicture())).toFixed(0), 'ms')
  const heatmap = page.locator('#states-hidden .chart')
  await heatmap.scrollIntoViewIfNeeded()
  const box = await heatmap.boundingBox()
  const around = async (each) => {
    const end = Date.now() + seconds * 1000
    for (let n = 0; Date.now() < end; n++) await each(n, box.x + box.width * (0.5 + 0.4 * Math.sin(n / 9)), box.y + box.height * (0.5 + 0.35 * Math.cos(n / 7)))
  }
  await measured(page, 'still', async () => await page.waitForTimeout(seconds * 1000))
  await measured(page, 'the pointer moves', async () => await around(async (_, x, y) => await page.mouse.move(x, y)))
  await page.keyboard.down('Control')
  await measured(page, 'zooming', async () => await around(async (n) => await page.mouse.wheel(0, n % 40 < 20 ? -60 : 60)))
  await page.mouse.wheel(0, -400)
  await page.keyboard.up('Control')
  await page.mouse.down()
  await measured(page, 'panning', async () => await around(async (_, x, y) => await page.mouse.move(x, y)))
  await page.mouse.up()
  await page.evaluate(() => globalThis.frames_.start())
  const before = Date.now()
  await page.getByLabel('Sort its units by').selectOption('clusters')
  await page.getByText('Clustering the units').waitFor()
  await page.getByText('Clustering the units').waitFor({ state: 'detached', timeout: 120_000 })
  console.log(line('clustering', await page.evaluate(() => globalThis.frames_.stop())), `${((Date.now() - before) / 1000).toFixed(1)} s in all`)
} finally {
  await browser?.close()
  service?.kill()
  rmSync(folder, { recursive: true })
}

async function measured (page, what, motion) {
  await page.evaluate(() => globalThis.frames_.start())
  await motion()
  console.log(line(what, await page.evaluate(() => globalThis.frames_.stop())))
}

function line (what, { frames, longest }) {
  const sorted = frames.sort((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1)
  return `${what}: ${sorted.length} frames, median ${at(0.5)} ms, 95th ${at(0.95)} ms, 99th ${at(0.99)} ms, longest task ${longest.toFixed(0)} ms`
}

/** Runs in the page: times between its frames, its longest task (those above 50 ms are reported), and when its first heatmap stood. */
function watchFrames () {
  let frames = []
  let longest = 0
  let last = 0
  let running = false
  let drawn = 0
  new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) longest = Math.max(longest, duration) }).observe({ type: 'longtask' })
  const tick = (now) => {
    if (!running) return
    if (last !== 0) frames.push(now - last)
    last = now
    requestAnimationFrame(tick)
  }
  const look = () => {
    // The frame after the one in which the canvas is there shows what is on it.
    if (document.querySelector('#states-hidden canvas') === null) requestAnimationFrame(look)
    else requestAnimationFrame(() => { drawn = performance.now() })
  }
  requestAnimationFrame(look)
  globalThis.frames_ = {
    start: () => {
      frames = []
      longest = last = 0
      running = true
      requestAnimationFrame(tick)
    },
    stop: () => {
      running = false
      return { frames, longest }
    },
    firstPicture: () => drawn - performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/hidden-states')).responseEnd
  }
}

/** An LSTM and a Dense with seeded weights, as tfjs converts them, and a random walk to read. */
function makeModel (place) {
  const random = mulberry32(7)
  const shapes = {
    'lstm/lstm_cell/kernel': [features, 4 * units], 'lstm/lstm_cell/recurrent_kernel': [units, 4 * units], 'lstm/lstm_cell/bias': [4 * units], 'dense/kernel': [units, 1], 'dense/bias': [1]
  }
  const arrays = Object.values(shapes).map((shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (random() - 0.5) * 4 / Math.sqrt(shape[0])))
  const layer = (name, of, config) => ({ class_name: of, config: { name, trainable: true, dtype: 'float32', ...config } })
  const topology = {
    class_name: 'Sequential',
    config: {
      name: 'large',
      layers: [
        layer('walk', 'InputLayer', { batch_input_shape: [null, steps, features], sparse: false }),
        layer('lstm', 'LSTM', { units, activation: 'tanh', recurrent_activation: 'sigmoid', use_bias: true, return_sequences: true, return_state: false, go_backwards: false, stateful: false, unroll: false }),
        layer('dense', 'Dense', { units: 1, activation: 'linear', use_bias: true })
      ]
    }
  }
  mkdirSync(place)
  writeFileSync(join(place, 'model.json'), JSON.stringify({
    format: 'layers-model',
    modelTopology: { keras_version: '2.15.0', backend: 'tensorflow', model_config: topology },
    weightsManifest: [{ paths: ['weights.bin'], weights: Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: 'float32' })) }]
  }))
  writeFileSync(join(place, 'weights.bin'), Buffer.concat(arrays.map(({ buffer }) => Buffer.from(buffer))))
  const walk = new Array(features).fill(0)
  const inputs = [Array.from({ length: steps }, () => walk.map((value, n) => (walk[n] = Math.round((value * 0.98 + random() - 0.5) * 1000) / 1000)))]
  writeFileSync(join(place, 'statescope.json'), JSON.stringify({ description: 'Seeded weights that learned nothing.', features: ['a', 'b', 'c', 'd'], sample: { inputs } }))
}

/** Evenly distributed numbers below 1 from a seed (Tommy Ettinger's mulberry32). */
function mulberry32 (seed) {
  return () => {
    seed = seed + 0x6d2b79f5 | 0
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32
  }
}

/** The service on the model alone; gives its address. */
async function start () {
  service = spawn(process.execPath, [join(import.meta.dirname, '../dist/src/cli.js')], { env: { ...process.env, MODELS_DIR: folder, PORT: '0', WORKERS: '1', LOG_LEVEL: 'warn' }, stdio: ['ignore', 'pipe', 'inherit'] })
  return await new Promise((resolve, reject) => {
    service.on('exit', (code) => reject(new Error(`the service ended with ${code}`)))
    service.stdout.on('data', (text) => {
      const found = /http:\/\/\S+/.exec(String(text))
      if (found !== null) resolve(found[0])
    })
  })
}
