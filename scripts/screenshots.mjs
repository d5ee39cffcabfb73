// node scripts/screenshots.mjs: takes the README's pictures of the inspector anew, in Chromium (CHROMIUM names another than Debian's), from the sample models.

import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { projectFolder } from './engine/names.mjs'

const port = 18099
const out = join(projectFolder, 'docs', 'images')

/** Name, address, and what of the page is shown: a figure's id, or the page down to so many pixels. */
const pictures = [
  ['inspector-relevance', '?model=weather&view=relevance&output=temp_max', { height: 2400 }],
  ['inspector-states', '?model=weather&view=states&unit=15', { height: 1900 }],
  ['inspector-text', '?model=chars&view=text&unit=33', { height: 700 }],
  ['inspector-graph', '?model=weather-kind&view=graph', { height: 900 }]
]

mkdirSync(out, { recursive: true })
const service = spawn(process.execPath, [join(projectFolder, 'dist/src/cli.js')], { cwd: projectFolder, env: { ...process.env, PORT: String(port), LOG_LEVEL: 'silent' }, stdio: 'ignore' })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
try {
  await ready()
  for (const [name, address, { height }] of pictures) {
    const page = await browser.newPage({ viewport: { width: 1100, height } })
    await page.goto(`http://127.0.0.1:${port}/${address}`, { waitUntil: 'networkidle' })
    await page.locator('figure').first().waitFor()
    await page.locator('progress').first().waitFor({ state: 'detached' })
    await page.waitForTimeout(500)
    await page.screenshot({ path: join(out, `${name}.png`) })
    console.log(`docs/images/${name}.png`)
    await page.close()
  }
} finally {
  await browser.close()
  service.kill()
}

async function ready () {
  for (let tries = 0; tries < 600; tries++) {
    if (await fetch(`http://127.0.0.1:${port}/health/ready`).then(({ ok }) => ok, () => false)) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  throw new Error('the service does not become ready')
}
