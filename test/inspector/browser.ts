import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium, type Browser, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { serve, type Running } from '../support/service.ts'

const chromiumFile = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** Why these tests are skipped, where there is no Chromium. CI counts that as a failure. */
const skip = existsSync(chromiumFile) ? false : `there is no ${chromiumFile}; Debian's package chromium has it, or CHROMIUM names another`

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A page of a real browser on a real service, whose console is watched. */
export interface Opened {
  readonly page: Page
  readonly service: Running
  /** Goes to `path` of the service and waits until nothing is under way. */
  readonly visit: (path: string) => Promise<void>
  /** Waits until no request of the page is under way. */
  readonly settled: () => Promise<void>
  /** The numbers of a figure as they stand in its table, whole: columns and rows of text. */
  readonly numbers: (figure: string) => Promise<{ columns: string[], rows: string[][] }>
  /** The CSV that a figure saves. */
  readonly csv: (figure: string) => Promise<string>
  /** The curl of a figure, which is written once its words are opened. */
  readonly curl: (figure: string) => Promise<string>
  /** What axe-core finds on the page as it stands, a line a violation. */
  readonly violations: () => Promise<string[]>
}

let shared: Promise<Browser> | undefined
let running: Promise<Running> | undefined

/** The service of this test file, on the sample models. */
async function service (): Promise<Running> {
  running ??= serve({ MODELS_DIR: 'models' }).then((started) => {
    t.teardown(async () => await started.server.close())
    return started
  })
  return await running
}

async function browser (): Promise<Browser> {
  // A sandbox needs rights that a container's root lacks; the only page opened is this project's own.
  shared ??= chromium.launch({ executablePath: chromiumFile, args: ['--no-sandbox', '--disable-dev-shm-usage'] }).then((launched) => {
    t.teardown(async () => await launched.close())
    return launched
  })
  return await shared
}

export interface Wishes {
  /** Another service than the one on the sample models. */
  readonly on?: Promise<Running>
  /** Errors that the console may have. */
  readonly expected?: RegExp
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
}

/** A test with a page of its own: at its end no error but those expected stands in the console, and no request has gone elsewhere. */
export function look (name: string, { on, expected, ...screen }: Wishes, body: (t: Test, opened: Opened) => Promise<void>): void {
  t.test(name, { skip }, async (t) => {
    const started = await (on ?? service())
    const context = await (await browser()).newContext({
      viewport: { width: screen.width ?? 1280, height: screen.height ?? 900 },
      colorScheme: screen.dark === true ? 'dark' : 'light',
      reducedMotion: 'reduce'
    })
    t.teardown(async () => await context.close())
    const page = await context.newPage()
    const errors: string[] = []
    page.on('console', (message) => { if (message.type() === 'error' && expected?.test(message.text()) !== true) errors.push(message.text()) })
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('request', (request) => { if (/^https?:/.test(request.url()) && !request.url().startsWith(started.url)) errors.push(`asked ${request.url()}`) })
    await body(t, openedOn(page, started))
    t.same(errors, [], 'nothing in the console')
  })
}

function openedOn (page: Page, started: Running): Opened {
  const settled = async (): Promise<void> => {
    await page.waitForLoadState('networkidle')
    await page.locator('progress').first().waitFor({ state: 'detached' })
  }
  return {
    page,
    service: started,
    settled,
    visit: async (path) => {
      await page.goto(started.url + path, { waitUntil: 'networkidle' })
      await page.locator('main').waitFor()
      await settled()
    },
    numbers: async (figure) => {
      const table = page.locator(`#${figure} table`)
      if (!await table.isVisible()) await page.locator(`#${figure} summary`, { hasText: 'Numbers' }).click()
      await table.waitFor()
      return await table.evaluate((element) => ({
        columns: [...element.querySelectorAll('th')].map((cell) => cell.textContent ?? ''),
        rows: [...element.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('td')].map((cell) => cell.getAttribute('data-value') ?? ''))
      }))
    },
    csv: async (figure) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.locator(`#${figure} button`, { hasText: 'CSV' }).click()])
      return readFileSync(await download.path(), 'utf8')
    },
    curl: async (figure) => {
      await page.locator(`#${figure} summary`, { hasText: 'curl' }).click()
      const text = page.locator(`#${figure} pre`).filter({ hasText: 'curl' })
      await text.waitFor()
      return await text.innerText()
    },
    violations: async () => {
      await page.evaluate(axe)
      return await page.evaluate(`axe.run().then(({ violations }) => violations.map(({ id, help, nodes }) =>
        id + ': ' + help + ' (' + nodes.map(({ target }) => target.join(' ')).join(', ') + ')'))`)
    }
  }
}
